"""Treatment courses and the M-spike over time, one line per subject: the charts of many subjects, and their file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from protocol.derived import pct_change, round_half_up
from protocol.vocabulary import TREATMENT_PHASES, Analyte
from reporting.selectors.computed import Cell, Computed
from reporting.selectors.efficacy import Studied, studied
from reporting.time_endpoints import FEWEST, month
from trialsite.charts import Chart, Lane, Span, Trace, spider, swimmer
from trialsite.exporting import Column
from trialsite.templatetags.edc import mark_of


def treated(found: Iterable[Studied]) -> list[Studied]:
    return [one for one in found if one.subject.day1_on is not None]


def swimmer_chart(found: Sequence[Studied], today: date) -> Chart | None:
    """Longest on study first; None below five subjects."""
    lanes = [lane for one in treated(found) if (lane := _lane(one, today)).spans]
    if len(lanes) < FEWEST:
        return None
    return swimmer(sorted(lanes, key=lambda lane: (-Decimal(lane.spans[-1].end), lane.subject)))


def _lane(one: Studied, today: date) -> Lane:
    day1 = one.subject.day1_on or today
    stop = min(filter(None, (one.subject.treatment_ended_on, one.subject.died_on, today)))
    phases = [p for p in one.course.phases if p.phase in TREATMENT_PHASES and p.starts_on <= stop]
    spans = [
        Span(_month(day1, p.starts_on), _month(day1, min(filter(None, (p.ends_on, stop)))), mark_of(p.phase.value))
        for p in phases
    ]
    events = [
        (_month(day1, on), kind)
        for on, kind in ((_response_from(one), "response"), (_progressed(one), "progression"))
        if on is not None
    ]
    return Lane(one.subject.number, spans, events, ongoing=one.subject.state in TREATMENT_PHASES)


def _response_from(one: Studied) -> date | None:
    return one.dates.first_confirmed_response if one.dates else None


def _progressed(one: Studied) -> date | None:
    if one.dates is None:
        return None
    return min((on for on in (one.dates.pd_first, one.dates.active_mm) if on is not None), default=None)


def _month(day1: date, on: date) -> Decimal:
    return month(max((on - day1).days, 0))


def spider_chart(found: Sequence[Studied]) -> Chart | None:
    """Signed results only; None below five subjects."""
    traces = [trace for one in treated(found) if len((trace := _trace(one)).points) > 1]
    return spider(traces) if len(traces) >= FEWEST else None


def _trace(one: Studied) -> Trace:
    points = [(Decimal(0), Decimal(0)), *((_month(one.course.day1 or on, on), percent) for on, percent in changes(one))]
    return Trace(one.subject.number, _mark(one), points)


def _mark(one: Studied) -> str:
    return mark_of(one.last_treatment.value) if one.last_treatment else "ind"


def changes(one: Studied) -> list[tuple[date, Decimal]]:
    """Change of the serum M-spike from baseline in percent, one decimal, by day; as far as responses are signed."""
    history = one.history
    base = history.epochs[0].baseline.values.get(Analyte.SERUM_M) if history and history.epochs else None
    if base is None or base.value is None or one.signed_on is None:
        return []
    values = sorted(
        (m.collected_on, m.value)
        for m in one.course.collected_by(one.signed_on).measurements
        if m.analyte is Analyte.SERUM_M and m.value is not None and m.after_first_dose
    )
    exact = [(on, pct_change(base.value, value)) for on, value in values]
    return [(on, round_half_up(percent, 1)) for on, percent in exact if percent is not None]


def _rows() -> Iterable[Sequence[Cell]]:
    for one in treated(studied()):
        for on, percent in changes(one):
            yield one.subject.number, one.subject.site.code, on, _month(one.course.day1 or on, on), percent


M_SPIKE_CHANGES = Computed(
    name="m_spike_changes",
    title="Serum M-spike against baseline over time, as far as responses are signed",
    columns=(
        Column("subject", "Subject number"),
        Column("site", "Site code"),
        Column("collected_on", "Day of the sample"),
        Column("month", "Months from Day 1, of 30.4375 days, one decimal"),
        Column("change", "Change from baseline, percent with one decimal"),
    ),
    rows=_rows,
)
