"""Results that cannot be evaluated: administration is told once, the investigator reads why nothing can be signed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from dosing import tasks
from dosing.models import PhaseProposal
from protocol.vocabulary import Analyte, Phase
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.world import IDENTITY, World, log_in, new_world
from tests.world_labs import record
from trialsite import failures as failing
from trialsite import outbox
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.failures import WORDS, failures, try_again
from trialsite.models import AuditEvent, Mail, OutboxMessage, Role, Subject
from trialsite.outbox import News, publish_for_site
from trialsite.services.subjects import Stale
from trialsite.tasks import drain_everything

CAUSE = "The reference range of this laboratory ends before it begins"


@pytest.fixture
def subject(world: World, proposal: PhaseProposal) -> Subject:
    """A decision waits for the investigator when another result arrives."""
    subject = proposal.subject
    treat.settle_outbox(world.at)
    world.later(1)
    record(world, subject, "m06", treat.MONTH[6], {Analyte.HB: "12.5"})
    return subject


@pytest.fixture
def broken(subject: Subject) -> Iterator[pytest.MonkeyPatch]:
    """The handler itself fails, for this subject; undone, it works."""
    works = tasks.reevaluate_subject

    def fails(**asked: Any) -> object:
        if asked["subject_id"] == subject.pk:
            raise ValueError(CAUSE)
        return works(**asked)

    breaking = pytest.MonkeyPatch()
    breaking.setattr(tasks, "reevaluate_subject", fails)
    yield breaking
    breaking.undo()


def everything(world: World) -> Any:
    return reading(system_actor("verification"), world.at)


def drained(world: World, *minutes: int) -> None:
    """What the beat does, after so many minutes each."""
    for some in minutes:
        world.at += timedelta(minutes=some)
        drain_everything()


def mails(world: World) -> list[Mail]:
    with everything(world):
        return list(Mail.objects.filter(key__startswith="failed-work:").select_related("recipient"))


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return words_of(answer)


def words_of(answer: HttpResponse) -> str:
    text = re.sub(r"<[^>]+>", " ", answer.content.decode().partition("<main")[2])
    return re.sub(r"\s+", " ", html.unescape(text))


def signing(page: HttpResponse) -> dict[str, str]:
    """Agreeing with what the page proposes."""
    (form,) = [one for one in re.findall(r"<form.*?</form>", page.content.decode(), re.S) if 'value="decide"' in one]
    fixed = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {**fixed, "decision": "agree", "starts_on": "13 Jul 2024", **IDENTITY}


def decision_page(world: World, subject: Subject) -> str:
    investigator = log_in(Client(), world.person(Role.INVESTIGATOR))
    return shown(investigator, reverse("subject_response", args=[subject.key, "m06"]))


@pytest.mark.req("I3", "C10")
@pytest.mark.usefixtures("broken")
def test_administration_is_told_once_of_what_fails_three_times(world: World, subject: Subject) -> None:
    drained(world, 0, 1)
    assert mails(world) == []
    assert "are being evaluated. Nothing can be signed until that is done" in decision_page(world, subject)
    drained(world, 5)
    (mail,) = mails(world)
    assert (mail.recipient.username, mail.heading) == ("admin-00", f"Work failed: subject {subject.number}")
    assert CAUSE not in mail.body, "a cause may name a value"
    drained(world, 15, 60, 240)
    assert len(mails(world)) == 1


@pytest.mark.req("I3", "C10")
@pytest.mark.usefixtures("broken")
def test_the_investigator_reads_what_blocks_and_who_was_told(world: World, subject: Subject) -> None:
    drained(world, 0, 1, 5)
    page = decision_page(world, subject)
    assert "could not be evaluated: it was tried 3 times. Nothing can be signed for this subject" in page
    assert "Ada Administrator (administration) was told at" in page
    assert "This waits: the results that arrived could not be evaluated." in page
    assert CAUSE not in page
    proposal = treat.pending(world, subject)
    assert proposal is not None
    with pytest.raises(Stale, match=r"could not be evaluated: it was tried 3 times.*Ada Administrator.*was told at"):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12)


@pytest.mark.req("I3", "C10")
@pytest.mark.usefixtures("broken")
def test_a_signature_sent_from_an_older_page_reads_what_blocks_it(world: World, subject: Subject) -> None:
    treat.reevaluated(world, subject)
    investigator = log_in(Client(), world.person(Role.INVESTIGATOR))
    url = reverse("subject_response", args=[subject.key, "m06"])
    answer = signing(investigator.get(url))
    record(world, subject, "m06", treat.MONTH[6], {Analyte.HB: "12.6"}, reason="Transcription error")
    drained(world, 0, 1)
    assert "are being evaluated" in words_of(investigator.post(url, answer))
    drained(world, 5)
    refused = investigator.post(url, answer)
    assert refused.status_code == 422
    words = words_of(refused)
    assert "could not be evaluated: it was tried 3 times" in words
    assert "Ada Administrator (administration) was told at" in words
    assert "are being evaluated" not in words


@pytest.mark.req("I3", "C10")
def test_once_the_cause_is_mended_trying_again_opens_the_signature(
    world: World, subject: Subject, broken: pytest.MonkeyPatch
) -> None:
    drained(world, 0, 1, 5, 15, 60)
    admin = log_in(Client(), world.admin)
    assert "1 piece of work failed again and again" in shown(admin, reverse("administration"))
    listed = shown(admin, reverse("failed_work"))
    for words in ("Results could not be evaluated", f"{subject.number} Month 6", "5 times", "Ada Administrator",
                  "The program met something that it was not made for. Give the technical text to",
                  "ValueError in tests/dosing/test_failed_evaluation.py, line"):  # fmt: skip
        assert words in listed
    assert CAUSE not in listed, "a cause may name a value"
    with everything(world):
        (failure,) = failures()
    sent = {"message": str(failure.message.pk)}
    assert admin.post(reverse("failed_work"), sent).status_code == 303
    drained(world, 0)
    assert "6 times" in shown(admin, reverse("failed_work")), "it is not mended yet"
    broken.undo()
    drained(world, 1)
    assert "6 times" in shown(admin, reverse("failed_work")), "by itself it is tried hours later"
    assert admin.post(reverse("failed_work"), sent).status_code == 303
    drained(world, 0)
    assert "Nothing failed." in shown(admin, reverse("failed_work"))
    assert "could not be evaluated" not in decision_page(world, subject)
    proposal = treat.pending(world, subject)
    assert proposal is not None
    assert treat.sign(world, proposal, Phase.LOW_DEX_7_12).to_phase == "LOW_DEX_7_12"
    again = admin.post(reverse("failed_work"), sent, follow=True)
    assert "Nothing waits there any more" in again.content.decode()
    assert len(mails(world)) == 1


@pytest.mark.req("B1", "I3")
@pytest.mark.usefixtures("broken")
def test_the_trail_says_who_had_what_tried_again(world: World, subject: Subject) -> None:
    record(world, subject, "m05", treat.MONTH[5], {Analyte.HB: "12.1"})
    drained(world, 0, 1, 5)
    with everything(world):
        (failure,) = failures()
        both = set(OutboxMessage.objects.filter(subject=subject, done_at=None).values_list("pk", flat=True))
        before = AuditEvent.objects.filter(table="trialsite_outboxmessage", op="UPDATE").count()
    try_again(by=world.admin, at=world.at, message_id=failure.message.pk)
    with everything(world):
        events = list(AuditEvent.objects.filter(table="trialsite_outboxmessage", op="UPDATE"))
    assert before == 0, "that it was tried and failed is no event"
    assert len(both) == 2, "what waits for the same work is tried with it"
    assert {int(one.row_id) for one in events} == both
    assert {(one.actor_name, one.subject_id) for one in events} == {("Ada Administrator", subject.pk)}
    assert {one.reason for one in events} == {"Results could not be evaluated, after 3 attempts"}
    monitor = log_in(Client(), world.person(Role.MONITOR))
    told = "Ada Administrator had failed work tried again."
    for address in (reverse("subject_audit", args=[subject.key]), reverse("audit")):
        trail = shown(monitor, address)
        assert told in trail
        assert "Results could not be evaluated, after 3 attempts" in trail
        assert CAUSE not in trail


@pytest.mark.req("I3")
@pytest.mark.usefixtures("broken")
def test_news_that_fails_holds_no_other_subject_and_is_one_line(world: World, subject: Subject) -> None:
    record(world, subject, "m05", treat.MONTH[5], {Analyte.HB: "12.1"})
    at, other = world.at, treat.on_anakinra(world)
    world.at = at
    drained(world, 0, 1, 5)
    with everything(world):
        assert not OutboxMessage.objects.filter(subject=other, done_at=None).exists()
        assert [one.message.subject_id for one in failures()] == [subject.pk], "two results, one failure"
        assert failures(other) == []
    assert len(mails(world)) == 1


@pytest.mark.req("I3")
def test_news_of_a_whole_site_fails_as_visibly(world: World) -> None:
    site = world.sites["01"]
    with writing(by=world.person(Role.COORDINATOR), duty=Duty.ENTER_DATA, site_id=site.pk, at=world.at):
        publish_for_site(kind=News.LAB_FILE_WAITS, site_id=site.pk, payload={"import": "999"}, at=world.at)
    drained(world, 0, 1, 5)
    (mail,) = mails(world)
    assert mail.heading == "Work failed: site 01"
    listed = shown(log_in(Client(), world.admin), reverse("failed_work"))
    assert "A laboratory file could not be worked on" in listed
    assert "Site 01" in listed


@pytest.mark.req("E8", "I3")
def test_two_workers_that_meet_one_failure_send_one_mail(fresh_db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have found that nobody was told when the first one tells."""
    world, meeting = new_world(), Barrier(2)
    site = world.sites["01"]
    with writing(by=world.person(Role.COORDINATOR), duty=Duty.ENTER_DATA, site_id=site.pk, at=world.at):
        publish_for_site(kind=News.LAB_FILE_WAITS, site_id=site.pk, payload={"import": "999"}, at=world.at)
    for minutes in (0, 1, 6):
        outbox.drain(world.at + timedelta(minutes=minutes))
    found = failing.failures

    def found_by_both() -> object:
        known = found()
        meeting.wait()
        return known

    def tell(_: int) -> int:
        try:
            return failing.tell_administrators(world.at)
        finally:
            connections.close_all()

    monkeypatch.setattr(failing, "failures", found_by_both)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(tell, range(2))) == [0, 1]
    assert len(mails(world)) == 1


@pytest.mark.req("I3")
def test_nobody_is_told_of_work_that_was_done_while_it_was_looked_up(
    world: World, subject: Subject, broken: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained(world, 0, 1)
    monkeypatch.setattr(failing, "TOLD_AFTER", 2)
    with everything(world):
        found = failures()
    assert [one.message.subject_id for one in found] == [subject.pk]
    broken.undo()
    drained(world, 5)
    monkeypatch.setattr(failing, "failures", lambda: found)
    assert failing.tell_administrators(world.at) == 0
    assert mails(world) == []


@pytest.mark.req("A8")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_administrators_have_work_tried_again(world: World, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        try_again(by=world.person(role), at=world.at, message_id=1)


def test_every_kind_of_news_has_words() -> None:
    assert set(WORDS) == set(News)
