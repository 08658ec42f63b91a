"""What the overview of one subject shows: course, charts, treatment now, responses. Reads, decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from dosing.selectors.doses import order_of
from dosing.selectors.phases import drawn_out
from dosing.vocabulary import DRUG_ROUTE, DRUG_WORDS, ORDERED, PHASE_WORDS, RESPONSE_WORDS
from labs.selectors.visits import visit_label
from protocol.baseline import SERUM
from protocol.derived import pct_change, round_half_up
from protocol.doses import Modification, PlannedDose, ordered, ordered_mg
from protocol.endpoints import months
from protocol.measurements import Course, Measurement
from protocol.response import ResponseHistory, TimePoint
from protocol.schema import AnalyteSpec, Protocol
from protocol.trial import TRIAL
from protocol.vocabulary import LOW_DEX_PHASES, TREATMENT_PHASES, Analyte, DoseAction, DoseStatus, Drug
from reporting.selectors.facts import SubjectFacts
from trialsite.charts import Chart, Flag, Line, Point, Series, Span, course, lab_trend, small_trend
from trialsite.selectors import protocol_of
from trialsite.templatetags.edc import change, day, day_short, mark_of

DIVISOR = Decimal("30.4375")
#: The marker on the big chart: address value -> analyte. Free light chain: the involved one, kappa without baseline.
MARKERS: dict[str, Analyte] = {
    "m-spike": Analyte.SERUM_M,
    "pcli": Analyte.PCLI,
    "hs-crp": Analyte.HS_CRP,
    "flc": Analyte.FLC_KAPPA,
    "hb": Analyte.HB,
}
SMALL = (Analyte.PCLI, Analyte.HS_CRP, Analyte.FLC_KAPPA, Analyte.HB)
RECENT = timedelta(days=30)


@dataclass(frozen=True)
class Response:
    """One line of the response history."""

    state: str
    words: str
    confirmed: str
    when: str
    code: str


@dataclass(frozen=True)
class Trend:
    """The big chart with the words beside its heading. `chart` None: no result yet."""

    title: str
    sub: str
    chart: Chart | None


def month_of(day1: date, on: date) -> Decimal:
    """Months since Day 1, one decimal; before it 0."""
    return months(max((on - day1).days, 0), DIVISOR)


def results_of(course_: Course, analyte: Analyte) -> list[Measurement]:
    """Results with a value, in order of collection."""
    found = [m for m in course_.current().measurements if m.analyte is analyte and m.value is not None]
    return sorted(found, key=lambda m: m.collected_on)


def followed_chain(analyte: Analyte, history: ResponseHistory) -> Analyte:
    """The involved light chain where the baseline fixed one."""
    if analyte is Analyte.FLC_KAPPA and history.baseline and history.baseline.involved == "lambda":
        return Analyte.FLC_LAMBDA
    return analyte


def tidy(value: Decimal, places: int) -> Decimal:
    """The value without the zeros that storage adds, with at least so many decimals."""
    short = value.quantize(Decimal(1).scaleb(-places))
    return short if short == value else Decimal(f"{value.normalize():f}")


def _mark(course_: Course, on: date) -> str:
    phase = course_.phase_on(on)
    return mark_of(phase.phase) if phase else "scr"


def _series(course_: Course, analyte: Analyte, day1: date) -> Series:
    spec = TRIAL.analytes[analyte]
    points = []
    for one in results_of(course_, analyte):
        label = f"{visit_label(one.visit)}, {day(one.collected_on)}" if one.visit else day(one.collected_on)
        points.append(
            Point(
                month_of(day1, one.collected_on),
                tidy(one.value or Decimal(0), min(1, spec.decimals)),
                label,
                _mark(course_, one.collected_on),
            )
        )
    return Series(spec.short, spec.unit, tuple(points))


def _band(spec: AnalyteSpec, sex: str) -> tuple[Decimal, Decimal] | None:
    fitting = [one for one in spec.reference if one.sex in ("", sex) and one.high is not None]
    return (fitting[0].low or Decimal(0), fitting[0].high or Decimal(0)) if fitting else None


def horizon(facts: SubjectFacts) -> int:
    """Months that the charts show: 12, 18 or as far as the subject has come, up to 24."""
    day1 = facts.subject.day1_on
    if day1 is None:
        return 12
    end = min(facts.today, facts.subject.treatment_ended_on or facts.today)
    reached = int(month_of(day1, end)) + 1
    return next((limit for limit in (12, 18, 24) if reached <= limit), 24)


def _spans(facts: SubjectFacts, day1: date, limit: int) -> list[Span]:
    """Treatment phases; the open one up to its planned end, and at least to today."""
    spans = []
    for one in drawn_out(facts.spans, day1, facts.today, protocol_of(facts.subject)):
        start = month_of(day1, one.starts_on)
        end = min(month_of(day1, (one.ends_on or facts.today) + timedelta(days=1)), Decimal(limit))
        if end > start:
            spans.append(Span(start, end, mark_of(one.phase), PHASE_WORDS[one.phase]))
    return spans


def course_chart(facts: SubjectFacts) -> Chart | None:
    """The way through the trial; None before the first dose."""
    day1 = facts.subject.day1_on
    if day1 is None:
        return None
    limit = horizon(facts)
    spans = [Span(Decimal(-1), Decimal(0), "scr", "Scr"), *_spans(facts, day1, limit)]
    flags = [Flag(Decimal(0), "first dose", strong=False), *_decision_flags(facts, day1, limit)]
    return course(spans=spans, flags=flags, now=month_of(day1, facts.today), months=limit)


def _decision_flags(facts: SubjectFacts, day1: date, limit: int) -> list[Flag]:
    broken = {one.pk for one in facts.broken}
    return [
        Flag(month_of(day1, one.starts_on), f"{one.response}, {'signature broken' if one.pk in broken else 'signed'}")
        for one in facts.decisions
        if one.response and month_of(day1, one.starts_on) <= limit
    ]


def trend(facts: SubjectFacts, course_: Course, history: ResponseHistory, marker: str) -> Trend:
    """The big chart of one marker with baseline, thresholds and phases."""
    analyte = followed_chain(MARKERS[marker], history)
    spec, day1 = TRIAL.analytes[analyte], facts.subject.day1_on
    if day1 is None or not results_of(course_, analyte):
        return Trend(spec.label, "", None)
    limit = horizon(facts)
    series = _series(course_, analyte, day1)
    shown = Series(series.label, series.unit, tuple(p for p in series.points if p.month <= limit))
    lines = _thresholds(history, protocol_of(facts.subject), day1) if analyte is Analyte.SERUM_M else ()
    chart = lab_trend(
        shown, reference=_band(spec, facts.subject.sex), lines=lines, phases=_spans(facts, day1, limit), months=limit
    )
    return Trend(spec.label, _best(course_, history) if analyte is Analyte.SERUM_M else "", chart)


def _thresholds(history: ResponseHistory, trial: Protocol, day1: date) -> tuple[Line, ...]:
    """Baseline, minimal and partial response, and where progression from the nadir begins (g/dL).

    They belong to the present epoch, and are drawn from its first day on.
    """
    base, epoch = _baseline_value(history), history.current
    if base is None or base == 0 or epoch is None:
        return ()
    rules, since = trial.response_version, month_of(day1, epoch.starts_on)
    name = "baseline" if epoch.number == 1 else "at high dose"
    lines = [Line(base, f"{name} {_level(base)}", "ax", since)]
    for name, percent in (("MR", rules.mr_pct), ("PR", rules.pr_pct)):
        level = base * (100 - percent) / 100
        lines.append(Line(level, f"{name} −{percent}% {_level(level)}", since=since))
    nadir = history.nadir.get(SERUM.name)
    if nadir is not None:
        level = max(nadir * rules.pd_ratio, nadir + rules.pd_serum_rise)
        lines.append(Line(level, f"PD from nadir {_level(level)}", "ref2", since))
    return tuple(lines)


def _level(value: Decimal) -> Decimal:
    """A threshold as it is written at its line: two decimals at most, one at least."""
    return tidy(round_half_up(value, 2), 1)


def _baseline_value(history: ResponseHistory) -> Decimal | None:
    found = history.baseline.values.get(Analyte.SERUM_M) if history.baseline else None
    return found.value if found else None


def _best(course_: Course, history: ResponseHistory) -> str:
    """The lowest value of the present epoch against that epoch's own baseline."""
    base, epoch = _baseline_value(history), history.current
    if base is None or epoch is None:
        return ""
    values = results_of(course_, Analyte.SERUM_M)
    after = [m for m in values if (m.after_first_dose if epoch.number == 1 else m.collected_on > epoch.starts_on)]
    if not after:
        return ""
    best = min(after, key=lambda m: (m.value or Decimal(0), m.collected_on))
    against = "" if epoch.number == 1 else ", against the start of high dose"
    return f"best {change(pct_change(base, best.value or Decimal(0)))} ({visit_label(best.visit)}){against}"


def small_charts(facts: SubjectFacts, course_: Course, history: ResponseHistory) -> list[Chart]:
    """The small multiples for which there are results."""
    day1 = facts.subject.day1_on
    if day1 is None:
        return []
    limit = horizon(facts)
    made = []
    for analyte in (followed_chain(one, history) for one in SMALL):
        series = _series(course_, analyte, day1)
        points = tuple(p for p in series.points if p.month <= limit)
        if points:
            band = _band(TRIAL.analytes[analyte], facts.subject.sex)
            made.append(small_trend(Series(series.label, series.unit, points), reference=band, months=limit))
    return made


def treatment_now(
    facts: SubjectFacts, planned: Iterable[PlannedDose], statuses: dict[tuple[date, Drug], str]
) -> list[tuple[str, str]]:
    """Term and words: the drugs of the present phase, since when, and what was taken in the last 30 days."""
    if facts.phase not in TREATMENT_PHASES:
        return [("Treatment", PHASE_WORDS[facts.phase]), ("Since", day(facts.since()))]
    doses = [one for one in planned if one.phase is facts.phase]
    drugs = [drug for drug in Drug if any(one.drug is drug for one in doses)]
    orders = [order_of(one) for one in facts.orders]
    pairs = [(DRUG_WORDS[drug], _regimen(doses, drug, orders, facts.today)) for drug in drugs]
    recent = [one for one in doses if facts.today - RECENT <= one.on < facts.today]
    taken = [_taken([one for one in recent if one.drug is drug], statuses) for drug in drugs]
    return [
        *pairs,
        ("Since", day(facts.since())),
        ("Taken, 30 days", "; ".join(words for words in taken if words) or "—"),
    ]


def _regimen(doses: Sequence[PlannedDose], drug: Drug, orders: Sequence[Modification], today: date) -> str:
    """What is given today: as planned, reduced, on hold or stopped, with what the plan says."""
    first = next(one for one in doses if one.drug is drug)
    rhythm = "once daily"
    if drug is Drug.DEXAMETHASONE:
        rhythm = f"weekly, {first.on:%A}" if first.regimen in LOW_DEX_PHASES else "on the days of the calendar"
    order = ordered(replace(first, on=today), orders)
    if order is None:
        return f"{tidy(first.mg, 0)} mg {DRUG_ROUTE[drug]} {rhythm}"
    since, planned = f"since {day(order.starts_on)}", f"planned {tidy(first.mg, 0)} mg {rhythm}"
    if order.action is DoseAction.REDUCE:
        mg = ordered_mg(replace(first, on=today), orders)
        return f"{tidy(mg, 0)} mg {DRUG_ROUTE[drug]} {rhythm}, reduced {since} ({planned})"
    return f"{ORDERED[order.action]} {since} ({planned})"


def _taken(doses: Sequence[PlannedDose], statuses: dict[tuple[date, Drug], str]) -> str:
    if not doses:
        return ""
    taken = sum(1 for one in doses if statuses.get((one.on, one.drug)) == DoseStatus.TAKEN)
    return f"{taken} of {len(doses)} {doses[0].drug.value}"


def response_history(history: ResponseHistory, signed: dict[str, str]) -> list[Response]:
    """Time points with an answer, newest first. `signed`: visit code -> who signed and when."""
    points = [one for one in history.time_points if one.assessed]
    return [_response(one, signed) for one in reversed(points)]


def _response(point: TimePoint, signed: dict[str, str]) -> Response:
    code = point.label.split(" / ")[0]
    by = signed.get(code, "")
    same = point.confirmed is point.timepoint
    confirmed = "confirmed" if same else f"confirmed status {point.confirmed.value}"
    when = f"{visit_label(code)}, {day_short(point.on)} {point.on.year}" if code else day(point.on)
    return Response(
        "signed" if by else "done",
        RESPONSE_WORDS[point.timepoint],
        confirmed,
        f"{when}. {by}" if by else f"{when}.",
        code,
    )
