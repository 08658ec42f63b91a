"""The flow of subjects through a trial, as reports of trials draw it: stages downwards, losses to the side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame
from trialsite.charts.shapes import Chart

FLOW_TITLE = "Flow of subjects"
LINE = 15
GAP = 26


@dataclass(frozen=True)
class FlowBox:
    """A group of subjects: what they are, how many, and its parts in words."""

    words: str
    number: str
    parts: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return 16 + LINE * (1 + len(self.parts))


@dataclass(frozen=True)
class FlowStage:
    """A stage on the way down, and who does not go on from it."""

    box: FlowBox
    aside: FlowBox


@dataclass(frozen=True)
class _Sheet:
    """Left edges and widths of the column of stages and of the column beside it; `side_by_side`: the branches."""

    width: int
    stage: tuple[int, int]
    aside: tuple[int, int]
    side_by_side: bool


WIDE = _Sheet(640, (60, 210), (330, 300), side_by_side=True)
NARROW = _Sheet(350, (4, 150), (176, 170), side_by_side=False)


def flow(stages: Sequence[FlowStage], branches: Sequence[FlowBox]) -> Chart:
    """Stages from top to bottom, each with who left beside it, and the branches below the last."""
    wide, narrow = (_draw(sheet, stages, branches) for sheet in (WIDE, NARROW))
    boxes = [box for stage in stages for box in (stage.box, stage.aside)] + list(branches)
    rows = tuple((box.words, box.number, "; ".join(box.parts) or "—") for box in boxes)
    return Chart(FLOW_TITLE, wide, narrow, ("Stage", "Subjects", "Of them"), rows)


def _draw(sheet: _Sheet, stages: Sequence[FlowStage], branches: Sequence[FlowBox]) -> SafeString:
    body: list[SafeString] = []
    top, middle = 4, sheet.stage[0] + sheet.stage[1] // 2
    for stage in stages:
        body += _box(stage.box, *sheet.stage, top)
        side, right = top + stage.box.height // 2, sum(sheet.stage)
        body.append(_arrow(f"M{right} {side}H{sheet.aside[0] - 5}", sheet.aside[0], side, "l"))
        body += _box(stage.aside, *sheet.aside, top)
        after = top + max(stage.box.height, stage.aside.height) + GAP
        body.append(_arrow(f"M{middle} {top + stage.box.height}V{after - 5}", middle, after, "u"))
        top = after
    drawn, floor = _branches(sheet, branches, middle, top)
    summary = f"{stages[0].box.number} {stages[0].box.words.lower()}; the table below has every number."
    return draw.svg(Frame(sheet.width, floor + 4), FLOW_TITLE, summary, [*body, *drawn])


def _branches(sheet: _Sheet, branches: Sequence[FlowBox], middle: int, top: int) -> tuple[list[SafeString], int]:
    """The boxes of the branches and their lower edge: side by side under one bar, or one below the other."""
    if not sheet.side_by_side:
        body, floor = [], top
        for box in branches:
            body += _box(box, 4, sheet.width - 8, floor)
            floor += box.height + 8
        return body, floor
    width = (sheet.width - 8 - 10 * (len(branches) - 1)) // len(branches)
    lefts = [4 + index * (width + 10) for index in range(len(branches))]
    lower = top + GAP
    centres = [left + width // 2 for left in lefts]
    far_left, far_right = min(*centres, middle), max(*centres, middle)
    body = [draw.path(f"M{far_left} {top}H{far_right}", "ax open")]
    for box, left, centre in zip(branches, lefts, centres, strict=True):
        body.append(_arrow(f"M{centre} {top}V{lower - 5}", centre, lower, "u"))
        body += _box(box, left, width, lower)
    return body, lower + max(box.height for box in branches)


def _box(box: FlowBox, left: int, width: int, top: int) -> list[SafeString]:
    place = {"x": left, "y": top, "width": width, "height": box.height, "rx": 5, "class": "ring ax"}
    body = [draw.element("rect", place)]
    body.append(draw.text(left + 10, top + 19, box.words, "t-b"))
    body.append(draw.text(left + width - 10, top + 19, box.number, "t-b", "end"))
    body += [
        draw.text(left + 10, top + 19 + LINE * number, words, "t-s") for number, words in enumerate(box.parts, start=1)
    ]
    return body


def _arrow(line: str, x: int, y: int, points_from: str) -> SafeString:
    """A line whose head ends at (x, y): coming from the left ("l") or from above ("u")."""
    head = "l-6 -3.5v7z" if points_from == "l" else "l-3.5 -6h7z"
    shaft = draw.path(line, "ax open")
    return draw.element("g", {}, [shaft, draw.path(f"M{Decimal(x)} {Decimal(y)}{head}", "c-ink")])
