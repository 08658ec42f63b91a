"""The day strip: one small square per day of treatment."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame
from trialsite.charts.shapes import Chart, StripRow

ROW = 17
LEFT = 30
DAYS = 31
DEX_WORDS = ", dexamethasone day"
STATES = ("taken", "missed", "held", "planned", "to_record", "none")


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
            if day.state not in STATES:
                raise ValueError(f"unknown state of a day: {day.state}")
            left = LEFT + number * width
            words = (
                f"{row.label} day {number + 1}: {day.state.replace('_', ' ')}{', dexamethasone day' if day.dex else ''}"
            )
            body.append(draw.box((left, top, width - 1, ROW - 5), f"d-{day.state}", words))
            if day.dex:
                middle = left + width / 2 - Decimal("2.6")
                look = "d-dex-on" if day.state == "missed" else "c-ld"
                body.append(draw.box((middle, top + Decimal("3.5"), Decimal("4.2"), Decimal("4.2")), look))
    summary = "One square per day: taken, missed, held, planned. A small square inside marks a dexamethasone day."
    return draw.svg(frame, "Dose record by day", summary, body)
