"""The panel beside the grid: what these results would lead to. A preview; nothing here is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from labs.entries import Collection, Reading
from labs.selectors import course_for
from protocol.derived import pct_change
from protocol.explain import plain
from protocol.measurements import Course, Measurement
from protocol.phases import propose
from protocol.response import ResponseHistory, TimePoint, assess
from protocol.samples import RELEVANT
from protocol.vocabulary import TREATMENT_PHASES, Analyte, MissingReason, Phase
from protocol.words import RESPONSE_WORDS
from trialsite.charts import Chart, Point, Series, sparkline
from trialsite.models import Subject
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Preview:
    """Words and figures of the side panel. `change` is the percent change of the M-spike from baseline."""

    change: Decimal | None
    figures: str
    chart: Chart | None
    response: str
    confirmed: str
    leads_to: str
    needed: tuple[str, ...]
    rule_version: str


def preview(
    subject: Subject, code: str, today: date, readings: Mapping[Analyte, Reading], drawn: Mapping[Analyte, Collection]
) -> Preview | None:
    """What would be derived if these readings stood; with none, what is derived now. None before the first dose."""
    if subject.day1_on is None:
        return None
    course = _as_if(course_for(subject, analytes=RELEVANT), subject, code, readings, drawn)
    trial = protocol_of(subject)
    history = assess(course, trial)
    point = next((one for one in reversed(history.time_points) if code in one.label.split(" / ")), None)
    baseline, now = _spikes(course, history.baseline.values if history.baseline else {}, code)
    return Preview(
        change=None if baseline is None or now is None else pct_change(baseline, now),
        figures="" if baseline is None or now is None else f"{plain(baseline)} → {plain(now)} g/dL",
        chart=_chart(course),
        response=RESPONSE_WORDS[point.timepoint] if point else "",
        confirmed=RESPONSE_WORDS[history.confirmed_status],
        leads_to=_leads_to(subject, course, history, today),
        needed=_needed(point),
        rule_version=f"{trial.response_version.title}, protocol version {trial.version}",
    )


def _as_if(
    course: Course,
    subject: Subject,
    code: str,
    readings: Mapping[Analyte, Reading],
    drawn: Mapping[Analyte, Collection],
) -> Course:
    """The course with these readings in the place of what the visit has stored."""
    kept = [m for m in course.measurements if m.visit != code or m.analyte not in readings]
    typed = [
        Measurement(
            analyte=analyte,
            collected_on=drawn[analyte].on,
            value=reading.value,
            coded=reading.coded,
            comparator=reading.comparator,
            missing=MissingReason(reading.missing) if reading.missing else None,
            method=drawn[analyte].method,
            laboratory=str(drawn[analyte].laboratory_id or ""),
            after_first_dose=code not in ("scr", "bl"),
            visit=code,
        )
        for analyte, reading in readings.items()
        if analyte in drawn and not reading.is_blank and not reading.problem
    ]
    return replace(course, measurements=(*kept, *typed))


def _spikes(
    course: Course, baseline: Mapping[Analyte, Measurement], code: str
) -> tuple[Decimal | None, Decimal | None]:
    first = baseline.get(Analyte.SERUM_M)
    mine = [m for m in course.measurements if m.visit == code and m.analyte is Analyte.SERUM_M]
    return first.value if first else None, mine[-1].value if mine else None


def _chart(course: Course) -> Chart | None:
    """The M-spike so far, if there are at least two values to join."""
    spikes = sorted(
        (m.collected_on, m.value) for m in course.measurements if m.analyte is Analyte.SERUM_M and m.value is not None
    )
    if len(spikes) < 2 or course.day1 is None:
        return None
    points = tuple(
        Point(max(0, round((on - course.day1).days / 30.4375)), Decimal(plain(value)), words=f"{on:%-d %b %Y}")
        for on, value in spikes
    )
    return sparkline(Series("Serum M-spike", "g/dL", points))


def _leads_to(subject: Subject, course: Course, history: ResponseHistory, today: date) -> str:
    state = Phase(subject.state)
    if state not in TREATMENT_PHASES:
        return ""
    return propose(state, course, history, today, protocol_of(subject)).words


NAMES = {
    "serum_m_g_dl": "serum M-spike",
    "urine_m_mg_24h": "24-hour urine M-protein",
    "bm_pc_pct": "marrow plasma cells",
    "bm_clonal": "marrow clonality",
    "flc_ratio": "free light chains",
    "sife": "serum immunofixation",
    "uife": "urine immunofixation",
}


def _needed(point: TimePoint | None) -> tuple[str, ...]:
    missing: Iterable[str] = point.missing_critical if point else ()
    return tuple(NAMES.get(name, name.replace("_", " ")) for name in missing)
