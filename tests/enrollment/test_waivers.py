"""A criterion that is not met may be waived by signature: it stays not met, and the deviation stays in sight."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from enrollment.models import EligibilitySnapshot, Waiver
from enrollment.selectors import checklist_of, latest_snapshot, site_day
from enrollment.services import Answer, Ruling, decide_waiver, request_waiver, withdraw_waiver_decision
from enrollment.tasks import announce_waiver
from protocol.vocabulary import Analyte, CriterionOutcome, Phase
from reporting.next_step import tasks
from reporting.selectors.facts import facts_of
from reporting.selectors.known import known
from tests.world import IDENTITY, World, hire, log_in, new_world
from tests.world_enrollment import answered, correct, form_in_force, register, screened, sent, signed, with_labs
from tests.world_labs import record
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.context import reading
from trialsite.models import Mail, OutboxMessage, Role, Subject
from trialsite.services.signatures import is_intact
from trialsite.services.subjects import Refused, Stale

APPROVED, REFUSED = Waiver.Decision.APPROVED, Waiver.Decision.REFUSED


def with_low_cells(world: World) -> Subject:
    """Everything speaks for the subject but the white cells (I07)."""
    subject = screened(world)
    with_labs(world, subject, {Analyte.WBC: "3.4"})
    answered(world, subject)
    return subject


def ask(world: World, subject: Subject, criterion: str = "I07", **changed: object) -> Waiver:
    given = {"by": world.person(Role.COORDINATOR), "token": uuid4(), "reason": "Stable for years"}
    return request_waiver(
        at=world.at, subject_id=subject.pk, site_id=subject.site_id, criterion=criterion, **{**given, **changed}
    )  # type: ignore[arg-type]


def decide(
    world: World, subject: Subject, waiver: Waiver, decision: Waiver.Decision = APPROVED, by: Actor | None = None
) -> Waiver:
    signer = by or world.person(Role.INVESTIGATOR)
    return decide_waiver(
        by=signer,
        at=world.at,
        proof=world.proof(signer),
        subject_id=subject.pk,
        site_id=subject.site_id,
        waiver_id=waiver.pk,
        ruling=Ruling(decision, "Benign ethnic neutropenia"),
    )


def withdraw(world: World, subject: Subject, waiver: Waiver) -> Waiver:
    signer = world.person(Role.INVESTIGATOR)
    return withdraw_waiver_decision(
        by=signer,
        at=world.at,
        proof=world.proof(signer),
        subject_id=subject.pk,
        site_id=subject.site_id,
        waiver_id=waiver.pk,
        reason="Misread",
    )


def now(world: World, subject: Subject) -> object:
    with reading(system_actor("verification"), world.at):
        return checklist_of(subject, site_day(world.at, subject.site))


@pytest.mark.req("D2", "D1")
def test_registration_with_a_waiver_and_the_criterion_stays_not_met(world: World) -> None:
    subject = with_low_cells(world)
    with pytest.raises(Refused, match="Not every criterion is met \\(I07\\)"):
        signed(world, subject, sent(world, subject))
    decide(world, subject, ask(world, subject))
    with pytest.raises(Stale, match="evidence has changed"):
        register(world, subject)
    snapshot = sent(world, subject)
    signature = signed(world, subject, snapshot)
    assert "I07 is not met and waived" in signature.statement
    assert register(world, subject).number == "01-001"
    with reading(system_actor("verification"), world.at):
        frozen = EligibilitySnapshot.objects.get(pk=snapshot.pk)
    row = next(row for row in frozen.judgements["criteria"] if row["criterion"] == "I07")
    assert (frozen.outcome, row["outcome"]) == ("NOT_MET", CriterionOutcome.NOT_MET)
    assert (row["waiver"]["reason"], row["waiver"]["approved_by"]) == ("Stable for years", signature.printed_name)


def steps(world: World, subject: Subject) -> list[str]:
    """What is to be done about eligibility, in the order in which it is shown."""
    with reading(system_actor("verification"), world.at):
        known = Subject.objects.select_related("site").get(pk=subject.pk)
        words = [one.words for one in tasks(facts_of([known], world.at)[subject.pk])]
    return [one for one in words if "labs" not in one]


@pytest.mark.req("D2")
def test_the_next_step_of_a_waived_subject_leads_to_registration(world: World) -> None:
    subject = with_low_cells(world)
    sent(world, subject)
    assert steps(world, subject) == ["Record screen failure"]
    world.later(1)
    waiver = ask(world, subject)
    assert steps(world, subject) == ["Decide the waiver of I07"]
    decide(world, subject, waiver)
    assert steps(world, subject) == ["Send eligibility again"]
    world.later(1)
    snapshot = sent(world, subject)
    assert steps(world, subject) == ["Sign eligibility"]
    signed(world, subject, snapshot)
    assert steps(world, subject) == ["Register the subject"]


@pytest.mark.req("D2")
def test_evidence_corrected_after_it_was_sent_is_sent_again(world: World) -> None:
    subject = with_low_cells(world)
    sent(world, subject)
    world.later(1)
    on = site_day(world.at, subject.site)
    record(world, subject, "uns1", on, {Analyte.WBC: "5.1"})
    assert steps(world, subject) == ["Send eligibility again"]
    world.later(1)
    signed(world, subject, sent(world, subject))
    assert steps(world, subject) == ["Register the subject"]
    record(world, subject, "uns1", on, {Analyte.WBC: "5.0"}, reason="Misread")
    assert steps(world, subject) == ["Send eligibility again"], "the signature is broken"


@pytest.mark.req("D2")
def test_a_refused_waiver_and_a_waiting_one_let_nobody_in(world: World) -> None:
    subject = with_low_cells(world)
    waiver = ask(world, subject)
    with pytest.raises(Refused, match="Not every criterion is met"):
        signed(world, subject, sent(world, subject))
    decide(world, subject, waiver, REFUSED)
    with pytest.raises(Refused, match="Not every criterion is met"):
        signed(world, subject, sent(world, subject))
    assert decide(world, subject, ask(world, subject)).decision == APPROVED, "it may be asked again"


@pytest.mark.req("D2")
def test_a_waiver_waits_in_the_work_of_who_may_decide_it(world: World) -> None:
    """Of every investigator of the site but the one who asked, unless nobody else can decide."""
    first = world.person(Role.INVESTIGATOR)

    def to_decide(subject: Subject, by: Actor) -> list[str]:
        with reading(system_actor("verification"), world.at):
            (found,) = known(Subject.objects.filter(pk=subject.pk), world.at)
        return [one.words for one in found.tasks if "waiver" in one.words and one.is_for(_INVESTIGATES, by.user_id)]

    subject = with_low_cells(world)
    waiver = ask(world, subject, by=first)
    assert to_decide(subject, first) == ["Decide the waiver of I07"], "nobody else can"
    second = hire(world, "second-investigator", Role.INVESTIGATOR, "01")
    assert (to_decide(subject, first), to_decide(subject, second)) == ([], ["Decide the waiver of I07"])
    decide(world, subject, waiver, by=second)
    assert to_decide(subject, second) == []


_INVESTIGATES = frozenset({Role.INVESTIGATOR})


@pytest.mark.req("D2", "C4")
def test_a_waiver_holds_for_the_evidence_it_was_given_on(world: World) -> None:
    """White cells of 3.4 were let pass; 2.1 were not."""
    subject = with_low_cells(world)
    waiver = decide(world, subject, ask(world, subject))
    assert now(world, subject).is_clear  # type: ignore[attr-defined]
    world.later(1)
    record(world, subject, "uns1", site_day(world.at, subject.site), {Analyte.WBC: "2.1"})
    assert now(world, subject).unmet == ["I07"]  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="Not every criterion is met"):
        signed(world, subject, sent(world, subject))
    assert waiver.signature is not None


@pytest.mark.req("D2", "C4")
def test_a_correction_under_a_waiver_breaks_its_signature(world: World) -> None:
    subject = screened(world)
    with_labs(world, subject)
    answered(world, subject, {"nyha": "3"})
    waiver = decide(world, subject, ask(world, subject, "E05"))
    correct(world, subject, "nyha", Answer("4", site_day(world.at, subject.site)))
    with reading(system_actor("verification"), world.at):
        stored = Waiver.objects.get(pk=waiver.pk)
        assert stored.signature is not None
        assert not is_intact(stored.signature)
    assert now(world, subject).unmet == ["E05"]  # type: ignore[attr-defined]
    correct(world, subject, "nyha", Answer("3", site_day(world.at, subject.site)))
    assert now(world, subject).unmet == ["E05"], "as it was when it was waived, and the signature is broken"  # type: ignore[attr-defined]


@pytest.mark.req("D2")
def test_a_decision_is_not_withdrawn_while_a_newer_request_waits(world: World) -> None:
    subject = with_low_cells(world)
    refused = decide(world, subject, ask(world, subject), REFUSED)
    newer = ask(world, subject)
    with pytest.raises(Refused, match="A newer request to waive I07 waits"):
        withdraw(world, subject, refused)
    decide(world, subject, newer, REFUSED)
    withdraw(world, subject, newer)
    with reading(system_actor("verification"), world.at):
        assert [one.decision for one in Waiver.objects.order_by("id")] == [REFUSED, ""]


@pytest.mark.req("D2", "D5")
def test_only_what_is_not_met_can_be_waived(world: World) -> None:
    subject = with_low_cells(world)
    for criterion, words in (("I08", "is met"), ("X99", "There is no criterion")):
        with pytest.raises(Refused, match=words):
            ask(world, subject, criterion)
    with pytest.raises(Refused, match="Say why"):
        ask(world, subject, reason=" ")
    correct(world, subject, "caregiver", Answer("unk"))
    correct(world, subject, "self_inject", Answer("unk"))
    with pytest.raises(Refused, match="entered, not waived"):
        ask(world, subject, "I10")
    decide(world, subject, ask(world, subject))
    with pytest.raises(Refused, match="Not decided yet: I10"):
        sent(world, subject)


@pytest.mark.req("D13")
def test_the_same_request_and_decision_twice_are_one(world: World) -> None:
    subject = with_low_cells(world)
    token = uuid4()
    waiver = ask(world, subject, token=token)
    assert ask(world, subject, token=token) == waiver
    with pytest.raises(Refused, match="asked for already"):
        ask(world, subject)
    first = decide(world, subject, waiver)
    assert decide(world, subject, waiver).signature_id == first.signature_id
    with pytest.raises(Stale, match="was approved since"):
        decide(world, subject, waiver, REFUSED)
    with pytest.raises(Refused, match="is waived already"):
        ask(world, subject)


@pytest.mark.req("D2", "A8")
def test_who_asked_does_not_decide_where_somebody_else_can(world: World) -> None:
    subject = with_low_cells(world)
    investigator = world.person(Role.INVESTIGATOR)
    other = hire(world, "second.investigator", Role.INVESTIGATOR, "01")
    waiver = ask(world, subject, by=investigator)
    with pytest.raises(Refused, match="Another investigator"):
        decide(world, subject, waiver)
    assert decide(world, subject, waiver, by=other).decided_by_id == other.user_id


@pytest.mark.req("D2")
def test_the_only_investigator_of_a_site_decides_the_own_request(world: World) -> None:
    subject = with_low_cells(world)
    assert decide(world, subject, ask(world, subject, by=world.person(Role.INVESTIGATOR))).decision == APPROVED


@pytest.mark.req("A7", "D9")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.INVESTIGATOR])
def test_only_investigators_decide_and_only_the_site_asks(world: World, role: Role) -> None:
    subject = with_low_cells(world)
    waiver = ask(world, subject)
    with pytest.raises(PermissionDenied):
        decide(world, subject, waiver, by=world.person(role))
    if role is not Role.COORDINATOR:
        with pytest.raises(PermissionDenied):
            ask(world, subject, by=world.person(role))


@pytest.mark.req("E4")
def test_investigators_are_told_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.at)
    subject = with_low_cells(world)
    investigator = world.person(Role.INVESTIGATOR)
    waiver = ask(world, subject)
    with reading(system_actor("re-evaluation"), world.at):
        message = OutboxMessage.objects.get(kind="WAIVER_REQUESTED")
        assert announce_waiver(message_id=message.pk, subject_id=subject.pk) == 1
        assert announce_waiver(message_id=message.pk, subject_id=subject.pk) == 0
        mail = Mail.objects.get(subject=subject)
    assert mail.recipient_id == investigator.user_id
    assert "3.4" not in mail.body, "no clinical data in mail"
    assert not re.search(r"\b[IE]\d{2}\b", f"{mail.heading} {mail.body}"), "a criterion that is not met is clinical too"
    decide(world, subject, waiver)
    with reading(system_actor("re-evaluation"), world.at):
        assert announce_waiver(message_id=message.pk, subject_id=subject.pk) == 0


# -- pages


@pytest.fixture
def today(db: None) -> World:
    made = new_world(clock.now())
    for site in ("01", "02"):
        form_in_force(made, site)
    return made


def text(response: object) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


@pytest.mark.req("D2")
def test_from_the_red_row_to_registration_by_the_pages(today: World) -> None:
    subject = with_low_cells(today)
    site, signer = (log_in(Client(), today.person(role)) for role in (Role.COORDINATOR, Role.INVESTIGATOR))
    checklist, place = (
        reverse("subject_eligibility", args=[subject.key]),
        reverse("subject_waiver", args=[subject.key, "I07"]),
    )
    assert f'href="{place}"' in text(site.get(checklist))
    assert site.post(place, {"action": "ask", "token": uuid4(), "reason": ""}).status_code == 422
    assert site.post(place, {"action": "ask", "token": uuid4(), "reason": "Stable for years"}).status_code == 303
    assert "waits for an investigator" in text(site.get(checklist))
    page = text(signer.get(place))
    waiver = re.search(r'name="waiver" value="(\d+)"', page)
    assert waiver
    ruling = {"action": "decide", "waiver": waiver[1], "decision": "approved", "reason": "Benign", **IDENTITY}
    wrong = signer.post(place, {**ruling, "password": "not it"})
    assert wrong.status_code == 422
    assert "Benign" in text(wrong)
    assert signer.post(place, ruling).status_code == 303
    page = text(site.get(checklist))
    assert "I07 is not met and waived." in page
    assert re.search(r'id="k_I07".*?<span class="res x">.*?</span>', page), "never green"
    sent(today, subject)
    assert "I07 is not met and waived, all others are met" in text(signer.get(checklist))
    with reading(system_actor("verification"), today.at):
        snapshot = latest_snapshot(subject)
    sign = {"action": "sign", "snapshot": snapshot.pk if snapshot else 0, **IDENTITY}
    assert signer.post(checklist, sign).status_code == 303
    registration = reverse("subject_registration", args=[subject.key])
    assert site.post(registration, {"token": uuid4()}).status_code == 303
    page = text(site.get(checklist))
    assert "Stable for years" in page
    with reading(system_actor("verification"), today.at):
        assert Subject.objects.get(pk=subject.pk).state == Phase.ENROLLED
