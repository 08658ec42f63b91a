"""How treatment and study end in the demonstration, and what follows."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import date, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from followup.models import Departure, FollowUpContact
from followup.services import Contact, Ending, Leaving, end_treatment, record_contact, record_departure
from followup.vocabulary import EndReason
from labs.selectors.visits import requires_disease
from protocol.trial import TRIAL
from protocol.visits import follow_up_visits
from protocol.vocabulary import ProposalKind
from reporting.demonstration import acts
from reporting.demonstration.acts import Someone
from reporting.demonstration.chronicle import moment
from reporting.demonstration.lives import Twist

#: Why treatment ends after `Life.leaves_after` months.
STOPS = {Twist.TOXICITY: EndReason.TOXICITY, Twist.OWN_DECISION: EndReason.SUBJECT_DECISION}
#: How the study ends during treatment after `Life.leaves_after` months.
LEAVES = frozenset({Twist.WITHDRAWS, Twist.DIES_OF_PROGRESSION, Twist.DIES_OTHERWISE})
LOST_AFTER_CONTACTS = 2
#: The M-spike of follow-up is the one that treatment ended with.
LATEST_MONTH = 18


def progressed_before_treatment(one: Someone, on: date) -> Iterator[date]:
    """T3: registered, never treated, out of every analysis."""
    yield on
    _leave(
        one,
        on,
        Leaving(
            kind=Departure.Kind.OFF_STUDY,
            on=on,
            reason="Back pain; new lytic lesion on CT",
            progression_before_treatment=True,
        ),
    )


def ended(one: Someone, month: int, on: date) -> Generator[date, None, bool]:
    """True once nothing more happens under treatment; then the follow-up contacts are made as well."""
    found = acts.proposed(one, on)
    if found is not None and _is_over(one, found[1]):
        reason = EndReason.COMPLETED
        if found[1] is ProposalKind.OFF_TREATMENT_PD:
            reason = EndReason.PROGRESSION_ON_HIGH_DEX
        yield from _stopped(one, month, on, reason)
        return True
    if one.life.leaves_after != month:
        return False
    for twist, why in STOPS.items():
        if twist in one.life.twists:
            yield from _stopped(one, month, on, why)
            return True
    if LEAVES & one.life.twists:
        yield from _left(one, on)
        return True
    return False


def _is_over(one: Someone, kind: ProposalKind | None) -> bool:
    if kind is ProposalKind.OFF_TREATMENT_PD:
        return not LEAVES & one.life.twists
    return kind is ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION and Twist.EXTENDS not in one.life.twists


def _stopped(one: Someone, month: int, on: date, reason: EndReason) -> Iterator[date]:
    """The investigator signs the end; the end-of-treatment visit and the contacts follow."""
    last_dose_on = on - timedelta(days=1)
    end_treatment(
        by=one.investigator,
        at=moment(on),
        proof=one.stage.proof(one.investigator, moment(on)),
        token=_token(one, "end"),
        subject_id=one.subject_id,
        site_id=one.site_id,
        ending=Ending(last_dose_on=last_dose_on, reason=reason),
    )
    yield on + timedelta(days=15)
    seen_on = on + timedelta(days=14)
    acts.enter_visit(one, code="eot", occurred_on=seen_on, on=seen_on + timedelta(days=1))
    acts.enter_labs(one, code="eot", month=month, collected_on=seen_on, on=seen_on + timedelta(days=1))
    if requires_disease("eot", TRIAL):
        acts.assess_disease(one, code="eot", month=month, assessed_on=seen_on, on=seen_on + timedelta(days=1))
    yield from _followed(one, last_dose_on)


def _followed(one: Someone, ended_on: date) -> Iterator[date]:
    """A contact for each of the ten visits, a few days after it is due, until today or until the subject is lost."""
    for number, visit in enumerate(follow_up_visits(ended_on, TRIAL), start=1):
        on = visit.target_on + timedelta(days=one.number % 9 - 3)
        if Twist.CONTACT_OVERDUE in one.life.twists and on > one.stage.anchor - timedelta(days=200):
            return
        yield on
        if Twist.LOST in one.life.twists and number > LOST_AFTER_CONTACTS:
            _leave(one, on, Leaving(kind=Departure.Kind.LOST, on=on, reason="Moved away; three letters came back"))
            return
        contact = Contact(
            visit_code=visit.code,
            contacted_on=on,
            outcome=FollowUpContact.Outcome.REACHED,
            alive=True,
            progressed=False,
        )
        record_contact(
            by=one.coordinator, at=moment(on), token=_token(one, visit.code), subject_id=one.subject_id,
            site_id=one.site_id, contact=contact,
        )  # fmt: skip
        acts.enter_labs(one, code=visit.code, month=one.life.leaves_after or LATEST_MONTH, collected_on=on, on=on)


def _left(one: Someone, on: date) -> Iterator[date]:
    yield on + timedelta(days=3)
    on = on + timedelta(days=3)
    last_dose_on = on - timedelta(days=2)
    if Twist.WITHDRAWS in one.life.twists:
        leaving = Leaving(
            kind=Departure.Kind.WITHDRAWN,
            on=on,
            reason="No more travelling",
            last_dose_on=last_dose_on,
            passive_follow_up_allowed=True,
        )
    else:
        of_progression = Twist.DIES_OF_PROGRESSION in one.life.twists
        leaving = Leaving(
            kind=Departure.Kind.DEAD,
            on=on,
            reason="Progressive myeloma, renal failure" if of_progression else "Myocardial infarction",
            last_dose_on=last_dose_on,
            death_due_to_progression=of_progression,
        )
    _leave(one, on, leaving)


def _leave(one: Someone, on: date, leaving: Leaving) -> None:
    record_departure(
        by=one.coordinator, at=moment(on), token=_token(one, leaving.kind.value), subject_id=one.subject_id,
        site_id=one.site_id, leaving=leaving,
    )  # fmt: skip


def _token(one: Someone, act: str) -> UUID:
    return uuid5(NAMESPACE_OID, f"{one.number}:{act}")
