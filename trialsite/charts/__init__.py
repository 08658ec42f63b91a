"""Charts as SVG made on the server: two drawings (wide pages, 350 px) and the same values as a table.

They stand in the lowest room because laboratory, dosing and reporting pages all draw.
"""

from trialsite.charts.cohort import accrual, spider, swimmer, waterfall
from trialsite.charts.days import day_strip
from trialsite.charts.events import event_lanes
from trialsite.charts.flow import FlowBox, FlowStage, flow
from trialsite.charts.grades import grade_bars
from trialsite.charts.shapes import (
    AccrualMonth,
    AtRisk,
    Bar,
    Chart,
    EventLane,
    Flag,
    GradeBar,
    Lane,
    Line,
    Point,
    Series,
    Span,
    Step,
    StripDay,
    StripRow,
    Trace,
)
from trialsite.charts.states import state_diagram
from trialsite.charts.survival import kaplan_meier
from trialsite.charts.trends import course, lab_trend, small_trend, sparkline

__all__ = [
    "AccrualMonth", "AtRisk", "Bar", "Chart", "EventLane", "Flag", "FlowBox", "FlowStage", "GradeBar", "Lane", "Line",
    "Point", "Series", "Span", "Step", "StripDay", "StripRow", "Trace", "accrual", "course", "day_strip",
    "event_lanes", "flow", "grade_bars", "kaplan_meier", "lab_trend", "small_trend", "sparkline", "spider",
    "state_diagram", "swimmer", "waterfall",
]  # fmt: skip
