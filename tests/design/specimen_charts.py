"""Sample data for every kind of chart."""

from __future__ import annotations

from decimal import Decimal

from protocol.trial import TRIAL
from trialsite import charts as c

D = Decimal


def series(values: str = "2.8 2.8 2.7 2.8 2.7 2.8 2.7 2.3 2.0") -> c.Series:
    points = [
        c.Point(month, D(value), f"Month {month}", "ind" if month <= 6 else "ld")
        for month, value in enumerate(values.split())
    ]
    return c.Series("Serum M-spike", "g/dL", tuple(points))


PHASES = (c.Span(0, 6, "ind", "Anakinra"), c.Span(6, 12, "ld", "Anakinra + low-dose dex"))
LINES = (
    c.Line(D("2.8"), "baseline 2.8", "ax"),
    c.Line(D("2.1"), "MR −25% 2.1"),
    c.Line(D("1.4"), "PR −50% 1.4"),
    c.Line(D("2.5"), "PD from nadir 2.5", "ref2"),
)
CHANGES = ["8.1", "6.4", "-4.2", "-7.5", "-10.9", "-19.2", "-25", "-31.4", "-38", "-41.8", "-55.6", "-60.2"]
MARKS = ["hd", "hd", "ind", "ind", "ld", "ld", "ld", "cont", "ld", "cont", "cont", "cont"]
BARS = tuple(
    c.Bar(f"01-{number:03d}", D(change), mark)
    for number, (change, mark) in enumerate(zip(CHANGES, MARKS, strict=True), start=1)
)
STEPS = tuple(
    c.Step(D(m), D(s), D(low), D(high))
    for m, s, low, high in (
        ("0", "1", "1", "1"),
        ("4.6", "0.96", "0.75", "0.99"),
        ("6.1", "0.83", "0.61", "0.93"),
        ("9.1", "0.45", "0.25", "0.65"),
        ("30", "0.2", "0.1", "0.4"),
    )
)
RISK = tuple(c.AtRisk(m, 29 - m, m, m // 3) for m in range(0, 19, 3))
LANES = tuple(
    c.Lane(
        bar.subject,
        (c.Span(0, 6, "ind"), c.Span(6, 7 + number, bar.mark)),
        ((D("5.2"), "response"),) if number % 3 else ((D("6.4"), "progression"),),
        bool(number % 3),
    )
    for number, bar in enumerate(BARS)
)
TRACES = tuple(c.Trace(bar.subject, bar.mark, ((0, 0), (3, bar.change / 2), (6, bar.change))) for bar in BARS)
MONTHS = tuple(c.AccrualMonth(f"M{month}", month, D(month) * D("1.15")) for month in range(27))
EVENTS = (
    c.EventLane("Injection site reaction", 1, D("0.6"), D("1.2")),
    c.EventLane("Lung infection", 3, D("4.1"), D("4.6"), is_serious=True),
    c.EventLane("Generalized muscle weakness", 2, D("8.1"), None),
)
GRADES = (
    c.GradeBar("Injection site reaction", (13, 6, 1, 0, 0), 52),
    c.GradeBar("Neutrophil count decreased", (0, 2, 2, 1, 0), 52),
    c.GradeBar("Sepsis", (0, 0, 0, 0, 1), 52),
)
STRIP = tuple(
    c.StripRow(
        f"M{month}",
        tuple(c.StripDay("missed" if d == 5 else "taken" if month < 9 else "planned", d % 7 == 0) for d in range(28)),
    )
    for month in range(7, 13)
)


def all_charts() -> dict[str, c.Chart]:
    """Every kind of chart, by name."""
    return {
        "lab_trend": c.lab_trend(series(), reference=(D("0"), D("0.5")), lines=LINES, phases=PHASES),
        "small_trend": c.small_trend(series("12.9 12.7 12.8"), reference=(D("11.6"), D("15"))),
        "sparkline": c.sparkline(series("3.1 3.0 3.1 3.0 2.9 3.0 2.9"), lines=(c.Line(D("2.3"), "MR"),)),
        "course": c.course(
            spans=(c.Span(-1, 0, "scr", "Scr"), *PHASES),
            flags=(c.Flag(0, "first dose", strong=False), c.Flag(6, "SD, signed")),
            now=D("8.27"),
        ),
        "waterfall": c.waterfall(BARS),
        "kaplan_meier": c.kaplan_meier(
            steps=STEPS, censored=(D("1.2"), D("7")), risk=RISK, label="Progression-free", months=18
        ),
        "swimmer": c.swimmer(LANES),
        "spider": c.spider(TRACES),
        "accrual": c.accrual(MONTHS),
        "grade_bars": c.grade_bars(GRADES),
        "event_lanes": c.event_lanes(EVENTS, now=D("8.3")),
        "day_strip": c.day_strip(STRIP),
        "states": c.state_diagram(TRIAL.transitions),
    }
