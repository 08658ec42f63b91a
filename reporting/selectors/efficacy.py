"""Efficacy, one row per registered subject. Dashboard, lists and CSV all count these rows and nothing else.

Only what an investigator signed counts: responses are read as they stood on the date of the newest sample under an
intact signature. What nobody has signed yet is left out, and `response_state` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from dosing.models import PhaseProposal
from dosing.vocabulary import ACTIONABLE
from labs.selectors import latest_responses
from labs.selectors.course import courses_for
from protocol.derived import pct_change, round_half_up
from protocol.endpoints import (
    LOST_EARLY,
    Dates,
    EventTime,
    benefit,
    best_confirmed,
    best_on_anakinra_alone,
    dates_of,
    dor,
    dor_minimal,
    pfs,
    pfs6,
    pfs6_by_assessment,
    ttp,
    ttp_active_mm,
)
from protocol.measurements import Course
from protocol.response import EpochHistory, ResponseHistory, assess
from protocol.samples import RELEVANT
from protocol.schema import Protocol
from protocol.vocabulary import TREATMENT_PHASES, Analyte, Phase, Response, rank
from reporting.selectors.markers import MARKERS, marker_change, month_6_window, six_months
from reporting.selectors.signed import signed_responses
from trialsite.models import Subject
from trialsite.selectors import protocol_of

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
    protocol_version: str
    criteria_version: str
    is_treated: str
    on_treatment: str
    response_state: str
    signed_through: date | None
    newer_unsigned: str
    best_response: str
    best_on_anakinra_alone: str
    last_treatment: str
    combination_from: date | None
    best_on_combination: str
    baseline_m_spike: Decimal | None
    best_m_spike_change: Decimal | None
    pfs_status: str
    pfs_on: date | None
    pfs_days: int | None
    pfs_at_6_months: str
    pfs_by_month_6_assessment: str
    ttp_status: str
    ttp_on: date | None
    ttp_days: int | None
    ttp_active_status: str
    ttp_active_on: date | None
    ttp_active_days: int | None
    response_from: date | None
    dor_status: str
    dor_on: date | None
    dor_days: int | None
    minimal_response_from: date | None
    dor_minimal_status: str
    dor_minimal_on: date | None
    dor_minimal_days: int | None
    benefit_status: str
    benefit_on: date | None
    benefit_days: int | None
    hs_crp_baseline: Decimal | None
    hs_crp_month_6: Decimal | None
    hs_crp_change: Decimal | None
    pcli_baseline: Decimal | None
    pcli_month_6: Decimal | None
    pcli_change: Decimal | None
    waits_for_signature: str


@dataclass(frozen=True)
class Studied:
    """A registered subject with all that the figures rest on. `history` is as signed; None where nobody signed."""

    subject: Subject
    course: Course
    signed_on: date | None
    newest_on: date | None
    is_waiting: bool

    @property
    def trial(self) -> Protocol:
        """The version that judges this subject."""
        return protocol_of(self.subject)

    @property
    def last_treatment(self) -> Phase | None:
        """The phase of treatment lived last, whatever came after; None for a subject who is not treated."""
        lived = (span.phase for span in reversed(self.course.phases))
        return next((phase for phase in lived if phase in TREATMENT_PHASES), None)

    @cached_property
    def history(self) -> ResponseHistory | None:
        return assess(self.course, self.trial, self.signed_on) if self.signed_on else None

    @cached_property
    def dates(self) -> Dates | None:
        """Dates of the endpoints on signed responses; death counts without a signature. None before Day 1."""
        if self.subject.day1_on is None:
            return None
        history = self.history or assess(self.course, self.trial, self.subject.day1_on)
        return dates_of(self.course, history, self.trial)


def studied() -> list[Studied]:
    """Every registered subject in reach, by number; six queries whatever their number."""
    registered = Subject.objects.filter(entered_in_error_at=None).exclude(registered_on=None)
    subjects = list(registered.select_related("site").order_by("subject_number"))
    ids = [subject.pk for subject in subjects]
    courses = courses_for(subjects, analytes=RELEVANT | MARKERS)
    signed = _signed_through(ids)
    newest = {key: response.latest_on for key, response in latest_responses(ids).items()}
    pending = PhaseProposal.objects.filter(subject_id__in=ids, status=PhaseProposal.Status.PENDING, kind__in=ACTIONABLE)
    waiting = set(pending.values_list("subject_id", flat=True))
    return [
        Studied(one, courses[one.pk], signed.get(one.pk), newest.get(one.pk), one.pk in waiting) for one in subjects
    ]


def efficacy(found: Sequence[Studied] | None = None) -> list[Efficacy]:
    """One row per registered subject in reach, by number. `found`: where they are read already."""
    return [_row(one) for one in (studied() if found is None else found)]


def _signed_through(ids: Sequence[int]) -> dict[int, date]:
    """The newest sample that a standing signature covers, by subject."""
    newest: dict[int, date] = {}
    for signed in signed_responses(ids):
        newest[signed.subject_id] = max(signed.on, newest.get(signed.subject_id, signed.on))
    return newest


def _row(one: Studied) -> Efficacy:
    subject, course, history, signed_on = one.subject, one.course, one.history, one.signed_on
    base, best = _m_spike(course, history, signed_on)
    progression, first_pd, active = (_timed(one, endpoint) for endpoint in (pfs, ttp, ttp_active_mm))
    response, minimal, stable = (_timed(one, endpoint) for endpoint in (dor, dor_minimal, benefit))
    combination_from = _first_dex(course)
    crp, pcli = (marker_change(course, analyte, one.trial) for analyte in (Analyte.HS_CRP, Analyte.PCLI))
    newer = one.newest_on and (signed_on is None or one.newest_on > signed_on)
    return Efficacy(
        subject=subject.number,
        site=subject.site.code,
        key=subject.key,
        registered_on=subject.registered_on or subject.screened_on,
        day1_on=subject.day1_on,
        state=subject.state,
        protocol_version=subject.protocol_version,
        criteria_version=one.trial.config.criteria_version.value,
        is_treated=_yes(subject.day1_on),
        on_treatment=_yes(Phase(subject.state) in TREATMENT_PHASES),
        response_state=SIGNED if signed_on else UNSIGNED if one.newest_on else NO_RESPONSE,
        signed_through=signed_on,
        newer_unsigned=_yes(newer),
        best_response=best_confirmed(history).value if history else "",
        best_on_anakinra_alone=_alone(course, signed_on, one.trial),
        last_treatment=one.last_treatment.value if one.last_treatment else "",
        combination_from=combination_from,
        best_on_combination=_combination(history) if history and combination_from else "",
        baseline_m_spike=base,
        best_m_spike_change=best,
        pfs_status=progression.status,
        pfs_on=progression.on,
        pfs_days=progression.days,
        pfs_at_6_months=_at_six_months(one),
        pfs_by_month_6_assessment=_by_assessment(one),
        ttp_status=first_pd.status,
        ttp_on=first_pd.on,
        ttp_days=first_pd.days,
        ttp_active_status=active.status,
        ttp_active_on=active.on,
        ttp_active_days=active.days,
        response_from=one.dates.first_confirmed_response if one.dates else None,
        dor_status=response.status,
        dor_on=response.on,
        dor_days=response.days,
        minimal_response_from=one.dates.first_confirmed_minimal_response if one.dates else None,
        dor_minimal_status=minimal.status,
        dor_minimal_on=minimal.on,
        dor_minimal_days=minimal.days,
        benefit_status=stable.status,
        benefit_on=stable.on,
        benefit_days=stable.days,
        hs_crp_baseline=crp.baseline,
        hs_crp_month_6=crp.month_6,
        hs_crp_change=crp.change,
        pcli_baseline=pcli.baseline,
        pcli_month_6=pcli.month_6,
        pcli_change=pcli.change,
        waits_for_signature=_yes(one.is_waiting),
    )


class Timed(NamedTuple):
    """An endpoint of one subject; empty where it does not apply."""

    status: str = ""
    on: date | None = None
    days: int | None = None


def _timed(one: Studied, endpoint: Callable[[Dates], EventTime | None]) -> Timed:
    found = endpoint(one.dates) if one.dates else None
    return Timed(found.status, found.on, found.days) if found else Timed()


def _at_six_months(one: Studied) -> str:
    """SUCCESS or FAILURE; NOT_DUE in induction, LOST where the subject was not followed so long."""
    if one.dates is None or one.subject.day1_on is None:
        return ""
    return _known_or_lost(one, pfs6(one.dates, six_months(one.subject.day1_on, one.trial)))


def _by_assessment(one: Studied) -> str:
    """The same by the signed assessment in the month-6 window, which may lie before the day six months are over."""
    if one.dates is None or one.subject.day1_on is None:
        return ""
    opens, closes = month_6_window(one.subject.day1_on, one.trial)
    points = one.history.time_points if one.history else ()
    assessed = any(point.evaluable and opens <= point.on <= closes for point in points)
    return _known_or_lost(one, pfs6_by_assessment(one.dates, closes, assessed_in_window=assessed))


def _known_or_lost(one: Studied, outcome: str) -> str:
    if outcome != LOST_EARLY:
        return outcome
    return "NOT_DUE" if one.subject.state == Phase.INDUCTION else "LOST"


def _yes(truth: object) -> str:
    return "YES" if truth else "NO"


def _first_dex(course: Course) -> date | None:
    return min((phase.starts_on for phase in course.phases if phase.phase in DEX_PHASES), default=None)


def _alone(course: Course, signed_on: date | None, trial: Protocol) -> str:
    return best_on_anakinra_alone(course.collected_by(signed_on), trial).value if signed_on else ""


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
