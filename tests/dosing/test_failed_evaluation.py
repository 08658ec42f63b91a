"""Results that cannot be evaluated: administration is told once, the investigator reads why nothing can be signed."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from dosing import tasks
from dosing.models import PhaseProposal
from protocol.vocabulary import Analyte, Phase
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_labs import record
from trialsite.access import Duty, system_actor
from trialsite.context import reading, writing
from trialsite.failures import WORDS, failures, try_again
from trialsite.models import Mail, OutboxMessage, Role, Subject
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
    text = re.sub(r"<[^>]+>", " ", answer.content.decode().partition("<main")[2])
    return re.sub(r"\s+", " ", html.unescape(text))


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
    with pytest.raises(Stale, match="are being evaluated"):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12)


@pytest.mark.req("I3", "C10")
def test_once_the_cause_is_mended_trying_again_opens_the_signature(
    world: World, subject: Subject, broken: pytest.MonkeyPatch
) -> None:
    drained(world, 0, 1, 5, 15, 60)
    admin = log_in(Client(), world.admin)
    assert "1 piece of work failed again and again" in shown(admin, reverse("administration"))
    listed = shown(admin, reverse("failed_work"))
    for words in ("Evaluate results", subject.number, CAUSE, "5 times", "Ada Administrator"):
        assert words in listed
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
    assert "Go on with a laboratory file" in listed
    assert "Site 01" in listed


@pytest.mark.req("A8")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_administrators_have_work_tried_again(world: World, role: Role) -> None:
    with pytest.raises(PermissionDenied):
        try_again(by=world.person(role), at=world.at, message_id=1)


def test_every_kind_of_news_has_words() -> None:
    assert set(WORDS) == set(News)
