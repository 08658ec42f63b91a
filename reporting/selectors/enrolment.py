"""Enrolment, one row per screened subject. The enrolment dashboard, its lists and its CSV count these rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date

from enrollment.models import ScreenFailure
from followup.models import Departure, EndOfTreatment
from protocol.vocabulary import TREATMENT_PHASES, Phase
from reporting.selectors.computed import Cell, Computed
from trialsite.exporting import Column
from trialsite.models import StatePeriod, Subject

#: The branches that the month-6 response leads to, in the order in which they are shown.
BRANCHES = (Phase.ANAKINRA_ONLY, Phase.LOW_DEX_7_12, Phase.HIGH_DEX)
IN_SCREENING, SCREEN_FAILED, REGISTERED = "IN_SCREENING", "SCREEN_FAILED", "REGISTERED"
WAITING, PROGRESSED = "WAITING", "PROGRESSED"
ON, ENDED = "ON", "ENDED"
NO_BRANCH = "NONE"


@dataclass(frozen=True)
class Enrolment:
    """One subject on the way from screening to the end of the study; empty where a stage was not reached."""

    subject: str
    site: str
    key: str
    screened_on: date
    outcome: str
    failed_on: date | None
    failed_criteria: str
    registered_on: date | None
    day1_on: date | None
    not_treated: str
    branch: str
    treatment: str
    end_reason: str
    left_study: str
    state: str


@dataclass(frozen=True)
class _Shelf:
    """What hangs on the subjects, by subject."""

    failures: dict[int, ScreenFailure]
    phases: dict[int, list[Phase]]
    ends: dict[int, EndOfTreatment]
    departures: dict[int, Departure]


def enrolment() -> list[Enrolment]:
    """Every screened subject in reach, by screening number; five queries whatever their number."""
    found = Subject.objects.filter(entered_in_error_at=None).select_related("site").order_by("screening_number")
    subjects = list(found)
    shelf = _shelf([subject.pk for subject in subjects])
    return [_row(subject, shelf) for subject in subjects]


def _shelf(ids: Sequence[int]) -> _Shelf:
    phases: dict[int, list[Phase]] = {}
    for subject_id, state in (
        StatePeriod.objects.filter(subject_id__in=ids).order_by("id").values_list("subject_id", "state")
    ):
        phases.setdefault(subject_id, []).append(Phase(state))
    return _Shelf(
        failures={one.subject_id: one for one in ScreenFailure.objects.filter(subject_id__in=ids)},
        phases=phases,
        ends={one.subject_id: one for one in EndOfTreatment.objects.filter(subject_id__in=ids, in_error_at=None)},
        departures={one.subject_id: one for one in Departure.objects.filter(subject_id__in=ids, in_error_at=None)},
    )


def _row(subject: Subject, shelf: _Shelf) -> Enrolment:
    failure, departure = shelf.failures.get(subject.pk), shelf.departures.get(subject.pk)
    end, state = shelf.ends.get(subject.pk), Phase(subject.state)
    is_treated = subject.day1_on is not None
    return Enrolment(
        subject=subject.number,
        site=subject.site.code,
        key=subject.key,
        screened_on=subject.screened_on,
        outcome=_outcome(subject),
        failed_on=failure.failed_on if failure else None,
        failed_criteria=";".join(failure.criteria) if failure else "",
        registered_on=subject.registered_on,
        day1_on=subject.day1_on,
        not_treated=_not_treated(departure) if subject.registered_on and not is_treated else "",
        branch=_branch(state, shelf.phases.get(subject.pk, [])) if is_treated else "",
        treatment=(ON if state in TREATMENT_PHASES else ENDED) if is_treated else "",
        end_reason=end.reason if end else "",
        left_study=departure.kind if departure else "COMPLETED" if state is Phase.COMPLETED else "",
        state=state.value,
    )


def _outcome(subject: Subject) -> str:
    if subject.registered_on is not None:
        return REGISTERED
    return IN_SCREENING if subject.state == Phase.SCREENING else SCREEN_FAILED


def _not_treated(departure: Departure | None) -> str:
    """Why a registered subject has no first dose."""
    if departure is None:
        return WAITING
    return PROGRESSED if departure.progression_before_treatment else departure.kind


def _branch(state: Phase, lived: Sequence[Phase]) -> str:
    """The first branch that was signed; INDUCTION while it is to come, NONE for who left before it."""
    first = next((phase for phase in lived if phase in BRANCHES), None)
    if first is not None:
        return first.value
    return Phase.INDUCTION.value if state is Phase.INDUCTION else NO_BRANCH


COLUMNS = (
    Column("subject", "Subject number, before registration the screening number"),
    Column("site", "Site code"),
    Column("screened_on", "Day on which screening began"),
    Column("outcome", "IN_SCREENING, SCREEN_FAILED or REGISTERED"),
    Column("failed_on", "Day of the screen failure"),
    Column("failed_criteria", "Criteria that were not met, separated by semicolons; empty if consent ended"),
    Column("registered_on", "Day of registration"),
    Column("day1_on", "Day 1; empty for a subject who is not treated"),
    Column("not_treated", "Registered without a first dose: WAITING, PROGRESSED, or how the subject left"),
    Column("branch", "First branch signed after induction; INDUCTION while it is to come, NONE where it never came"),
    Column("treatment", "ON or ENDED; empty for a subject who is not treated"),
    Column("end_reason", "Why protocol therapy ended"),
    Column("left_study", "How the subject left the study: WITHDRAWN, LOST, DEAD, OFF_STUDY or COMPLETED"),
    Column("state", "Present phase of the trial"),
)


def cells(row: Enrolment) -> list[Cell]:
    """The row as it stands in the file; the opaque address is not part of it."""
    return [getattr(row, one.name) for one in fields(row) if one.name != "key"]


def _rows() -> Iterable[Sequence[Cell]]:
    return (cells(row) for row in enrolment())


ENROLMENT = Computed(
    name="enrolment",
    title="Enrolment, one row per screened subject: from screening to the end of the study",
    columns=COLUMNS,
    rows=_rows,
)
