"""SVG elements, scales and axes. No style attribute, no script: looks come from classes of the stylesheet."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from trialsite.charts.shapes import MARK_SHAPES, Figure

TENTH = Decimal("0.1")
MINUS = "−"


def coordinate(value: Figure) -> str:
    """A place in the drawing, to a tenth of a pixel, without idle zeros."""
    text = f"{Decimal(value).quantize(TENTH, ROUND_HALF_UP):f}"
    return text.removesuffix(".0").replace("-0", "0") if text in ("-0.0", "-0") else text.removesuffix(".0")


def figure(value: Figure) -> str:
    """A number as it was reported, digits kept, with a true minus."""
    return f"{Decimal(value):f}".replace("-", MINUS)


def trimmed(value: Figure) -> str:
    """A number of an axis: no idle zeros."""
    text = figure(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed_percent(value: Figure) -> str:
    """−42.7% or +14.8%, one decimal, rounded half up."""
    rounded = Decimal(value).quantize(TENTH, ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else "+" if rounded > 0 else ""
    return f"{sign}{abs(rounded)}%"


@dataclass(frozen=True)
class Scale:
    """Straight line from values (low to high) to pixels (start to end)."""

    low: Figure
    high: Figure
    start: Figure
    end: Figure

    def at(self, value: Figure) -> Decimal:
        """Pixel of a value."""
        share = (Decimal(value) - Decimal(self.low)) / (Decimal(self.high) - Decimal(self.low))
        return (Decimal(self.start) + share * (Decimal(self.end) - Decimal(self.start))).quantize(TENTH, ROUND_HALF_UP)


def ticks(low: Figure, high: Figure, wanted: int = 5) -> list[Decimal]:
    """Round values between the limits, about as many as wanted."""
    raw = (Decimal(high) - Decimal(low)) / wanted
    size = Decimal(1).scaleb(raw.adjusted())
    step = next(size * factor for factor in map(Decimal, ("1", "2", "2.5", "5", "10")) if size * factor >= raw)
    first = -(-Decimal(low) // step)
    count = int(Decimal(high) // step - first)
    return [(first + index) * step for index in range(count + 1)]


def element(name: str, attributes: Mapping[str, object], children: Iterable[SafeString] = ()) -> SafeString:
    """One SVG element; every value is escaped."""
    written = format_html_join("", ' {}="{}"', ((key, _value(value)) for key, value in attributes.items()))
    inner = format_html_join("", "{}", ((child,) for child in children))
    if inner:
        return format_html("<{}{}>{}</{}>", name, written, inner, name)
    return format_html("<{}{}/>", name, written)


def _value(value: object) -> str:
    return coordinate(value) if isinstance(value, Decimal | int) else str(value)


def hint(words: str) -> list[SafeString]:
    """The words shown when the pointer rests on a shape."""
    return [format_html("<title>{}</title>", words)] if words else []


def text(x: Figure, y: Figure, words: object, look: str = "t", anchor: str = "start") -> SafeString:
    """Words at a place. look: t, t-s (small), t-b (bold)."""
    attributes: dict[str, object] = {"x": x, "y": y, "class": look}
    if anchor != "start":
        attributes["text-anchor"] = anchor
    return element("text", attributes, [format_html("{}", words)])


def path(route: str, look: str) -> SafeString:
    """A line along a route."""
    return element("path", {"d": route, "class": look})


def route(points: Sequence[tuple[Figure, Figure]]) -> str:
    """M and L commands through points."""
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)


def level(y: Figure, left: Figure, right: Figure, look: str) -> SafeString:
    """A line across the plot."""
    return path(f"M{coordinate(left)} {coordinate(y)}H{coordinate(right)}", look)


def box(place: tuple[Figure, Figure, Figure, Figure], look: str, words: str = "") -> SafeString:
    """A rectangle from (x, y, width, height)."""
    x, y, width, height = place
    return element("rect", {"x": x, "y": y, "width": width, "height": height, "class": look}, hint(words))


def marker(mark: str, x: Figure, y: Figure, look: str, size: str = "4", words: str = "") -> SafeString:
    """The shape of a phase's mark, centred."""
    half, x, y = Decimal(size), Decimal(x), Decimal(y)
    shape = MARK_SHAPES[mark]
    css = f"m {look}"
    if shape == "dot":
        return element("circle", {"cx": x, "cy": y, "r": half, "class": css}, hint(words))
    if shape == "square":
        place = {"x": x - half, "y": y - half, "width": 2 * half, "height": 2 * half, "class": css}
        return element("rect", place, hint(words))
    r, out = coordinate(2 * half), coordinate(half + 1)
    top = f"M{coordinate(x)} {coordinate(y - half - 1)}"
    if shape == "triangle":
        return element("path", {"d": f"{top}l{out} {r}h-{coordinate(2 * (half + 1))}z", "class": css}, hint(words))
    return element("path", {"d": f"{top}l{out} {out}l-{out} {out}l-{out} -{out}z", "class": css}, hint(words))


def cross(x: Figure, y: Figure, words: str) -> SafeString:
    """A cross on a light ground, readable on every fill: progression."""
    centre = f"M{coordinate(Decimal(x) - 3)} {coordinate(Decimal(y) - 3)}l6 6m0-6l-6 6"
    return element("g", {"class": "cross"}, [*hint(words), path(centre, "under"), path(centre, "line k-ink")])


@dataclass(frozen=True)
class Frame:
    """Size of a drawing and the margins round its plot."""

    width: int
    height: int
    left: int = 44
    right: int = 12
    top: int = 10
    bottom: int = 38

    @property
    def is_wide(self) -> bool:
        """Room for labels at the right end and for every tick."""
        return self.width > 450

    @property
    def far(self) -> int:
        """Right edge of the plot."""
        return self.width - self.right

    @property
    def floor(self) -> int:
        """Lower edge of the plot."""
        return self.height - self.bottom

    def across(self, low: Figure, high: Figure) -> Scale:
        """Scale of the x axis."""
        return Scale(low, high, self.left, self.far)

    def upward(self, low: Figure, high: Figure) -> Scale:
        """Scale of the y axis."""
        return Scale(low, high, self.floor, self.top)


def y_axis(frame: Frame, scale: Scale, values: Iterable[Figure], suffix: str = "") -> list[SafeString]:
    """Grid lines with their figures."""
    drawn = []
    for value in values:
        y = scale.at(value)
        drawn += [
            level(y, frame.left, frame.far, "gr"),
            text(frame.left - 7, y + 4, trimmed(value) + suffix, "t-s", "end"),
        ]
    return drawn


def x_axis(frame: Frame, scale: Scale, values: Iterable[int], label: str = "") -> list[SafeString]:
    """Axis line, ticks, figures and its label."""
    drawn = [level(frame.floor, frame.left, frame.far, "ax")]
    for value in values:
        x = scale.at(value)
        drawn.append(path(f"M{coordinate(x)} {frame.floor}v4", "ax"))
        drawn.append(text(x, frame.floor + 16, trimmed(value), "t-s", "middle"))
    if label:
        drawn.append(text(Decimal(frame.left + frame.far) / 2, frame.floor + 31, label, "t-s", "middle"))
    return drawn


def svg(frame: Frame, title: str, summary: str, body: Iterable[SafeString]) -> SafeString:
    """The whole drawing: a title and one short sentence for those who do not see it; values stand in the table."""
    inner = format_html_join("", "{}", ((part,) for part in body))
    print_ = f"{title}{frame.width}{frame.height}{inner}".encode()
    name = "ch" + hashlib.sha256(print_).hexdigest()[:10]
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="{}t" aria-describedby="{}d">'
        '<title id="{}t">{}</title><desc id="{}d">{}</desc>{}</svg>',
        frame.width, frame.height, name, name, name, title, name, summary, inner,
    )  # fmt: skip
