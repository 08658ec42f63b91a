"""Only an investigator's signature starts a phase: over exactly what was shown, once, and never silently again."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connections, transaction

from dosing import selectors, services
from dosing.models import PhaseDecision, PhaseProposal
from dosing.selectors.proposals import being_evaluated_since
from dosing.selectors.reviews import reaffirmation, response_review
from labs.models import ResponseSignature
from labs.selectors import latest_response
from protocol.vocabulary import Analyte, Drug, Phase, Response
from reporting.selectors.signed import signed_responses
from safety.services import Medication, record_medication
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.world import World, new_world
from tests.world_labs import record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import (
    AuditEvent,
    Mail,
    OutboxMessage,
    Query,
    Role,
    Signature,
    SignatureEvent,
    StatePeriod,
    Subject,
)
from trialsite.partial_dates import on_day
from trialsite.reauthentication import Proof
from trialsite.services.signatures import digest, is_intact
from trialsite.services.subjects import Refused, Stale


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


# ---------------------------------------------------------------- agree


@pytest.mark.req("E4", "B15", "C3")
def test_agreeing_starts_the_phase_with_signature_snapshot_and_news(world: World, proposal: PhaseProposal) -> None:
    starts_on = treat.today(world, proposal.subject) + timedelta(days=3)
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12, starts_on=starts_on)
    with everything(world):
        subject = Subject.objects.get(pk=proposal.subject_id)
        assert subject.state == "LOW_DEX_7_12"
        before, now = StatePeriod.objects.filter(subject=subject).order_by("-id")[:2][::-1]
        assert (before.state, before.ends_on) == ("INDUCTION", starts_on - timedelta(days=1))
        assert (now.state, now.starts_on, now.ends_on) == ("LOW_DEX_7_12", starts_on, None)
        proposal.refresh_from_db()
        assert proposal.status == "decided"
        assert (decision.choice, decision.response, decision.reason) == ("agree", "SD", "")
        assert decision.snapshot["shown"] == proposal.detail
        assert set(decision.snapshot) == {"shown", "decision"}, "no count for another start than the page counted"
        assert OutboxMessage.objects.filter(kind="PHASE_STARTED", subject=subject).count() == 1
        changed = AuditEvent.objects.filter(table="trialsite_stateperiod").count()
        assert changed >= 3


@pytest.mark.req("C1", "C2")
def test_the_signature_says_who_when_and_what_it_means(world: World, proposal: PhaseProposal) -> None:
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    investigator = world.person(Role.INVESTIGATOR)
    with everything(world):
        signature = Signature.objects.get(pk=decision.signature_id)
        assert signature.printed_name == investigator.printed_name
        assert signature.signed_at == world.at
        assert signature.time_zone == "America/Chicago"
        assert signature.meaning == "approval of response and treatment"
        assert f"I, {investigator.printed_name}, have reviewed this response" in signature.statement
        assert signature.content == decision.snapshot
        assert is_intact(signature)


@pytest.mark.req("C3")
def test_a_signature_rests_on_every_result_that_was_shown(world: World, proposal: PhaseProposal) -> None:
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with everything(world):
        sources = set(decision.signature.basis.values_list("source", flat=True))
        shown = {row["current"]["source"] for row in proposal.detail["used"] if row["current"]}
        assert shown
        assert shown <= sources
        assert all(source.startswith(("lab_result:", "disease_assessment:")) for source in sources)


def test_the_response_is_signed_with_the_decision(world: World, proposal: PhaseProposal) -> None:
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with everything(world):
        assert ResponseSignature.objects.get().signature_id == decision.signature_id


def test_what_signing_creates_is_counted(world: World, proposal: PhaseProposal) -> None:
    with everything(world):
        made = selectors.creation(proposal.subject, Phase.LOW_DEX_7_12, date(2024, 7, 15))
    assert made is not None
    assert (made.anakinra_days, made.dexamethasone_days, made.visits) == (184, 27, 6)
    assert made.ends_on == date(2025, 1, 14)


# ---------------------------------------------------------------- disagree


@pytest.mark.req("E4")
def test_disagreeing_needs_a_reason_and_keeps_both_sides(world: World, proposal: PhaseProposal) -> None:
    with pytest.raises(Refused, match="Say why"):
        treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    decision = treat.sign(world, proposal, Phase.ANAKINRA_ONLY, reason="Diabetes: no dexamethasone")
    with everything(world):
        assert (decision.choice, decision.to_phase) == ("override", "ANAKINRA_ONLY")
        assert decision.proposal.to_phase == "LOW_DEX_7_12"
        assert Subject.objects.get().state == "ANAKINRA_ONLY"


@pytest.mark.req("E4")
def test_another_response_is_an_override_and_does_not_sign_the_computed_one(
    world: World, proposal: PhaseProposal
) -> None:
    decision = treat.sign(
        world, proposal, Phase.LOW_DEX_7_12, response=Response.MR, reason="Local laboratory shows a minimal response"
    )
    with everything(world):
        assert (decision.choice, decision.response) == ("override", "MR")
        assert not ResponseSignature.objects.exists()


@pytest.mark.req("E4")
@pytest.mark.parametrize("agrees", [True, False])
def test_data_managers_are_told_once_of_a_decision_that_differs_from_the_proposal(
    world: World,
    agrees: bool,  # noqa: FBT001
) -> None:
    manager, token = world.person(Role.DATA_MANAGER), uuid4()
    proposal = treat.at_month_6(world)
    said: dict[str, Any] = {} if agrees else {"reason": "Prefers tablets"}
    for _ in range(2):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12 if agrees else Phase.ANAKINRA_ONLY, token=token, **said)
    with everything(world):
        mails = list(Mail.objects.filter(key__startswith="override:"))
    assert [one.recipient_id for one in mails] == ([] if agrees else [manager.user_id])
    for one in mails:
        assert proposal.subject.number in one.heading
        assert f"/subjects/{proposal.subject.key}/responses/m06/" in one.body
        assert "tablets" not in one.body, "no reason and no response in a mail"


@pytest.mark.parametrize("to", [Phase.INDUCTION, Phase.LOW_DEX_13_18, Phase.EXTENSION, Phase.FOLLOW_UP, Phase.DEAD])
def test_no_road_no_decision(world: World, proposal: PhaseProposal, to: Phase) -> None:
    with pytest.raises(Refused, match="cannot follow"):
        treat.sign(world, proposal, to, reason="Why not")


def test_nothing_to_decide_before_the_window(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 1, "3.8")
    waiting = treat.reevaluated(world, subject)
    assert waiting is not None
    with pytest.raises(Refused, match="nothing to decide"):
        treat.sign(world, waiting, Phase.HIGH_DEX, reason="Early")


@pytest.mark.req("E4")
def test_a_waiting_proposal_can_be_overridden_with_a_reason(world: World) -> None:
    waiting = treat.at_month_6(world, values=("3.7", "2.0"))
    assert waiting.kind == "AWAIT_CONFIRMATION"
    decision = treat.sign(world, waiting, Phase.ANAKINRA_ONLY, reason="Repeat sample not possible")
    assert decision.choice == "override"


# ---------------------------------------------------------------- dates


@pytest.mark.parametrize(("days", "allowed"), [(-1, False), (0, True), (14, True), (15, False)])
def test_a_phase_starts_from_today_to_14_days_ahead(
    world: World, proposal: PhaseProposal, days: int, *, allowed: bool
) -> None:
    starts_on = treat.today(world, proposal.subject) + timedelta(days=days)
    if allowed:
        assert treat.sign(world, proposal, Phase.LOW_DEX_7_12, starts_on=starts_on).starts_on == starts_on
    else:
        with pytest.raises(Refused, match="The phase can start from"):
            treat.sign(world, proposal, Phase.LOW_DEX_7_12, starts_on=starts_on)


def test_today_is_the_sites_today(world: World, proposal: PhaseProposal) -> None:
    world.at = world.at.replace(hour=2) + timedelta(days=1)
    today = treat.today(world, proposal.subject)
    assert today == world.at.date() - timedelta(days=1)
    assert treat.sign(world, proposal, Phase.LOW_DEX_7_12, starts_on=today).starts_on == today


# ---------------------------------------------------------------- stale, twice, at once


@pytest.mark.req("C10", "E5")
def test_what_is_no_result_makes_the_page_stale_as_well_before_the_machine_has_looked(world: World) -> None:
    """A therapy between two samples takes the confirmation away; the proposal on the screen does not know it yet."""
    proposal = treat.at_month_6(world, values=("1.9", "1.8"))
    record_medication(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), subject_id=proposal.subject_id,
        site_id=proposal.site_id,
        medication=Medication("Lenalidomide", "Myeloma", on_day(date(2024, 7, 1)), is_anti_myeloma=True),
    )  # fmt: skip
    with everything(world):
        assert being_evaluated_since(proposal.subject) is None
    with pytest.raises(Stale, match="Results changed since this was computed"):
        treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    with everything(world):
        assert not Signature.objects.exists()


@pytest.mark.req("C10")
def test_results_that_came_after_the_page_refuse_the_signature(world: World, proposal: PhaseProposal) -> None:
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    with pytest.raises(Stale, match="Results that arrived are being evaluated"):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    treat.reevaluated(world, proposal.subject)
    with pytest.raises(Stale, match="Results changed since this was computed"):
        treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with everything(world):
        assert not PhaseDecision.objects.exists()
        assert not Signature.objects.exists()
        assert Subject.objects.get().state == "INDUCTION"


@pytest.mark.req("C10")
def test_a_superseded_proposal_is_refused(world: World) -> None:
    old = treat.at_month_6(world)
    record(world, old.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    new = treat.reevaluated(world, old.subject)
    assert new is not None
    with pytest.raises(Stale):
        treat.sign(world, old, Phase.LOW_DEX_7_12, shown=new.fingerprint)
    with pytest.raises(Stale):
        treat.sign(world, new, Phase.LOW_DEX_7_12, shown=old.fingerprint)
    assert treat.sign(world, new, Phase.LOW_DEX_7_12).proposal_id == new.pk


@pytest.mark.req("D13")
def test_the_same_form_twice_is_one_decision(world: World, proposal: PhaseProposal) -> None:
    token = uuid4()
    first = treat.sign(world, proposal, Phase.LOW_DEX_7_12, token=token)
    again = treat.sign(world, proposal, Phase.LOW_DEX_7_12, token=token)
    assert again.pk == first.pk
    record(world, proposal.subject, "m01", treat.MONTH[1], {Analyte.WBC: "5.1"})
    late = treat.sign(world, proposal, Phase.LOW_DEX_7_12, token=token)
    assert late.pk == first.pk, "what is signed is not refused because results wait since"
    with everything(world):
        assert Signature.objects.count() == 1
        assert StatePeriod.objects.filter(state="LOW_DEX_7_12").count() == 1


@pytest.mark.req("D13", "C10")
def test_two_investigators_at_once_make_one_decision(fresh_db: Database) -> None:
    world = new_world()
    proposal = treat.at_month_6(world)
    gate = threading.Barrier(2)
    ended: list[str] = []

    def decide() -> None:
        gate.wait()
        try:
            treat.sign(world, proposal, Phase.LOW_DEX_7_12)
            ended.append("signed")
        except Stale:
            ended.append("stale")
        finally:
            connections.close_all()

    both = [threading.Thread(target=decide) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(ended) == ["signed", "stale"]
    with everything(world):
        assert PhaseDecision.objects.count() == 1


@pytest.mark.req("C10")
def test_a_correction_and_a_signature_at_once_never_sign_unseen_content(fresh_db: Database) -> None:
    world = new_world()
    proposal = treat.at_month_6(world)
    gate = threading.Barrier(2)
    ended: list[str] = []

    def decide() -> None:
        gate.wait()
        try:
            treat.sign(world, proposal, Phase.LOW_DEX_7_12)
            ended.append("signed")
        except Stale:
            ended.append("stale")
        finally:
            connections.close_all()

    def correct() -> None:
        gate.wait()
        typed = {Analyte.SERUM_M: "3.5"}
        try:
            record(world, proposal.subject, "m06", treat.MONTH[6], typed, reason="Transcription error")
        finally:
            connections.close_all()

    both = [threading.Thread(target=decide), threading.Thread(target=correct)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with everything(world):
        signed = Signature.objects.filter(record_type="phase_decision")
        if ended == ["stale"]:
            assert not signed.exists()
        else:
            assert signed.get().events.get().kind == SignatureEvent.Kind.BROKEN


@pytest.mark.req("C10")
def test_nothing_is_signed_on_results_that_nobody_evaluated(world: World, proposal: PhaseProposal) -> None:
    """Also where the new result is on none of the three pages, so that nothing that they show has changed."""
    decision = broken(world, proposal)
    subject = decision.subject
    record(world, subject, "m01", treat.MONTH[1], {Analyte.WBC: "5.1"})
    for signing in (lambda: sign_again(world, decision), lambda: sign_response(world, subject, "m05")):
        with pytest.raises(Stale, match="Results that arrived are being evaluated"):
            signing()
    treat.reevaluated(world, subject)
    assert sign_again(world, decision) == decision
    assert sign_response(world, subject, "m05").subject_id == subject.pk


def test_results_wait_since_the_first_of_them_arrived(world: World, proposal: PhaseProposal) -> None:
    subject = proposal.subject
    first = world.at
    record(world, subject, "m01", treat.MONTH[1], {Analyte.WBC: "5.1"})
    world.later(1)
    record(world, subject, "m02", treat.MONTH[2], {Analyte.WBC: "5.2"})
    with everything(world):
        assert being_evaluated_since(subject) == first


@pytest.mark.req("C10")
def test_results_of_another_subject_hold_nobody(world: World, proposal: PhaseProposal) -> None:
    at, other = world.at, treat.on_anakinra(world)
    treat.month(world, other, 5, "3.7")
    world.at = at
    assert treat.sign(world, proposal, Phase.LOW_DEX_7_12).to_phase == "LOW_DEX_7_12"


# ---------------------------------------------------------------- who


@pytest.mark.req("C5")
def test_every_signature_needs_its_own_fresh_proof(world: World, proposal: PhaseProposal) -> None:
    investigator = world.person(Role.INVESTIGATOR)
    old = Proof(investigator.user_id or 0, world.at - timedelta(minutes=6), "password")
    other = Proof(world.person(Role.COORDINATOR).user_id or 0, world.at, "password")
    for proof in (old, other):
        with pytest.raises(PermissionDenied, match="Enter your password again"):
            services.sign_phase_decision(
                by=investigator,
                at=world.at,
                proof=proof,
                subject_id=proposal.subject_id,
                site_id=proposal.site_id,
                token=uuid4(),
                proposal_id=proposal.pk,
                shown=proposal.fingerprint,
                verdict=services.Verdict(Phase.LOW_DEX_7_12, treat.today(world, proposal.subject)),
            )


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN, Role.ADMIN])
def test_others_do_not_sign(world: World, proposal: PhaseProposal, role: Role) -> None:
    person = world.person(role)
    with pytest.raises(PermissionDenied):
        services.sign_phase_decision(
            by=person,
            at=world.at,
            proof=world.proof(person),
            subject_id=proposal.subject_id,
            site_id=proposal.site_id,
            token=uuid4(),
            proposal_id=proposal.pk,
            shown=proposal.fingerprint,
            verdict=services.Verdict(Phase.LOW_DEX_7_12, treat.today(world, proposal.subject)),
        )


def test_an_investigator_of_another_site_does_not_even_see_the_subject(world: World, proposal: PhaseProposal) -> None:
    stranger = world.person(Role.INVESTIGATOR, "02")
    with pytest.raises(Subject.DoesNotExist):
        services.sign_phase_decision(
            by=stranger,
            at=world.at,
            proof=world.proof(stranger),
            subject_id=proposal.subject_id,
            site_id=world.sites["02"].pk,
            token=uuid4(),
            proposal_id=proposal.pk,
            shown=proposal.fingerprint,
            verdict=services.Verdict(Phase.LOW_DEX_7_12, treat.today(world, proposal.subject)),
        )


@pytest.mark.req("C3")
def test_a_decision_can_never_be_changed(world: World, proposal: PhaseProposal) -> None:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with everything(world), pytest.raises(DatabaseError), transaction.atomic():
        PhaseDecision.objects.update(to_phase="HIGH_DEX")


# ---------------------------------------------------------------- high dose


def progressing(world: World) -> PhaseProposal:
    subject = treat.on_anakinra(world, baseline="3.0")
    treat.month(world, subject, 2, "3.9")
    treat.month(world, subject, 3, "4.0")
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    return proposal


def test_high_dose_waits_for_its_dose_in_mg(world: World) -> None:
    proposal = progressing(world)
    assert (proposal.kind, proposal.rule) == ("ASSIGN_HIGH_DEX", "T7")
    with pytest.raises(Refused, match="not confirmed by signature"):
        treat.sign(world, proposal, Phase.HIGH_DEX)
    treat.confirm_high_dose(world)
    decision = treat.sign(world, proposal, Phase.HIGH_DEX)
    assert decision.to_phase == "HIGH_DEX"


@pytest.mark.req("E6")
def test_high_dose_has_48_dexamethasone_days(world: World) -> None:
    proposal = progressing(world)
    treat.confirm_high_dose(world)
    treat.sign(world, proposal, Phase.HIGH_DEX)
    with everything(world):
        subject = Subject.objects.select_related("site").get()
        dex = [dose for dose in selectors.planned_doses(subject) if dose.drug is Drug.DEXAMETHASONE]
    assert len(dex) == 48
    assert {dose.mg for dose in dex} == {40}


# ---------------------------------------------------------------- broken and signed again


def broken(world: World, proposal: PhaseProposal) -> PhaseDecision:
    """A decision whose month-6 result was corrected without consequence."""
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    treat.reevaluated(world, proposal.subject)
    return decision


def sign_again(world: World, decision: PhaseDecision, **changes: Any) -> PhaseDecision:
    investigator = world.person(Role.INVESTIGATOR)
    with everything(world):
        subject = Subject.objects.select_related("site").get(pk=decision.subject_id)
        shown = digest(reaffirmation(subject, PhaseDecision.objects.select_related("proposal").get(pk=decision.pk)))
    asked: dict[str, Any] = {"shown": shown, "token": uuid4(), **changes}
    return services.reaffirm_decision(
        by=investigator,
        at=world.at,
        proof=world.proof(investigator),
        subject_id=decision.subject_id,
        site_id=decision.site_id,
        decision_id=decision.pk,
        **asked,
    )


@pytest.mark.req("C4")
def test_a_correction_breaks_the_signature_and_queues_it_again(world: World, proposal: PhaseProposal) -> None:
    decision = broken(world, proposal)
    with everything(world):
        assert selectors.standing_signature(decision) is None
        assert [one.pk for one in selectors.broken_decisions()] == [decision.pk]
        assert [one.events.get().kind for one in selectors.signatures_of(decision)] == ["broken"]


@pytest.mark.req("C4")
def test_signed_again_the_broken_signature_stays_listed(world: World, proposal: PhaseProposal) -> None:
    decision = broken(world, proposal)
    sign_again(world, decision)
    with everything(world):
        first, second = selectors.signatures_of(decision)
        assert first.events.get().kind == "broken"
        assert selectors.standing_signature(decision) == second
        assert not selectors.broken_decisions().exists()
        assert StatePeriod.objects.filter(state="LOW_DEX_7_12").count() == 1


def responder(world: World) -> PhaseDecision:
    """Decided on a partial response that a correction turns into a minimal one; the proposal stays the same."""
    proposal = treat.at_month_6(world, values=("1.9", "1.8"))
    decision = treat.sign(world, proposal, Phase.ANAKINRA_ONLY)
    assert decision.response == "PR"
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "2.5"}
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Transcription error")
    treat.reevaluated(world, proposal.subject)
    return decision


def under(decision: PhaseDecision) -> tuple[dict[str, Any], int]:
    """What the newest signature states, and how many signatures stand under a derived response."""
    content = selectors.signatures_of(decision)[-1].content
    return content["decision"], ResponseSignature.objects.filter(signature__events=None).count()


@pytest.mark.req("C3", "C4")
def test_signed_again_the_response_is_the_one_that_was_shown(world: World) -> None:
    decision = responder(world)
    sign_again(world, decision)
    with everything(world):
        stated, signed = under(decision)
        assert (stated["response"], stated["to_phase"], signed) == ("MR", "ANAKINRA_ONLY", 1)
        (found,) = signed_responses([decision.subject_id])
        assert found.visit == "m06"


@pytest.mark.req("C3", "C4", "E4")
def test_a_response_kept_against_the_rules_needs_a_reason_and_signs_no_derived_one(world: World) -> None:
    decision = responder(world)
    with pytest.raises(Refused, match="Say why the response stays"):
        sign_again(world, decision, response=Response.PR)
    with pytest.raises(Refused, match="as it is computed now, or the one"):
        sign_again(world, decision, response=Response.CR, reason="Better")
    sign_again(world, decision, response=Response.PR, reason="The central laboratory confirms 1.8")
    with everything(world):
        stated, signed = under(decision)
        assert (stated["response"], stated["reason"]) == ("PR", "The central laboratory confirms 1.8")
        assert signed == 0, "nobody approved the minimal response"
        assert signed_responses([decision.subject_id]) == []


def test_a_standing_signature_is_not_signed_again(world: World, proposal: PhaseProposal) -> None:
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with pytest.raises(Refused, match="stands"):
        sign_again(world, decision)


@pytest.mark.req("C10", "D13")
def test_signing_again_is_refused_when_stale_and_done_once(world: World, proposal: PhaseProposal) -> None:
    decision, token = broken(world, proposal), uuid4()
    with pytest.raises(Stale, match="Results changed"):
        sign_again(world, decision, shown="something else")
    sign_again(world, decision, token=token)
    sign_again(world, decision, token=token)
    with everything(world):
        assert len(selectors.signatures_of(decision)) == 2


# ---------------------------------------------------------------- response alone, not yet, discrepancy


def sign_response(world: World, subject: Subject, code: str, **changes: Any) -> ResponseSignature:
    investigator = world.person(Role.INVESTIGATOR)
    with everything(world):
        content = response_review(subject, code, treat.today(world, subject))
    asked: dict[str, Any] = {"shown": digest(content or {}), "token": uuid4(), **changes}
    return services.sign_response(
        by=investigator,
        at=world.at,
        proof=world.proof(investigator),
        subject_id=subject.pk,
        site_id=subject.site_id,
        code=code,
        **asked,
    )


@pytest.mark.req("C3", "D13")
def test_a_response_can_be_signed_alone(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 1, "3.8")
    treat.reevaluated(world, subject)
    token = uuid4()
    signed = sign_response(world, subject, "m01", token=token)
    assert sign_response(world, subject, "m01", token=token) == signed
    with everything(world):
        assert signed.assessment == latest_response(subject)
        assert signed.signature.meaning == "approval of response"
        assert Subject.objects.get().state == "INDUCTION"


@pytest.mark.req("C10")
def test_a_response_that_changed_is_not_signed(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 1, "3.8")
    treat.reevaluated(world, subject)
    with pytest.raises(Stale, match="Results changed"):
        sign_response(world, subject, "m01", shown="something else")
    with pytest.raises(Stale, match="Results changed"):
        sign_response(world, subject, "m02")


def ask(world: World, proposal: PhaseProposal, text: str, token: Any = None) -> Query:
    return services.ask_for_data(
        by=world.person(Role.INVESTIGATOR),
        at=world.at,
        subject_id=proposal.subject_id,
        site_id=proposal.site_id,
        token=token or uuid4(),
        proposal_id=proposal.pk,
        text=text,
    )


def test_not_yet_asks_the_site_by_a_query(world: World, proposal: PhaseProposal) -> None:
    token = uuid4()
    query = ask(world, proposal, "Repeat the M-spike in the central laboratory", token)
    assert ask(world, proposal, "Repeat the M-spike in the central laboratory", token) == query
    with everything(world):
        assert (query.state, query.visit_code, query.record_type) == ("open", "m06", "phase_proposal")
        assert query.messages.get().by_name == world.person(Role.INVESTIGATOR).printed_name
        assert PhaseProposal.objects.get(pk=proposal.pk).status == "pending"


def test_not_yet_needs_words(world: World, proposal: PhaseProposal) -> None:
    with pytest.raises(Refused, match="Say what you need"):
        ask(world, proposal, " ")


def test_a_discrepancy_is_resolved_once_with_a_reason(world: World, proposal: PhaseProposal) -> None:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.later(1)
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "2.0"}
        record(world, proposal.subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Wrong patient")
    treat.reevaluated(world, proposal.subject)
    with everything(world):
        found = selectors.open_discrepancies().get()
    with pytest.raises(Refused, match="Say how"):
        treat.resolve(world, found, " ")
    resolved = treat.resolve(world, found, "Stays on low dose")
    assert resolved.resolved_by_id == world.person(Role.INVESTIGATOR).user_id
    with pytest.raises(Refused, match="resolved this already"):
        treat.resolve(world, found, "Again")
    with everything(world):
        assert not selectors.open_discrepancies().exists()


# ---------------------------------------------------------------- end of a phase


def test_months_13_to_18_follow_months_7_to_12(world: World, proposal: PhaseProposal) -> None:
    subject = proposal.subject
    first = treat.pending(world, subject)
    assert first is not None
    treat.sign(world, first, Phase.LOW_DEX_7_12)
    record(world, subject, "m12", treat.M12, {Analyte.SERUM_M: "3.5", Analyte.URINE_M: "50"})
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    assert (proposal.kind, proposal.detail["code"]) == ("CONTINUE_LOW_DEX_13_18", "m12")
    assert treat.sign(world, proposal, Phase.LOW_DEX_13_18).choice == "agree"


def test_the_end_of_protocol_therapy_offers_extension(world: World) -> None:
    subject = treat.at_month_6(world, values=("2.0", "2.0")).subject
    first = treat.pending(world, subject)
    assert first is not None
    treat.sign(world, first, Phase.ANAKINRA_ONLY)
    record(world, subject, "m12", treat.M12, {Analyte.SERUM_M: "2.0", Analyte.URINE_M: "50"})
    proposal = treat.reevaluated(world, subject)
    assert proposal is not None
    assert proposal.kind == "END_OF_PROTOCOL_THERAPY_DECISION"
    assert treat.sign(world, proposal, Phase.EXTENSION).choice == "agree"
    with everything(world):
        doses = selectors.planned_doses(Subject.objects.get(pk=subject.pk))
        assert {dose.drug for dose in doses if dose.phase is Phase.EXTENSION} == {Drug.ANAKINRA}
