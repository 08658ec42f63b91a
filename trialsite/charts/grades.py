"""Worst grades as stacked bars: one bar per group or term, one part per grade with its number of subjects."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame, Scale
from trialsite.charts.shapes import Chart, GradeBar

GRADES = (1, 2, 3, 4, 5)
#: Fills of one hue from light to dark, so that grades are told apart without colour; the number stands in the part.
HEAD, WIDE_ROW, NARROW_ROW, THICK = 26, 24, 38, 16
#: Narrower than this and a part has no room for its number.
ROOM = Decimal(12)
TITLE = "Subjects by worst grade"


def grade_bars(bars: Sequence[GradeBar], title: str = TITLE) -> Chart:
    """Bars in the order given. Raises ValueError without one."""
    if not bars:
        raise ValueError("a chart of grades needs at least one bar")
    most = max(1, *(sum(bar.counts) for bar in bars))
    wide = _draw(Frame(640, HEAD + WIDE_ROW * len(bars) + 36, 222, 24, HEAD, 36), bars, most, title)
    narrow = _draw(Frame(350, HEAD + NARROW_ROW * len(bars) + 36, 6, 18, HEAD, 36), bars, most, title)
    rows = tuple((bar.label, str(bar.of), *map(str, bar.counts)) for bar in bars)
    heads = ("Worst grade", "Subjects", *(f"Grade {grade}" for grade in GRADES))
    return Chart(title, wide, narrow, heads, rows)


def _draw(frame: Frame, bars: Sequence[GradeBar], most: int, title: str) -> SafeString:
    x = frame.across(0, most)
    # Subjects are whole: an axis of few has no ticks between them.
    marks = sorted({int(value) for value in draw.ticks(0, most) if value == int(value)})
    body = [draw.path(f"M{draw.coordinate(x.at(mark))} {frame.top}V{frame.floor}", "gr") for mark in marks]
    body += _key(frame)
    for index, bar in enumerate(bars):
        body += _bar(frame, x, bar, frame.top + index * (WIDE_ROW if frame.is_wide else NARROW_ROW))
    body += draw.x_axis(frame, x, marks, "Subjects")
    summary = f"{len(bars)} bars; the table below has every number."
    return draw.svg(frame, title, summary, body)


def _key(frame: Frame) -> list[SafeString]:
    """What the fills mean, in the drawing itself, so that it is printed with it."""
    step, drawn = (frame.far - frame.left) // len(GRADES), []
    for index, grade in enumerate(GRADES):
        left = frame.left + index * step
        drawn += [
            draw.box((left, 4, 11, 11), f"c-g{grade}"),
            draw.text(left + 15, 14, f"Grade {grade}" if frame.is_wide else f"Gr. {grade}", "t-s"),
        ]
    return drawn


def _bar(frame: Frame, x: Scale, bar: GradeBar, top: int) -> list[SafeString]:
    if frame.is_wide:
        label, upper = draw.text(frame.left - 8, top + 16, bar.label, "t-s", "end"), top + 4
    else:
        label, upper = draw.text(frame.left, top + 13, bar.label, "t-s"), top + 18
    drawn, before = [label], 0
    for grade, count in zip(GRADES, bar.counts, strict=True):
        if count:
            drawn += _part(x, (before, count), grade, upper, f"{bar.label}, grade {grade}: {count} of {bar.of}")
        before += count
    return drawn


def _part(x: Scale, span: tuple[int, int], grade: int, upper: int, words: str) -> list[SafeString]:
    left, right = x.at(span[0]), x.at(span[0] + span[1])
    drawn = [draw.box((left, upper, right - left, THICK), f"c-g{grade}", words)]
    if right - left >= ROOM:
        drawn.append(draw.text((left + right) / 2, upper + 12, span[1], f"t-g{grade}", "middle"))
    return drawn
