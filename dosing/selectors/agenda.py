"""What a subject's own calendar holds: dexamethasone days and visits, with identities that never change.

Nothing is stored about calendars that were taken away. What an earlier schedule had and the present one has not is
found by making every earlier schedule again, so that taking the file in once more moves and cancels, never doubles.
A day on which a drug is held or stopped is cancelled by the same road, and a reduced dose says what is to be taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256

from dosing.models import DoseModification
from dosing.selectors.doses import standing_orders
from dosing.selectors.phases import high_dex_mg, phases, planned_visits, uses_unconfirmed_dose
from protocol import doses
from protocol.explain import plain
from protocol.measurements import PhaseInterval
from protocol.vocabulary import TREATMENT_PHASES, Drug, Phase
from trialsite.models import ParameterConfirmation, StatePeriod, Subject
from trialsite.selectors import protocol_of, protocol_periods


@dataclass(frozen=True)
class Entry:
    """One whole-day event. `identity` is the same in every file that is ever made of it."""

    identity: str
    on: date
    words: str
    is_cancelled: bool = False


@dataclass(frozen=True)
class Agenda:
    """All entries in order of day. `revision` grows with every change of the schedule, made at `changed_at`."""

    revision: int
    changed_at: datetime
    entries: tuple[Entry, ...]


def agenda(subject: Subject) -> Agenda:
    """The agenda of a subject: what is planned now, and as cancelled what was planned before and is not any more."""
    periods = list(StatePeriod.objects.filter(subject=subject).order_by("id"))
    orders = standing_orders(subject)
    now = {entry.identity: entry for entry in _entries(subject, phases(subject), orders)}
    gone = {
        entry.identity: replace(entry, is_cancelled=True)
        for spans in _earlier(periods)
        for entry in _entries(subject, spans, orders)
        if entry.identity not in now
    }
    everything = sorted([*now.values(), *gone.values()], key=lambda entry: (entry.on, entry.identity))
    revision, changed_at = _revision(subject, periods)
    return Agenda(revision, changed_at, tuple(everything))


def _revision(subject: Subject, periods: Sequence[StatePeriod]) -> tuple[int, datetime]:
    """How often the schedule changed, and when last: a move or an order counts once, and once more when it ends.

    So does a confirmation of the high dose, and each version of the protocol that the subject consented to counts.
    """
    rows = list(DoseModification.objects.filter(subject=subject))
    taken_back = sum(1 for one in periods if one.ends_on is not None and one.ends_on < one.starts_on)
    ended = sum(1 for one in rows if one.ends_on is not None) + sum(1 for one in rows if one.in_error_at is not None)
    instants = [one.recorded_at for one in periods] + [one.in_error_at or one.recorded_at for one in rows]
    settled = _settled_at(subject)
    return len(periods) + taken_back + len(rows) + ended + len(settled), max([*instants, *settled])


def _settled_at(subject: Subject) -> list[datetime]:
    """When what the tablets rest on beside moves and orders changed: versions of the protocol, and the high dose."""
    versions = protocol_periods(subject)
    confirmed = ParameterConfirmation.objects.filter(
        name="high_dex_mg", protocol_version__in={subject.protocol_version, *(one.version for one in versions)}
    ).values_list("confirmed_at", "withdrawn_at")
    return [one.recorded_at for one in versions] + [at for pair in confirmed for at in pair if at is not None]


def _earlier(periods: Sequence[StatePeriod]) -> Iterator[tuple[PhaseInterval, ...]]:
    """The treatment phases as they stood after each move, the last of them open."""
    treatment = [one for one in periods if Phase(one.state) in TREATMENT_PHASES]
    for count in range(1, len(treatment) + 1):
        yield tuple(PhaseInterval(Phase(one.state), one.starts_on) for one in treatment[:count])


def _entries(
    subject: Subject, spans: tuple[PhaseInterval, ...], orders: tuple[doses.Modification, ...]
) -> Iterator[Entry]:
    if subject.day1_on is None:
        return
    if not uses_unconfirmed_dose(spans, subject.protocol_version):
        planned = doses.planned_doses(
            spans, subject.day1_on, protocol_of(subject), high_dex_mg(subject.protocol_version)
        )
        for dose in planned:
            if dose.drug is Drug.DEXAMETHASONE:
                mg = doses.ordered_mg(dose, orders)
                yield Entry(_identity(subject, f"dex {dose.on}"), dose.on, f"Tablets: {plain(mg)} mg", mg == 0)
    for visit in planned_visits(subject, spans):
        yield Entry(_identity(subject, f"visit {visit.code}"), visit.target_on, "Visit or call of the clinic")


def _identity(subject: Subject, what: str) -> str:
    """Tells nothing about the subject, and is the same for ever."""
    return sha256(f"{subject.key} {what}".encode()).hexdigest()[:32]
