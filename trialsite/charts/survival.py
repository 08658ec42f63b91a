"""Kaplan-Meier: the estimate, its band, censor ticks and the table under the axis."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame, Scale
from trialsite.charts.shapes import AtRisk, Chart, Figure, Step


def kaplan_meier(
    *, steps: Sequence[Step], censored: Sequence[Figure], risk: Sequence[AtRisk], label: str, months: int = 24,
) -> Chart:  # fmt: skip
    """Estimate with its 95 % band, censor ticks, and a table of at risk, censored and events under the axis."""
    if not steps:
        raise ValueError("a survival curve needs at least one step")
    wide = _survival(Frame(640, 324, 62, 12, 10, 104), _Survival(steps, censored, risk, label, months))
    few = [row for row in risk if row.month % (6 if months <= 24 else 12) == 0]
    narrow = _survival(Frame(350, 300, 50, 12, 10, 104), _Survival(steps, censored, few, label, months))
    rows = [(str(row.month), str(row.at_risk), str(row.censored), str(row.events), *_at(steps, row)) for row in risk]
    heads = ("Month", "At risk", "Censored", "Events", label, "95% band")
    return Chart(f"{label} survival", wide, narrow, heads, tuple(rows))


def _at(steps: Sequence[Step], row: AtRisk) -> tuple[str, str]:
    """Estimate and band at that month in percent; past the last subject there is none."""
    if not row.at_risk:
        return "—", "—"
    step = [one for one in steps if one.month <= row.month][-1]
    share, low, high = (f"{Decimal(value) * 100:.0f}%" for value in (step.share, step.low, step.high))
    return share, f"{low} to {high}"


class _Survival:
    """What both drawings share: the steps inside the axis and the share at any month."""

    def __init__(
        self, steps: Sequence[Step], censored: Sequence[Figure], risk: Sequence[AtRisk], label: str, months: int
    ) -> None:
        self.risk, self.label, self.months = risk, label, months
        inside = [step for step in steps if step.month <= months]
        last = inside[-1]
        end = min(Decimal(months), max(Decimal(step.month) for step in steps))
        # The curve runs on to the axis' end without a drop: an event beyond it must not be drawn at the edge.
        self.steps = [*inside, Step(end, last.share, last.low, last.high)] if end > last.month else inside
        self.censored = [month for month in censored if month <= months]

    def share_at(self, month: Figure) -> Figure:
        """Estimate at a month."""
        return [step.share for step in self.steps if step.month <= month][-1]

    def median(self) -> Figure | None:
        """First month at which half are left or fewer."""
        return next((step.month for step in self.steps if step.share <= Decimal("0.5")), None)


def _survival(frame: Frame, data: _Survival) -> SafeString:
    x, y = frame.across(0, data.months), frame.upward(0, 1)
    body = []
    for value in map(Decimal, ("0", "0.25", "0.5", "0.75", "1")):
        body.append(draw.level(y.at(value), frame.left, frame.far, "gr"))
        body.append(draw.text(frame.left - 7, y.at(value) + 4, f"{value * 100:.0f}%", "t-s", "end"))
    body.append(draw.path(_band_route(x, y, data.steps), "band"))
    body.append(draw.path(_step_route(x, y, data.steps), "ln k-km"))
    for month in data.censored:
        place = f"M{draw.coordinate(x.at(month))} {draw.coordinate(y.at(data.share_at(month)) - 4)}v8"
        body.append(
            draw.element(
                "path", {"d": place, "class": "line k-km"}, draw.hint(f"Censored at {draw.figure(month)} months")
            )
        )
    body += _median(frame, x, y, data.median())
    body += draw.x_axis(frame, x, [row.month for row in data.risk], "Months from first dose")
    body += _risk_table(frame, x, data.risk)
    summary = "At risk, censored and with event: " + "; ".join(
        f"month {row.month}: {row.at_risk}, {row.censored}, {row.events}" for row in data.risk
    )
    return draw.svg(frame, f"{data.label} survival, Kaplan-Meier estimate with 95 % confidence band", summary, body)


def _step_route(x: Scale, y: Scale, steps: Sequence[Step]) -> str:
    first, rest = steps[0], steps[1:]
    start = f"M{draw.coordinate(x.at(first.month))} {draw.coordinate(y.at(first.share))}"
    return start + "".join(f"H{draw.coordinate(x.at(s.month))}V{draw.coordinate(y.at(s.share))}" for s in rest)


def _band_route(x: Scale, y: Scale, steps: Sequence[Step]) -> str:
    """Along the upper limits to the right, back along the lower ones."""
    first = steps[0]
    there = f"M{draw.coordinate(x.at(first.month))} {draw.coordinate(y.at(first.high))}" + "".join(
        f"H{draw.coordinate(x.at(s.month))}V{draw.coordinate(y.at(s.high))}" for s in steps[1:]
    )
    back = f"V{draw.coordinate(y.at(steps[-1].low))}" + "".join(
        f"V{draw.coordinate(y.at(later.low))}H{draw.coordinate(x.at(later.month))}V{draw.coordinate(y.at(sooner.low))}"
        for sooner, later in reversed(list(pairwise(steps)))
    )
    return f"{there}{back}H{draw.coordinate(x.at(first.month))}Z"


def _median(frame: Frame, x: Scale, y: Scale, median: Figure | None) -> list[SafeString]:
    if median is None:
        return []
    half, foot = y.at(Decimal("0.5")), y.at(0)
    line = f"M{frame.left} {draw.coordinate(half)}H{draw.coordinate(x.at(median))}V{draw.coordinate(foot)}"
    return [
        draw.path(line, "ref open"),
        draw.text(x.at(median) + 5, half - 6, f"median {draw.figure(median)} months", "t-b"),
    ]


def _risk_table(frame: Frame, x: Scale, risk: Sequence[AtRisk]) -> list[SafeString]:
    drawn = [draw.level(frame.floor + 38, 0, frame.far, "gr")]
    for index, (words, name) in enumerate((("At risk", "at_risk"), ("Censored", "censored"), ("Events", "events"))):
        y = frame.floor + 52 + index * 18
        drawn.append(draw.text(0, y, words, "t-s"))
        for row in risk:
            drawn.append(draw.text(x.at(row.month), y, getattr(row, name), "t" if index == 0 else "t-s", "middle"))
    return drawn
