"""Endpoints of one subject: event or censoring, its date, and days on study (clinical specification 2.7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from math import comb

from protocol.derived import round_half_up
from protocol.measurements import Course
from protocol.response import EpochHistory, ResponseHistory, assess
from protocol.schema import Protocol
from protocol.vocabulary import Phase, Response

EVENT, CENSORED = "EVENT", "CENSORED"
SUCCESS, FAILURE = "SUCCESS", "FAILURE"
LOST_EARLY = "FAILURE (ITT) / NOT_EVALUABLE (evaluable set)"
ALPHA = Decimal("0.05")
_STEPS = 60


@dataclass(frozen=True)
class Dates:
    """The dates that endpoints rest on. `active_mm` is the first attributed myeloma-defining event.

    A confirmed response is PR or better, a confirmed minimal response MR or better; each by its first sample.
    `is_stable_or_better`: the best confirmed response before progression is SD or better.
    """

    start: date
    pd_first: date | None = None
    pd_confirmed_on: date | None = None
    active_mm: date | None = None
    last_assessment: date | None = None
    death: date | None = None
    death_due_to_myeloma: bool = False
    new_therapy: date | None = None
    last_assessment_before_new_therapy: date | None = None
    first_confirmed_response: date | None = None
    first_confirmed_minimal_response: date | None = None
    is_stable_or_better: bool = False
    milestone: date | None = None


@dataclass(frozen=True)
class EventTime:
    """Event or censoring with its date; days are counted as date - start + 1."""

    status: str
    on: date
    days: int


def pfs(dates: Dates) -> EventTime:
    """Progression-free survival: progression, active myeloma or death of any cause."""
    return _time(dates, dates.start, _first(dates.pd_first, dates.active_mm, dates.death))


def ttp(dates: Dates) -> EventTime:
    """Time to first progression or active myeloma; death of another cause is censored at death."""
    return _time(dates, dates.start, _first(dates.pd_first, dates.active_mm, _myeloma_death(dates)), dates.death)


def ttp_active_mm(dates: Dates) -> EventTime:
    """Time to active myeloma alone."""
    return _time(dates, dates.start, _first(dates.active_mm, _myeloma_death(dates)), dates.death)


def dor(dates: Dates) -> EventTime | None:
    """Duration of response, PR or better, from its first sample; None without a response (corrections 0.16)."""
    return _response_time(dates, dates.first_confirmed_response)


def dor_minimal(dates: Dates) -> EventTime | None:
    """The same of MR or better, which is reported beside it."""
    return _response_time(dates, dates.first_confirmed_minimal_response)


def _response_time(dates: Dates, start: date | None) -> EventTime | None:
    if start is None:
        return None
    return _time(dates, start, _first(dates.pd_first, dates.active_mm, _myeloma_death(dates)), dates.death)


def benefit(dates: Dates) -> EventTime | None:
    """Duration of stable disease or better (clinical benefit): as progression-free survival, of those who had it."""
    return pfs(dates) if dates.is_stable_or_better else None


def pfs6(dates: Dates, milestone: date) -> str:
    """Progression-free at six months, by date: an event before the milestone is a failure."""
    outcome = pfs(dates)
    if outcome.on >= milestone:
        return SUCCESS
    return FAILURE if outcome.status == EVENT else LOST_EARLY


def pfs6_by_assessment(dates: Dates, window_closes: date, *, assessed_in_window: bool) -> str:
    """Progression-free at six months, by the assessment in the month-6 window."""
    outcome = pfs(dates)
    if outcome.status == EVENT and outcome.on <= window_closes:
        return FAILURE
    return SUCCESS if assessed_in_window else LOST_EARLY


def _first(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _myeloma_death(dates: Dates) -> date | None:
    return dates.death if dates.death_due_to_myeloma else None


def _time(dates: Dates, start: date, event: date | None, censor_at_death: date | None = None) -> EventTime:
    """An event counts up to the start of new therapy; otherwise the last adequate assessment censors."""
    therapy = dates.new_therapy
    if event is not None and (therapy is None or event <= therapy):
        return _dated(EVENT, event, start)
    if therapy is not None:
        return _dated(CENSORED, _last_before(dates, therapy) or start, start)
    return _dated(CENSORED, censor_at_death or dates.last_assessment or start, start)


def _last_before(dates: Dates, therapy: date) -> date | None:
    known = (dates.last_assessment_before_new_therapy, dates.last_assessment)
    return next((day for day in known if day is not None and day <= therapy), None)


def _dated(status: str, on: date, start: date) -> EventTime:
    at = max(on, start)
    return EventTime(status, at, (at - start).days + 1)


def months(days: int, divisor: Decimal) -> Decimal:
    """Days as months with a named divisor (30 in the paper of 2016, 30.4375 as usual), one decimal."""
    return round_half_up(Decimal(days) / divisor, 1)


def dates_of(course: Course, history: ResponseHistory, trial: Protocol) -> Dates | None:
    """The dates of one subject for the functions above; None before the first dose."""
    if course.day1 is None or not history.epochs:
        return None
    study = history.epochs[0]
    evaluable = [t for t in history.time_points if t.evaluable]
    adequate = [t.on for t in evaluable if t.timepoint is not Response.PD]
    before = [on for on in adequate if course.new_therapy_on and on <= course.new_therapy_on]
    return Dates(
        start=course.day1,
        pd_first=study.first_pd_on or _unconfirmed_final(study, trial),
        active_mm=history.active_mm_on,
        last_assessment=max(adequate, default=None),
        death=course.death_on,
        death_due_to_myeloma=course.death_due_to_myeloma,
        new_therapy=course.new_therapy_on,
        last_assessment_before_new_therapy=max(before, default=None),
        first_confirmed_response=study.first_response_on,
        first_confirmed_minimal_response=study.first_minimal_response_on,
        is_stable_or_better=best_confirmed(history) not in (Response.PD, Response.NE),
    )


def _unconfirmed_final(study: EpochHistory, trial: Protocol) -> date | None:
    """Sensitivity analysis: an unconfirmed progression at the last sample as an event."""
    evaluable = [t for t in study.time_points if t.evaluable]
    is_pd = bool(evaluable) and evaluable[-1].timepoint is Response.PD
    return evaluable[-1].on if is_pd and trial.config.event_on_unconfirmed_final_pd else None


def best_confirmed(history: ResponseHistory) -> Response:
    """Best confirmed response of epoch 1 before progression; NE without an evaluable sample."""
    responses = [t.confirmed for t in history.epochs[0].time_points] if history.epochs else []
    before = [r for r in responses if r is not Response.PD]
    if before and before[-1] is not Response.NE:
        return before[-1]
    return Response.PD if Response.PD in responses else Response.NE


def best_on_anakinra_alone(course: Course, trial: Protocol) -> Response:
    """Best confirmed response with every confirming sample dated no later than the first dexamethasone dose."""
    dex = (Phase.LOW_DEX_7_12, Phase.LOW_DEX_13_18, Phase.HIGH_DEX)
    first_dex = min((p.starts_on for p in course.phases if p.phase in dex), default=None)
    return best_confirmed(assess(course, trial, first_dex))


def exact_interval(x: int, n: int) -> tuple[Decimal, Decimal]:
    """Exact 95 % Clopper-Pearson interval in percent with two decimals, by bisection on the binomial tail."""
    if not 0 <= x <= n or n == 0:
        raise ValueError("A proportion needs 0 <= x <= n and n above 0.")
    with localcontext(Context(prec=40)):
        low = Decimal(0) if x == 0 else _bisect(n, x, ALPHA / 2)
        high = Decimal(1) if x == n else _bisect(n, x + 1, 1 - ALPHA / 2)
    return _percent(low), _percent(high)


def _percent(p: Decimal) -> Decimal:
    return (p * 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _bisect(n: int, x: int, target: Decimal) -> Decimal:
    low, high = Decimal(0), Decimal(1)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        too_low = sum(_terms(n, x, middle), Decimal(0)) < target
        low, high = (middle, high) if too_low else (low, middle)
    return low


def _terms(n: int, x: int, p: Decimal) -> Iterator[Decimal]:
    """Terms of P(X >= x)."""
    return (comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(x, n + 1))
