"""Adverse events of one subject over months on study, below the course bar and on the same axis."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame, Scale
from trialsite.charts.shapes import Chart, EventLane, Figure

TITLE = "Adverse events on study"
LANE, THICK = 27, 8
#: About what a letter of a label takes; labels that would leave the drawing end at the bar instead.
LETTER = Decimal("5.6")


def event_lanes(lanes: Sequence[EventLane], *, now: Figure, months: int = 12) -> Chart:
    """One bar per event in the order given, its fill by grade; an arrow where it lasts. ValueError without one."""
    if not lanes:
        raise ValueError("a chart of events needs at least one")
    height = 8 + LANE * len(lanes) + 24
    wide, narrow = (_draw(Frame(width, height, 4, 14, 8, 24), lanes, now, months) for width in (900, 350))
    rows = tuple((lane.words, str(lane.grade), draw.figure(lane.start), _end(lane)) for lane in lanes)
    return Chart(TITLE, wide, narrow, ("Event", "Grade", "From month", "To month"), rows)


def _end(lane: EventLane) -> str:
    return "ongoing" if lane.end is None else draw.figure(lane.end)


def _draw(frame: Frame, lanes: Sequence[EventLane], now: Figure, months: int) -> SafeString:
    x = frame.across(-1, months + Decimal("0.2"))
    marks = range(0, months + 1, 1 if frame.is_wide or months <= 12 else 3)
    body = [draw.path(f"M{draw.coordinate(x.at(mark))} {frame.top}V{frame.floor}", "gr") for mark in marks]
    for index, lane in enumerate(lanes):
        body += _lane(frame, x, lane, frame.top + index * LANE, min(Decimal(now), Decimal(months)))
    body.append(draw.level(frame.floor, frame.left, frame.far, "ax"))
    body += [draw.text(x.at(mark), frame.floor + 15, mark, "t-s", "middle") for mark in marks]
    summary = f"{len(lanes)} events; the table below has every one."
    return draw.svg(frame, TITLE, summary, body)


def _lane(frame: Frame, x: Scale, lane: EventLane, top: int, now: Decimal) -> list[SafeString]:
    label = f"{lane.words}, grade {lane.grade}"
    start, end = x.at(lane.start), x.at(min(now if lane.end is None else Decimal(lane.end), Decimal(x.high)))
    width, upper = max(end - start, Decimal(3)), top + 15
    drawn = [draw.box((start, upper, width, THICK), f"c-g{lane.grade}", label)]
    is_far = start + LETTER * len(label) > frame.far
    place, anchor = (max(start + width, LETTER * len(label)), "end") if is_far else (start, "start")
    drawn.append(draw.text(place, top + 10, label, "t-b" if lane.is_serious else "t-s", anchor))
    if lane.end is None:
        tip, middle = start + width + 2, upper + THICK // 2
        arrow = f"M{draw.coordinate(tip)} {draw.coordinate(middle)}h7m-3-3l3 3l-3 3"
        drawn.append(draw.path(arrow, "line k-ink"))
    return drawn
