"""Efficacy, one row per registered subject. Dashboard, lists and CSV all count these rows and nothing else.

Only what an investigator signed counts: responses are read as they stood on the date of the newest sample under an
intact signature. What nobody has signed yet is left out, and `response_state` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from dosing.models import PhaseProposal
from dosing.vocabulary import ACTIONABLE
from labs.selectors import latest_responses
from labs.selectors.course import courses_for
from protocol.derived import pct_change, round_half_up
from protocol.endpoints import EventTime, best_confirmed, best_on_anakinra_alone, dates_of, pfs
from protocol.measurements import Course
from protocol.months import add_months
from protocol.response import EpochHistory, ResponseHistory, assess
from protocol.samples import RELEVANT
from protocol.trial import TRIAL
from protocol.vocabulary import TREATMENT_PHASES, Analyte, Phase, Response, rank
from reporting.selectors.computed import Cell, Computed
from reporting.selectors.signed import signed_responses
from trialsite.exporting import Column
from trialsite.models import Subject

SIGNED, UNSIGNED, NO_RESPONSE = "SIGNED", "UNSIGNED", "NONE"
DEX_PHASES = (Phase.LOW_DEX_7_12, Phase.LOW_DEX_13_18, Phase.HIGH_DEX)


@dataclass(frozen=True)
class Efficacy:
    """One subject. Responses are best confirmed ones under signature, empty where there is none."""

    subject: str
    site: str
    key: str
    registered_on: date
    day1_on: date | None
    state: str
    is_treated: str
    on_treatment: str
    response_state: str
    signed_through: date | None
    newer_unsigned: str
    best_response: str
    best_on_anakinra_alone: str
    combination_from: date | None
    best_on_combination: str
    baseline_m_spike: Decimal | None
    best_m_spike_change: Decimal | None
    pfs_status: str
    pfs_on: date | None
    pfs_days: int | None
    waits_for_signature: str


def efficacy() -> list[Efficacy]:
    """Every registered subject in reach, by number; six queries whatever their number."""
    registered = Subject.objects.filter(entered_in_error_at=None).exclude(registered_on=None)
    subjects = list(registered.select_related("site").order_by("subject_number"))
    ids = [subject.pk for subject in subjects]
    courses = courses_for(subjects, analytes=RELEVANT)
    signed = _signed_through(ids)
    newest = {key: response.latest_on for key, response in latest_responses(ids).items()}
    pending = PhaseProposal.objects.filter(subject_id__in=ids, status=PhaseProposal.Status.PENDING, kind__in=ACTIONABLE)
    waiting = set(pending.values_list("subject_id", flat=True))
    return [
        _row(one, courses[one.pk], signed.get(one.pk), newest.get(one.pk), is_waiting=one.pk in waiting)
        for one in subjects
    ]


def _signed_through(ids: Sequence[int]) -> dict[int, date]:
    """The newest sample that a standing signature covers, by subject."""
    newest: dict[int, date] = {}
    for signed in signed_responses(ids):
        newest[signed.subject_id] = max(signed.on, newest.get(signed.subject_id, signed.on))
    return newest


def _row(
    subject: Subject, course: Course, signed_on: date | None, newest_on: date | None, *, is_waiting: bool
) -> Efficacy:
    history = assess(course, TRIAL, signed_on) if signed_on else None
    base, best = _m_spike(course, history, signed_on)
    event = _pfs(subject, course, history)
    combination_from = _first_dex(course)
    return Efficacy(
        subject=subject.number,
        site=subject.site.code,
        key=subject.key,
        registered_on=subject.registered_on or subject.screened_on,
        day1_on=subject.day1_on,
        state=subject.state,
        is_treated=_yes(subject.day1_on),
        on_treatment=_yes(Phase(subject.state) in TREATMENT_PHASES),
        response_state=SIGNED if signed_on else UNSIGNED if newest_on else NO_RESPONSE,
        signed_through=signed_on,
        newer_unsigned=_yes(newest_on and (signed_on is None or newest_on > signed_on)),
        best_response=best_confirmed(history).value if history else "",
        best_on_anakinra_alone=_alone(course, signed_on),
        combination_from=combination_from,
        best_on_combination=_combination(history) if history and combination_from else "",
        baseline_m_spike=base,
        best_m_spike_change=best,
        pfs_status=event.status if event else "",
        pfs_on=event.on if event else None,
        pfs_days=event.days if event else None,
        waits_for_signature=_yes(is_waiting),
    )


def _yes(truth: object) -> str:
    return "YES" if truth else "NO"


def _first_dex(course: Course) -> date | None:
    return min((phase.starts_on for phase in course.phases if phase.phase in DEX_PHASES), default=None)


def _alone(course: Course, signed_on: date | None) -> str:
    return best_on_anakinra_alone(course.collected_by(signed_on), TRIAL).value if signed_on else ""


def _combination(history: ResponseHistory) -> str:
    """Best confirmed response against the values at the start of dexamethasone; empty without a sample since then."""
    later = (history.combination, *history.epochs[1:])
    found = [_best(epoch) for epoch in later if epoch is not None and epoch.time_points]
    return max(found, key=rank).value if found else ""


def _best(epoch: EpochHistory) -> Response:
    """The status before progression: confirmed statuses only ever rise."""
    before = [point.confirmed for point in epoch.time_points if point.confirmed is not Response.PD]
    return before[-1] if before else Response.NE


def _m_spike(
    course: Course, history: ResponseHistory | None, signed_on: date | None
) -> tuple[Decimal | None, Decimal | None]:
    """Baseline in g/dL, and the greatest fall (or smallest rise) in percent with one decimal."""
    base = history.epochs[0].baseline.values.get(Analyte.SERUM_M) if history and history.epochs else None
    if base is None or base.value is None or signed_on is None:
        return None, None
    values = [
        m.value
        for m in course.collected_by(signed_on).measurements
        if m.analyte is Analyte.SERUM_M and m.value is not None and m.after_first_dose
    ]
    change = pct_change(base.value, min(values)) if values else None
    return base.value.normalize(), None if change is None else round_half_up(change, 1)


def _pfs(subject: Subject, course: Course, history: ResponseHistory | None) -> EventTime | None:
    """Progression-free survival from Day 1 on signed responses; death counts without a signature."""
    if subject.day1_on is None:
        return None
    dates = dates_of(course, history or assess(course, TRIAL, subject.day1_on), TRIAL)
    return pfs(dates) if dates else None


def six_months(day1: date) -> date:
    """The milestone of progression-free survival at six months."""
    return add_months(day1, 6, TRIAL.config.month_convention)


COLUMNS = (
    Column("subject", "Subject number"),
    Column("site", "Site code"),
    Column("registered_on", "Day of registration"),
    Column("day1_on", "Day 1; empty for a subject who is not treated"),
    Column("state", "Present phase of the trial"),
    Column("is_treated", "YES if the first dose was given"),
    Column("on_treatment", "YES while in a treatment phase"),
    Column("response_state", "SIGNED, UNSIGNED (computed, nobody signed it) or NONE (nothing computed)"),
    Column("signed_through", "Day of the newest sample under a standing signature; empty unless SIGNED"),
    Column("newer_unsigned", "YES if a response is newer than what is signed; it does not count here"),
    Column("best_response", "Best confirmed response before progression, as signed; empty unless SIGNED"),
    Column("best_on_anakinra_alone", "The same, every confirming sample no later than the first dexamethasone dose"),
    Column("combination_from", "First day with dexamethasone; empty without"),
    Column(
        "best_on_combination",
        "Best confirmed response against the start of dexamethasone; empty without a signed sample",
    ),
    Column("baseline_m_spike", "Serum M-spike at baseline, g/dL; empty unless SIGNED"),
    Column("best_m_spike_change", "Lowest serum M-spike after Day 1 against baseline, percent; empty without"),
    Column("pfs_status", "EVENT or CENSORED; empty for a subject who is not treated"),
    Column("pfs_on", "Day of the event or of censoring"),
    Column("pfs_days", "Days from Day 1, Day 1 counted"),
    Column("waits_for_signature", "YES if a treatment proposal waits for an investigator"),
)


def cells(row: Efficacy) -> list[Cell]:
    """The row as it stands in the file; the opaque address is not part of it."""
    return [getattr(row, one.name) for one in fields(row) if one.name != "key"]


def _rows() -> Iterable[Sequence[Cell]]:
    return (cells(row) for row in efficacy())


EFFICACY = Computed(
    name="efficacy",
    title="Efficacy, one row per registered subject: what the dashboard counts",
    columns=COLUMNS,
    rows=_rows,
)
