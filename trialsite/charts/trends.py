"""Charts of one subject: laboratory trend, small multiple, sparkline, course bar."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame, Scale
from trialsite.charts.shapes import Chart, Figure, Flag, Line, Point, Series, Span

Band = tuple[Figure, Figure]
#: A bar of that length without its words carries the shape of its treatment.
ROOM_FOR_SHAPE = 16
#: Words nearer to each other than this, from one foot to the other, touch.
LINE = Decimal(12)


def lab_trend(
    series: Series, *, reference: Band | None = None, lines: Sequence[Line] = (), phases: Sequence[Span] = (),
    months: int = 12,
) -> Chart:  # fmt: skip
    """Results over months on study, with reference band, levels (baseline, thresholds) and phases."""
    wide = Frame(900, 262, left=44, right=118, top=26)
    narrow = Frame(350, 250, left=36, right=8, top=26)
    drawings = [_trend(frame, series, reference, lines, phases, months) for frame in (wide, narrow)]
    return _chart(series, drawings[0], drawings[1])


def small_trend(series: Series, *, reference: Band | None = None, months: int = 12) -> Chart:
    """A small multiple: the same picture for each marker, label and last value above it."""
    frames = (Frame(420, 120, 38, 8, 18, 22), Frame(350, 120, 38, 8, 18, 22))
    drawings = [_small(frame, series, reference, months) for frame in frames]
    return _chart(series, drawings[0], drawings[1])


def sparkline(series: Series, *, lines: Sequence[Line] = ()) -> Chart:
    """A line with its last value, for the side panel."""
    wide, narrow = (_spark(Frame(width, 64, 6, 34, 6, 14), series, lines) for width in (276, 350))
    return _chart(series, wide, narrow)


def course(*, spans: Sequence[Span], flags: Sequence[Flag], now: Figure, months: int = 12) -> Chart:
    """A subject's way through the trial: phases as bars, moments as flags, today as a line."""
    title = "Course on study"
    wide, narrow = (_course(Frame(width, 80, 4, 14), title, spans, flags, now, months) for width in (900, 350))
    rows = [(span.words, draw.figure(span.start), draw.figure(span.end)) for span in spans]
    return Chart(title, wide, narrow, ("Phase", "From month", "To month"), tuple(rows))


def _chart(series: Series, wide: SafeString, narrow: SafeString) -> Chart:
    first = series.points[0].value
    rows = [
        (draw.figure(point.month), point.words, draw.figure(point.value), _change(point.value, first))
        for point in series.points
    ]
    heads = ("Month", "Collected", f"{series.label}, {series.unit}", "From baseline")
    return Chart(f"{series.label} over time", wide, narrow, heads, tuple(rows))


def _change(value: Figure, baseline: Figure) -> str:
    if baseline == 0:
        return "not defined"
    return draw.signed_percent((Decimal(value) - Decimal(baseline)) / Decimal(baseline) * 100)


def _points(series: Series) -> Sequence[Point]:
    if not series.points:
        raise ValueError(f"{series.label} has no points to draw")
    return series.points


def _limits(series: Series, lines: Sequence[Line], band: Band | None) -> tuple[Decimal, Decimal]:
    values = [Decimal(point.value) for point in _points(series)] + [Decimal(line.value) for line in lines]
    values += [Decimal(end) for end in band or ()]
    low, high = min(Decimal(0), *values), max(values)
    return low, high * Decimal("1.12") if high > low else low + 1


def _trend(
    frame: Frame, series: Series, band: Band | None, lines: Sequence[Line], phases: Sequence[Span], months: int,
) -> SafeString:  # fmt: skip
    low, high = _limits(series, lines, band)
    x, y = frame.across(0, months), frame.upward(low, high)
    body = _phases(frame, x, phases)
    body += draw.y_axis(frame, y, draw.ticks(low, high))
    body += _band(frame, y, band)
    body += _levels(frame, x, y, lines)
    step = max(1, months // 12) if frame.is_wide else max(3, months // 4)
    body += draw.x_axis(frame, x, range(0, months + 1, step), "Month on study")
    body += _curve(x, y, series, "4.4")
    last = series.points[-1]
    place = min(x.at(last.month), Decimal(frame.far - 28))
    words_at = _clear_of(() if frame.is_wide else _words_of_levels(y, lines), y.at(last.value))
    body.append(draw.text(place, words_at, f"{draw.figure(last.value)} {series.unit}", "t-b", "middle"))
    body.append(draw.text(frame.left - 7, 14, series.unit, "t-s", "end"))
    return draw.svg(frame, f"{series.label} over time", _summary(series), body)


def _small(frame: Frame, series: Series, band: Band | None, months: int) -> SafeString:
    low, high = _limits(series, (), band)
    x, y = frame.across(0, months), frame.upward(low, high)
    body = draw.y_axis(frame, y, draw.ticks(low, high, 3)) + _band(frame, y, band)
    body += draw.x_axis(frame, x, range(0, months + 1, max(3, months // 4)))
    body += _curve(x, y, series, "3.4")
    last = series.points[-1]
    body.append(draw.text(frame.left, 11, series.label, "t-b"))
    body.append(draw.text(frame.far, 11, f"{draw.figure(last.value)} {series.unit}", "t-b", "end"))
    return draw.svg(frame, f"{series.label} over time", _summary(series), body)


def _spark(frame: Frame, series: Series, lines: Sequence[Line]) -> SafeString:
    values = [Decimal(point.value) for point in _points(series)] + [Decimal(line.value) for line in lines]
    pad = (max(values) - min(values)) / 5 or Decimal("0.2")
    first, last = series.points[0], series.points[-1]
    x = frame.across(first.month, last.month if last.month != first.month else first.month + 1)
    y = frame.upward(min(values) - pad, max(values) + pad)
    body = [draw.level(y.at(line.value), frame.left, frame.far, line.look) for line in lines]
    body += _curve(x, y, series, "3")
    body.append(draw.text(x.at(last.month) + 8, y.at(last.value) + 4, draw.figure(last.value), "t-b"))
    body.append(draw.text(x.at(first.month), frame.height - 1, f"M{draw.figure(first.month)}", "t-s"))
    if last is not first:
        body.append(draw.text(x.at(last.month), frame.height - 1, f"M{draw.figure(last.month)}", "t-s", "middle"))
    return draw.svg(frame, f"{series.label} from month to month", _summary(series), body)


def _summary(series: Series) -> str:
    first, last = series.points[0], series.points[-1]
    return (
        f"{len(series.points)} results in {series.unit}, from {draw.figure(first.value)} in month "
        f"{draw.figure(first.month)} to {draw.figure(last.value)} in month {draw.figure(last.month)}."
    )


def _phases(frame: Frame, x: Scale, phases: Sequence[Span]) -> list[SafeString]:
    drawn = []
    for index, span in enumerate(phases):
        left, right = x.at(span.start), x.at(span.end)
        if index % 2:
            drawn.append(draw.box((left, frame.top, right - left, frame.floor - frame.top), "shade"))
        if right - left > 5 * len(span.words):
            drawn.append(draw.text((left + right) / 2, frame.top - 9, span.words, "t-s", "middle"))
    return drawn


def _band(frame: Frame, y: Scale, band: Band | None) -> list[SafeString]:
    if band is None:
        return []
    top, bottom = y.at(band[1]), y.at(band[0])
    return [draw.box((frame.left, top, frame.far - frame.left, bottom - top), "rng", "Reference range")]


def _levels(frame: Frame, x: Scale, y: Scale, lines: Sequence[Line]) -> list[SafeString]:
    drawn = []
    for line, words_at in zip(_rising(lines), _words_of_levels(y, lines), strict=True):
        drawn.append(draw.level(y.at(line.value), x.at(line.since), frame.far, line.look))
        if frame.is_wide:
            drawn.append(draw.text(frame.far + 6, words_at + 8, line.words, "t-s"))
        else:
            drawn.append(draw.text(frame.far - 2, words_at, line.words, "t-s", "end"))
    return drawn


def _rising(lines: Sequence[Line]) -> list[Line]:
    return sorted(lines, key=lambda one: one.value)


def _words_of_levels(y: Scale, lines: Sequence[Line]) -> list[Decimal]:
    """Height of each level's words, from the lowest level up: above its line, and clear of the one below."""
    found = list[Decimal]()
    for line in _rising(lines):
        found.append(min([y.at(line.value) - 4, *(used - 13 for used in found[-1:])]))
    return found


def _clear_of(taken: Sequence[Decimal], point: Decimal) -> Decimal:
    """Height of the words at a point: above it, or below where that is further from other words that are near."""
    above, below = (min((LINE, *(abs(place - one) for one in taken))) for place in (point - 10, point + 17))
    return point + 17 if below > above else point - 10


def _curve(x: Scale, y: Scale, series: Series, size: str) -> list[SafeString]:
    places = [(x.at(point.month), y.at(point.value)) for point in series.points]
    drawn = [draw.path(draw.route(places), "ln k-ink")]
    for point, place in zip(series.points, places, strict=True):
        words = f"{point.words or f'Month {draw.figure(point.month)}'}: {draw.figure(point.value)} {series.unit}"
        drawn.append(draw.marker(point.mark, *place, f"c-{point.mark} halo", size, words))
    return drawn


def _course(
    frame: Frame, title: str, spans: Sequence[Span], flags: Sequence[Flag], now: Figure, months: int,
) -> SafeString:  # fmt: skip
    x = frame.across(-1, months + Decimal("0.2"))
    body = []
    for span in spans:
        left, right = x.at(span.start), x.at(min(Decimal(span.end), Decimal(months)))
        body.append(draw.box((left, 26, max(right - left - 1, Decimal(1)), 20), f"c-{span.mark}", span.words))
        if right - left > 7 * len(span.words):
            body.append(draw.text(left + 7, 40, span.words, f"t-on k-on-{span.mark}"))
        elif right - left > ROOM_FOR_SHAPE:
            body.append(draw.marker(span.mark, left + 8, 36, f"c-{span.mark} halo", "3"))
    for flag in flags if frame.is_wide else flags[-2:]:
        place = x.at(flag.month)
        body.append(draw.path(f"M{draw.coordinate(place)} 18V50", "line k-ink"))
        anchor = "end" if place > frame.far - 50 else "middle"
        body.append(draw.text(place, 12, flag.words, "t-b" if flag.strong else "t-s", anchor))
    for month in range(0, months + 1, 1 if frame.is_wide or months <= 12 else 3):
        body.append(draw.path(f"M{draw.coordinate(x.at(month))} 47v5", "ax"))
        body.append(draw.text(x.at(month), 64, month, "t-s", "middle"))
    if now <= months:
        body.append(draw.path(f"M{draw.coordinate(x.at(now))} 21V78", "today"))
        anchor, shift = ("end", -5) if x.at(now) > frame.far - 40 else ("start", 5)
        body.append(draw.text(x.at(now) + shift, 77, "today", "t-b", anchor))
    summary = "; ".join(f"{span.words}: month {draw.figure(span.start)} to {draw.figure(span.end)}" for span in spans)
    return draw.svg(frame, title, summary, body)
