"""Charts of many subjects: waterfall, swimmer, spider, accrual."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from trialsite.charts import draw
from trialsite.charts.draw import Frame, Scale
from trialsite.charts.shapes import MARK_WORDS, AccrualMonth, Bar, Chart, Figure, Lane, Trace

#: Levels of the change from baseline that readers look for.
THRESHOLDS = ((25, "+25%"), (-25, "MR −25%"), (-50, "PR −50%"))


def _some(rows: Sequence[object], what: str) -> None:
    if not rows:
        raise ValueError(f"a chart of {what} needs at least one subject")


def _percent_limits(values: Sequence[Figure]) -> tuple[Decimal, Decimal]:
    """Limits that show the thresholds and every value, in steps of 20."""
    low, high = min(Decimal(-60), *values), max(Decimal(40), *values)
    # Decimal's // cuts towards zero, so the direction is said.
    return _twenties(low, ROUND_FLOOR) - 5, _twenties(high, ROUND_CEILING)


def _twenties(value: Figure, rounding: str) -> Decimal:
    return (Decimal(value) / 20).to_integral_value(rounding) * 20


def _percent_axis(frame: Frame, y: Scale, low: Decimal, high: Decimal) -> list[SafeString]:
    step = 20 if high - low <= 160 else 50
    return draw.y_axis(frame, y, [value for value in range(-100, int(high) + 1, step) if value >= low], "%")


def _thresholds(frame: Frame, y: Scale) -> list[SafeString]:
    drawn = []
    for value, words in THRESHOLDS:
        drawn.append(draw.level(y.at(value), frame.left, frame.far, "ref"))
        if frame.is_wide:
            drawn.append(draw.text(frame.far + 5, y.at(value) + 4, words, "t-s"))
    return drawn


# ---------------------------------------------------------------- waterfall
WATERFALL_TITLE = "Best percent change in serum M-spike from baseline"


def waterfall(bars: Sequence[Bar]) -> Chart:
    """Best change of every subject, highest first, with the treatment's shape under each bar."""
    _some(bars, "best change")
    order = sorted(bars, key=lambda bar: (-Decimal(bar.change), bar.subject))
    wide = _waterfall(Frame(640, 290, 40, 70, 10, 48), order)
    narrow = _waterfall(Frame(350, 230, 40, 8, 10, 20), order)
    rows = [(bar.subject, draw.signed_percent(bar.change), MARK_WORDS[bar.mark]) for bar in order]
    return Chart(WATERFALL_TITLE, wide, narrow, ("Subject", "Best change", "Treatment"), tuple(rows), marks=True)


def _waterfall(frame: Frame, bars: Sequence[Bar]) -> SafeString:
    low, high = _percent_limits([bar.change for bar in bars])
    y = frame.upward(low, high)
    body = _percent_axis(frame, y, low, high) + _thresholds(frame, y)
    slot = Decimal(frame.far - frame.left) / len(bars)
    for index, bar in enumerate(bars):
        x = frame.left + index * slot + slot * Decimal("0.12")
        body += _waterfall_bar(frame, y, bar, x, slot * Decimal("0.76"))
    body.append(draw.level(y.at(0), frame.left, frame.far, "ax"))
    fell = sum(bar.change <= -25 for bar in bars)
    summary = f"{len(bars)} subjects; in {fell} of them it fell by 25% or more. The table below has every value."
    return draw.svg(frame, WATERFALL_TITLE, summary, body)


def _waterfall_bar(frame: Frame, y: Scale, bar: Bar, x: Decimal, width: Decimal) -> list[SafeString]:
    top, bottom = sorted((y.at(bar.change), y.at(0)))
    words = f"{bar.subject}: {draw.signed_percent(bar.change)}, {MARK_WORDS[bar.mark]}"
    drawn = [draw.box((x, top, width, max(bottom - top, Decimal(1))), f"c-{bar.mark}", words)]
    centre = x + width / 2
    drawn.append(draw.marker(bar.mark, centre, frame.floor + 7, f"c-{bar.mark}", "3"))
    if frame.is_wide:
        place = f"translate({draw.coordinate(centre + Decimal('3.5'))} {frame.floor + 14}) rotate(-90)"
        label = {"transform": place, "text-anchor": "end", "class": "t-xs"}
        drawn.append(draw.element("text", label, [format_html("{}", bar.subject)]))
    return drawn


# ---------------------------------------------------------------- swimmer and spider
LANE = 15
#: A bar of that length carries the shape of its treatment, so that its colour is not needed.
ROOM_FOR_SHAPE = 16
SWIMMER_TITLE = "Treatment course by subject"
SPIDER_TITLE = "Percent change in serum M-spike over time, by subject"


def swimmer(lanes: Sequence[Lane], *, months: int = 24) -> Chart:
    """One bar per subject: colour is the treatment, circle a response, cross progression, arrow still on study."""
    _some(lanes, "courses")
    height = 6 + LANE * len(lanes) + 36
    wide, narrow = (_swimmer(Frame(width, height, 52, 16, 6, 36), lanes, months) for width in (640, 350))
    heads = ("Subject", "Months", "Response", "Progression", "Treatment")
    return Chart(SWIMMER_TITLE, wide, narrow, heads, tuple(_lane_row(lane) for lane in lanes), marks=True)


def _lane_row(lane: Lane) -> tuple[str, ...]:
    last, months = lane.spans[-1], {kind: draw.figure(month) for month, kind in lane.events}
    found = (months.get(kind, "—") for kind in ("response", "progression"))
    return lane.subject, draw.figure(last.end), *found, MARK_WORDS[last.mark]


def _swimmer(frame: Frame, lanes: Sequence[Lane], months: int) -> SafeString:
    x = frame.across(0, months)
    marks = range(0, months + 1, 3 if frame.is_wide else 6)
    body = [draw.path(f"M{draw.coordinate(x.at(m))} {frame.top}V{frame.floor}", "gr") for m in marks]
    for index, lane in enumerate(lanes):
        body += _lane(frame, x, lane, frame.top + index * LANE)
    body += draw.x_axis(frame, x, marks, "Months from first dose")
    summary = f"{len(lanes)} subjects. Circle: response. Cross: progression. Arrow: still on study."
    return draw.svg(frame, SWIMMER_TITLE, summary, body)


def _lane(frame: Frame, x: Scale, lane: Lane, top: int) -> list[SafeString]:
    middle = top + Decimal(LANE) / 2
    drawn = [draw.text(frame.left - 7, top + 11, lane.subject, "t-s", "end")]
    inside = Decimal(x.high)
    for span in lane.spans:
        left, right = x.at(span.start), x.at(min(Decimal(span.end), inside))
        words = f"{lane.subject}: {MARK_WORDS[span.mark]}, month {draw.figure(span.start)} to {draw.figure(span.end)}"
        drawn.append(draw.box((left, top + 3, max(right - left, Decimal(1)), LANE - 6), f"c-{span.mark}", words))
        if right - left > ROOM_FOR_SHAPE:
            drawn.append(draw.marker(span.mark, left + 7, middle, f"c-{span.mark} halo", "2.4"))
    for month, kind in lane.events:
        if month > inside:
            continue
        drawn.append(_event(lane.subject, kind, month, x.at(month), middle))
    if lane.ongoing:
        end = x.at(min(Decimal(lane.spans[-1].end), inside)) + 2
        drawn.append(draw.path(f"M{draw.coordinate(end)} {draw.coordinate(middle)}h7m-3-3l3 3l-3 3", "line k-ink"))
    return drawn


def _event(subject: str, kind: str, month: Figure, x: Decimal, y: Decimal) -> SafeString:
    words = f"{subject}: {kind} at month {draw.figure(month)}"
    if kind == "progression":
        return draw.cross(x, y, words)
    return draw.element("circle", {"cx": x, "cy": y, "r": "3.4", "class": "ring k-ink"}, draw.hint(words))


def spider(traces: Sequence[Trace], *, months: int = 18) -> Chart:
    """Change from baseline over time, one line per subject, its last value marked."""
    _some(traces, "change over time")
    wide = _spider(Frame(640, 300, 40, 62), traces, months)
    narrow = _spider(Frame(350, 260, 40, 8), traces, months)
    rows = [(t.subject, draw.figure(month), draw.signed_percent(change)) for t in traces for month, change in t.points]
    return Chart(SPIDER_TITLE, wide, narrow, ("Subject", "Month", "Change"), tuple(rows), marks=True)


def _spider(frame: Frame, traces: Sequence[Trace], months: int) -> SafeString:
    low, high = _percent_limits([change for trace in traces for _, change in trace.points])
    x, y = frame.across(0, months), frame.upward(low, high)
    body = _percent_axis(frame, y, low, high) + _thresholds(frame, y)
    for trace in traces:
        places = [(x.at(month), y.at(change)) for month, change in trace.points if month <= months]
        line = {"d": draw.route(places), "class": f"ln thin k-{trace.mark}"}
        body.append(draw.element("path", line, draw.hint(trace.subject)))
        month, change = trace.points[-1]
        words = f"{trace.subject}: {draw.signed_percent(change)} at month {draw.figure(month)}"
        body.append(draw.marker(trace.mark, *places[-1], f"c-{trace.mark}", "3.2", words))
    body += draw.x_axis(frame, x, range(0, months + 1, 3), "Month on study")
    return draw.svg(frame, SPIDER_TITLE, f"{len(traces)} subjects; the table below has every value.", body)


# ---------------------------------------------------------------- accrual
def accrual(months: Sequence[AccrualMonth]) -> Chart:
    """Enrolled subjects as steps, against the plan as a dashed line where every month has one."""
    _some(months, "enrolment")
    wide = _accrual(Frame(640, 196, 34, 78, 10, 26), months)
    narrow = _accrual(Frame(350, 190, 34, 10, 10, 26), months)
    rows = [
        (month.label, str(month.enrolled), *([draw.trimmed(plan)] if (plan := month.planned) is not None else []))
        for month in months
    ]
    heads = ("Month", "Enrolled", "Planned")[: len(rows[-1])]
    return Chart(_accrual_title(months), wide, narrow, heads, tuple(rows))


def _accrual_title(months: Sequence[AccrualMonth]) -> str:
    return "Cumulative enrolment" if months[-1].planned is None else "Cumulative enrolment against plan"


def _accrual(frame: Frame, months: Sequence[AccrualMonth]) -> SafeString:
    last = months[-1]
    planned = [Decimal(month.planned) for month in months if month.planned is not None]
    top = max(Decimal(last.enrolled), *planned, Decimal(1)) * Decimal("1.08")
    x, y = frame.across(0, max(1, len(months) - 1)), frame.upward(0, top)
    body = draw.y_axis(frame, y, draw.ticks(0, top))
    if planned:
        body.append(draw.path(draw.route([(x.at(i), y.at(plan)) for i, plan in enumerate(planned)]), "ref open"))
    start = f"M{draw.coordinate(x.at(0))} {draw.coordinate(y.at(months[0].enrolled))}"
    rest = [
        f"H{draw.coordinate(x.at(index))}V{draw.coordinate(y.at(month.enrolled))}"
        for index, month in enumerate(months)
        if index
    ]
    body.append(draw.path(start + "".join(rest), "ln k-km"))
    if frame.is_wide:
        body += _end_labels(frame, y, last)
    body.append(draw.level(frame.floor, frame.left, frame.far, "ax"))
    body += _month_labels(frame, x, months)
    plan_words = "" if last.planned is None else f", {draw.figure(last.planned)} planned"
    return draw.svg(frame, _accrual_title(months), f"{last.enrolled} enrolled{plan_words} by {last.label}.", body)


def _end_labels(frame: Frame, y: Scale, last: AccrualMonth) -> list[SafeString]:
    """Both totals at the right end, kept apart."""
    if last.planned is None:
        return [draw.text(frame.far + 6, y.at(last.enrolled) + 4, f"{last.enrolled} enrolled", "t-b")]
    done, plan = y.at(last.enrolled) + 4, y.at(last.planned) + 4
    if abs(done - plan) < 14:
        middle = (done + plan) / 2
        done, plan = (middle + 7, middle - 7) if done >= plan else (middle - 7, middle + 7)
    return [
        draw.text(frame.far + 6, done, f"{last.enrolled} enrolled", "t-b"),
        draw.text(frame.far + 6, plan, f"{draw.figure(Decimal(last.planned).quantize(Decimal(1)))} planned", "t-s"),
    ]


def _month_labels(frame: Frame, x: Scale, months: Sequence[AccrualMonth]) -> list[SafeString]:
    step = max(1, -(-len(months) // (6 if frame.is_wide else 3)))
    return [
        draw.text(x.at(index), frame.floor + 16, month.label, "t-s", "start" if index == 0 else "middle")
        for index, month in enumerate(months)
        if index % step == 0
    ]
