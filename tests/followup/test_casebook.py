"""The casebook: signed at milestones, bound to exactly what was listed, broken by a later change, several at once."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dosing.services import undo_doses
from dosing.services.modifications import Order, mark_modification_in_error, modify_dose
from followup.casebook import SOURCES, changes_between
from followup.casebook_words import SECTIONS, form_lines
from followup.milestones import MONTH_6, Reading, missing_signatures, readings
from followup.services import Book, mark_contact_in_error, sign_casebooks, withdraw_casebook_signature
from labs.services import VisitFacts, mark_visit_in_error, record_visit
from protocol.vocabulary import Analyte, DoseAction, Drug, Phase
from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from tests import world_dosing as treat
from tests.dosing.test_pages import text_of
from tests.fixtures.kept import Furnish
from tests.world import IDENTITY, World, hire, log_in
from tests.world_followup import contact, end, reached, who
from tests.world_labs import record
from tests.world_safety import an_event, corrected, reported
from trialsite.access import system_actor
from trialsite.actors import actor_for
from trialsite.context import reading
from trialsite.models import Role, Signature, Subject, User
from trialsite.services import people
from trialsite.services.subjects import Refused, Stale

SAMPLE = treat.MONTH[5]


@pytest.fixture
def furnishing() -> Furnish:
    return decided


@pytest.fixture
def world(kept_world: World) -> World:
    return kept_world


@pytest.fixture
def subject(world: World, kept_thing: Subject) -> Subject:
    """Month 6 is entered and decided: the first milestone."""
    return kept_thing


def decided(world: World, site: str = "01") -> Subject:
    proposal = treat.at_month_6(world, site)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    return fresh(world, proposal.subject)


def fresh(world: World, subject: Subject) -> Subject:
    with everything(world):
        return Subject.objects.select_related("site").get(pk=subject.pk)


def everything(world: World) -> Any:
    return reading(system_actor("verification"), world.at)


def read(world: World, subject: Subject) -> Reading:
    with everything(world):
        (found,) = readings([Subject.objects.select_related("site").get(pk=subject.pk)])
        return found


def books(world: World, *subjects: Subject) -> list[Book]:
    return [Book(one.pk, one.site_id, read(world, one).shown) for one in subjects]


def sign(
    world: World, *subjects: Subject, token: UUID | None = None, shown: list[Book] | None = None
) -> list[Signature]:
    by = world.person(Role.INVESTIGATOR, subjects[0].site.code)
    listed = shown if shown is not None else books(world, *subjects)
    return sign_casebooks(by=by, at=world.at, proof=world.proof(by), token=token or uuid4(), books=listed)


def correct(world: World, subject: Subject, typed: str = "3.5") -> None:
    record(world, subject, "m05", SAMPLE, {Analyte.SERUM_M: typed}, reason="Transcription error")


def to_do(world: World, subject: Subject) -> list[str]:
    with everything(world):
        one = Subject.objects.select_related("site").get(pk=subject.pk)
        return [step.sentence for step in tasks(facts_of([one], world.at)[one.pk]) if "casebook" in step.words]


def state_of(world: World, signature: Signature) -> list[str]:
    with everything(world):
        return list(signature.events.values_list("kind", flat=True))


# ---------------------------------------------------------------- one casebook


@pytest.mark.req("C1", "C9", "C11")
def test_everything_entered_is_listed_signed_and_named(world: World, subject: Subject) -> None:
    assert to_do(world, subject) == ["Sign casebook, month 6"]
    shown = read(world, subject)
    assert {line.heading for line in form_lines(shown.changes)} >= {"Month 5 labs", "Month 6 labs"}
    (signature,) = sign(world, subject)
    assert signature.content["milestones"] == [MONTH_6]
    assert len(signature.content["forms"]) == len(shown.changes) == shown.number_of_forms
    assert (signature.printed_name, signature.meaning) == ("Dr Investigator-01", "approval of the casebook")
    after = read(world, subject)
    assert (after.changes, after.due, after.is_broken, after.can_be_signed) == ((), (), False, False)
    assert to_do(world, subject) == []


@pytest.mark.req("C4", "C9", "C11")
def test_a_later_change_breaks_it_queues_it_and_is_listed_with_both_values(world: World, subject: Subject) -> None:
    (first,) = sign(world, subject)
    correct(world, subject)
    assert state_of(world, first) == ["broken"]
    assert to_do(world, subject) == ["Sign casebook again, what was signed changed"]
    (line,) = form_lines(read(world, subject).changes)
    assert (line.heading, line.state, line.alters) == ("Month 5 labs", "Changed", True)
    assert [(one.label, one.old, one.new) for one in line.items] == [("Serum M-spike", "3.7 g/dL", "3.5 g/dL")]
    (second,) = sign(world, subject)
    assert (second.content["number"], state_of(world, second)) == (2, [])
    assert state_of(world, first) == ["broken"]
    assert to_do(world, subject) == []


@pytest.mark.req("C9", "C11")
def test_what_is_added_later_breaks_nothing_and_waits_for_the_next_milestone(world: World, subject: Subject) -> None:
    (first,) = sign(world, subject)
    record(world, subject, "m07", date(2024, 8, 16), {Analyte.SERUM_M: "3.4"})
    after = read(world, subject)
    assert [(one.state, one.alters) for one in after.changes] == [("new", False)] * len(after.changes) != []
    assert (state_of(world, first), to_do(world, subject)) == ([], [])
    end(world, subject, date(2024, 8, 20))
    assert to_do(world, subject) == ["Sign casebook, end of treatment"]
    sign(world, subject)
    assert state_of(world, first) == ["superseded"]


@pytest.mark.req("C11")
def test_a_lock_would_name_what_is_missing_or_broken(world: World, subject: Subject) -> None:
    def missing() -> list[str]:
        with everything(world):
            return missing_signatures(Subject.objects.select_related("site").get(pk=subject.pk))

    assert missing() == ["The casebook is not signed."]
    sign(world, subject)
    assert missing() == []
    record(world, subject, "m07", date(2024, 8, 16), {Analyte.SERUM_M: "3.4"})
    assert missing() == ["The casebook has entries that are not signed."]
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    assert missing() == [
        "The signature under the decision to start anakinra + low-dose dex is broken.",
        "The signature under the casebook is broken.",
    ]


@pytest.mark.req("C13")
def test_the_signer_withdraws_with_a_reason_and_the_casebook_is_due_again(world: World, subject: Subject) -> None:
    (first,) = sign(world, subject)
    given = {**who(world, subject, Role.INVESTIGATOR), "signature_id": first.pk, "reason": "Signed the wrong list"}
    given["proof"] = world.proof(given["by"])
    with pytest.raises(Refused, match="Say why"):
        withdraw_casebook_signature(**{**given, "reason": " "})
    other = hire(world, "second-investigator", Role.INVESTIGATOR, "01")
    with pytest.raises(Refused, match="Only Dr Investigator-01"):
        withdraw_casebook_signature(**{**given, "by": other, "proof": world.proof(other)})
    withdraw_casebook_signature(**given)
    assert state_of(world, first) == ["withdrawn"]
    assert to_do(world, subject) == ["Sign casebook again, the signature was withdrawn"]
    assert read(world, subject).ended_words == "withdrawn"
    with everything(world):
        assert missing_signatures(subject) == ["The signature under the casebook is withdrawn."]
    with pytest.raises(Refused, match="does not stand"):
        withdraw_casebook_signature(**given)
    (second,) = sign(world, subject)
    assert (state_of(world, second), state_of(world, first)) == ([], ["withdrawn"])


# ---------------------------------------------------------------- every kind of change breaks it


def _contact(world: World, subject: Subject) -> None:
    end(world, subject, date(2024, 8, 20))
    stored = contact(world, subject, reached("fu06", date(2025, 2, 20)))
    sign(world, subject)
    mark_contact_in_error(**who(world, subject), contact_id=stored.pk, reason="Called another subject")


def _event(world: World, subject: Subject) -> None:
    stored = reported(world, subject, an_event("Headache", 2, "feb 2024"))
    sign(world, subject)
    corrected(world, subject, stored, an_event("Headache", 1, "feb 2024"))


def _dose(world: World, subject: Subject) -> None:
    treat.fill(world, subject, date(2024, 2, 1), date(2024, 2, 20))
    sign(world, subject)
    day = date(2024, 2, 3)
    undo_doses(**who(world, subject), drug=Drug.ANAKINRA, first_on=day, last_on=day, reason="Diary was misread")


def _order(world: World, subject: Subject) -> None:
    order = Order(Drug.ANAKINRA, DoseAction.HOLD, date(2024, 7, 18), "Neutropenia")
    stored = modify_dose(**who(world, subject), token=uuid4(), order=order)
    sign(world, subject)
    mark_modification_in_error(**who(world, subject), modification_id=stored.pk, reason="Another subject's")


def _visit_facts(world: World, subject: Subject) -> None:
    record_visit(**who(world, subject), code="m06", facts=VisitFacts(treat.MONTH[6], ecog=0))
    sign(world, subject)
    record_visit(**who(world, subject), code="m06", facts=VisitFacts(treat.MONTH[6], ecog=1), reason="Read again")


def _visit(world: World, subject: Subject) -> None:
    sign(world, subject)
    mark_visit_in_error(**who(world, subject), code="m05", reason="Another subject's")


@pytest.mark.req("C4", "C11")
@pytest.mark.parametrize(
    "change", [_contact, _event, _dose, _order, _visit_facts, _visit], ids=lambda one: one.__name__
)
def test_every_kind_of_change_breaks_it(world: World, subject: Subject, change: Any) -> None:
    change(world, subject)
    with everything(world):
        (signature,) = Signature.objects.filter(record_type="casebook")
    assert state_of(world, signature) == ["broken"]
    after = read(world, subject)
    assert after.is_broken
    assert any(one.alters for one in after.changes)
    assert to_do(world, subject)


def test_every_form_has_words(world: World) -> None:
    assert {source.section for source in SOURCES} == set(SECTIONS)
    assert changes_between({"visit:m06": {"visit/ecog": 0}}, {})[0].state == "gone"


# ---------------------------------------------------------------- several at once


@pytest.mark.req("C9", "C10")
def test_several_are_signed_together_or_not_at_all(world: World, subject: Subject) -> None:
    other = decided(world)
    shown = books(world, subject, other)
    correct(world, other)
    with pytest.raises(Stale, match=f"Forms of {other.number} changed since they were listed. Nothing was signed."):
        sign(world, subject, other, shown=shown)
    with everything(world):
        assert not Signature.objects.filter(record_type="casebook").exists()
    token = uuid4()
    signed = sign(world, subject, other, token=token)
    assert len(signed) == 2
    assert [one.pk for one in sign(world, subject, other, token=token)] == [one.pk for one in signed]


@pytest.mark.req("C9", "C10")
def test_over_two_sites_all_or_nothing(world: World, subject: Subject) -> None:
    there = decided(world, "02")
    by = world.person(Role.INVESTIGATOR)
    shown = books(world, subject, there)
    with pytest.raises(PermissionDenied):
        sign(world, subject, there, shown=shown)
    people.delegate(
        by=world.admin, at=world.at, user_id=by.user_id or 0, site_id=there.site_id, role=Role.INVESTIGATOR,
        starts_on=date(2024, 1, 3), ends_on=None,
    )  # fmt: skip
    world.people[Role.INVESTIGATOR, "01"] = actor_for(User.objects.get(pk=by.user_id))
    for changed in (there, subject):
        shown, token = books(world, subject, there), uuid4()
        correct(world, changed)
        for _ in range(2):
            with pytest.raises(Stale, match=changed.number):
                sign(world, subject, there, shown=shown, token=token)
        with everything(world):
            assert not Signature.objects.filter(record_type="casebook").exists()
    token = uuid4()
    signed = sign(world, subject, there, token=token)
    assert [one.pk for one in sign(world, subject, there, token=token)] == [one.pk for one in signed]
    assert len(signed) == 2


@pytest.mark.req("C11")
def test_only_investigators_delegated_at_the_site_sign(world: World, subject: Subject, client: Client) -> None:
    without_duty = hire(world, "sub-investigator", Role.COORDINATOR, "01")
    listed = books(world, subject)
    for by in (without_duty, world.person(Role.INVESTIGATOR, "02"), world.person(Role.DATA_MANAGER)):
        with pytest.raises(PermissionDenied):
            sign_casebooks(by=by, at=world.at, proof=world.proof(by), token=uuid4(), books=listed)
    address = reverse("subject_casebook", args=[subject.key])
    assert log_in(client, without_duty).post(address, {}).status_code == 403
    assert client.get(reverse("casebooks")).status_code == 403
    assert "Sign casebook" not in text_of(client.get(address))


def test_what_is_signed_is_not_signed_twice(world: World, subject: Subject) -> None:
    sign(world, subject)
    with pytest.raises(Refused, match="Nothing changed since"):
        sign(world, subject)
    with pytest.raises(Refused, match="no casebook"):
        sign(world, subject, shown=[])


# ---------------------------------------------------------------- pages


def sent(page: HttpResponse) -> dict[str, str]:
    (form,) = re.findall(r'<form method="post" autocomplete="off" novalidate>.*?</form>', page.content.decode(), re.S)
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: html.unescape(value) for name, value in found.items()}


@pytest.mark.req("C9", "C11")
def test_the_list_counts_what_it_signs_and_says_what_changed_in_between(
    world: World, subject: Subject, client: Client
) -> None:
    other = decided(world)
    url = reverse("casebooks")
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    assert "Sign 2 casebooks" in text_of(page)
    correct(world, other)
    refused = client.post(url, {**sent(page), **IDENTITY})
    assert (refused.status_code, f"Forms of {other.number} changed" in text_of(refused)) == (422, True)
    one_left = client.get(url, {"without": other.key})
    assert "Sign 1 casebook " in text_of(one_left)
    assert f"Left out: {other.number}" in text_of(one_left)
    done = client.post(f"{url}?without={other.key}", {**sent(one_left), **IDENTITY}, follow=True)
    assert "1 casebook signed." in text_of(done)
    assert other.number in text_of(done)
    assert f"{subject.number} " not in text_of(done)


@pytest.mark.req("C1", "C9")
def test_the_page_of_one_subject(world: World, subject: Subject, client: Client) -> None:
    url = reverse("subject_casebook", args=[subject.key])
    page = log_in(client, world.person(Role.INVESTIGATOR)).get(url)
    wrong = client.post(url, {**sent(page), **IDENTITY, "password": "no"})
    assert (wrong.status_code, "is not right" in text_of(wrong)) == (422, True)
    done = client.post(url, {**sent(page), **IDENTITY}, follow=True)
    assert "The casebook is signed." in text_of(done)
    assert "Approval of the casebook" in text_of(done)
    assert "casebook on one page" not in text_of(client.get(reverse("my_work")))
    with everything(world):
        own = Signature.objects.get(record_type="casebook")
    form = {"action": "withdraw", "signature": own.pk, "password": IDENTITY["password"]}
    refused = client.post(url, {**form, "why": ""})
    assert (refused.status_code, "Say why" in text_of(refused)) == (422, True)
    taken_back = client.post(url, {**form, "why": "Signed the wrong list"}, follow=True)
    assert "Withdrawn" in text_of(taken_back)
    assert "Signed the wrong list" in text_of(taken_back)
    assert "Sign 1 casebook on one page" in text_of(client.get(reverse("my_work")))
    client.post(url, {**sent(taken_back), "password": IDENTITY["password"]}, follow=True)
    correct(world, subject)
    after = client.get(url)
    assert "Transcription error" in text_of(after)
    assert "3.7 g/dL 3.5 g/dL" in text_of(after)


def test_queries_do_not_grow_with_the_subjects(world: World, subject: Subject) -> None:
    def count(subjects: list[Subject]) -> int:
        with everything(world), CaptureQueriesContext(connection) as seen:
            readings(subjects)
        return len(seen)

    sign(world, subject)
    assert count([subject]) == count([subject, decided(world), decided(world)])
