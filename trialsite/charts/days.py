"""The day strip: one small square per day of treatment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame
from trialsite.charts.shapes import Chart, StripRow

ROW = 17
LEFT = 30
DAYS = 31
HEIGHT = ROW - 5
DEX_WORDS = ", dexamethasone day"
#: State -> left, top, width and height inside the day's square, in parts of it: the shape tells it without colour.
#: Planned days and days to record are outlines, whole and dashed.
SHAPES: Mapping[str, tuple[str, str, str, str]] = {
    "taken": ("0", "0", "1", "1"),
    "missed": ("0.3", "0", "0.4", "1"),
    "held": ("0", "0.5", "1", "0.5"),
    "planned": ("0", "0", "1", "1"),
    "to_record": ("0", "0", "1", "1"),
    "none": ("0", "0.85", "1", "0.15"),
}
#: Filled squares, on which a dexamethasone day is marked in white.
FILLED = ("taken", "missed", "held")


def day_strip(rows: Sequence[StripRow]) -> Chart:
    """Doses day by day, a row per protocol month; a small square inside marks a dexamethasone day."""
    wide, narrow = _strip(Frame(280, ROW * len(rows) + 4), rows), _strip(Frame(350, ROW * len(rows) + 4), rows)
    heads = ("Month", "Taken", "Missed", "Held", "To record", "Dexamethasone days")
    return Chart("Dose record by day", wide, narrow, heads, tuple(_counts(row) for row in rows))


def _counts(row: StripRow) -> tuple[str, ...]:
    states = [day.state for day in row.days]
    counted = (states.count(state) for state in ("taken", "missed", "held", "to_record"))
    return (row.label, *(str(count) for count in counted), str(sum(day.dex for day in row.days)))


def _strip(frame: Frame, rows: Sequence[StripRow]) -> SafeString:
    width = Decimal(frame.width - LEFT) / DAYS
    body = []
    for index, row in enumerate(rows):
        top = index * ROW + 2
        body.append(draw.text(0, top + 11, row.label, "t-s"))
        for number, day in enumerate(row.days):
            if day.state not in SHAPES:
                raise ValueError(f"unknown state of a day: {day.state}")
            left = LEFT + number * width
            words = (
                f"{row.label} day {number + 1}: {day.state.replace('_', ' ')}{', dexamethasone day' if day.dex else ''}"
            )
            body.append(draw.box(_shape(day.state, left, top, width - 1), f"d-{day.state}", words))
            if day.dex:
                middle = left + width / 2 - Decimal("2.6")
                look = "d-dex-on" if day.state in FILLED else "c-ink"
                body.append(draw.box((middle, top + Decimal("3.5"), Decimal("4.2"), Decimal("4.2")), look))
    summary = (
        "Each day: full square taken, bar missed, lower half held, outline planned, dashed outline to record, line "
        "without a dose. A small square inside marks a dexamethasone day."
    )
    return draw.svg(frame, "Dose record by day", summary, body)


def _shape(state: str, left: Decimal, top: int, width: Decimal) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    x, y, across, down = map(Decimal, SHAPES[state])
    return left + x * width, top + y * HEIGHT, across * width, down * HEIGHT
