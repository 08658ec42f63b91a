"""Charts are read in deuteranopia and in print: by numbers over the tokens, and by shapes that need no colour.

Deuteranopia is simulated with the matrix of Machado, Oliveira and Fernandes 2009 for full severity, on linear RGB. The
distance is that of CIELAB 1976 (D65); 10 is a difference that is seen at a glance, 2.3 one that is just seen.
"""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from tests.design.test_tokens import CSS, TOKENS, contrast
from trialsite.charts.days import SHAPES as DAY_SHAPES
from trialsite.charts.shapes import MARK_SHAPES

DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)
APART, ON_PAPER = 10, 3
PAPER = "#fff"
#: Marks that stand in one chart, by their class in the drawing.
TOGETHER = {
    "bars of treatment (waterfall, swimmer, course)": ("rect.c-ind", "c-cont", "rect.c-ld", "c-hd"),
    "points of treatment (trend, waterfall, spider)": ("m.c-ind", "c-cont", "m.c-ld", "c-hd"),
    "lines of treatment (spider)": ("k-ind", "k-cont", "k-ld", "k-hd"),
    "days (dose record)": ("d-taken", "d-missed", "d-held", "d-planned", "d-to_record"),
    "worst grade": ("c-g1", "c-g2", "c-g3", "c-g4", "c-g5"),
    "enrolment and its plan": ("k-km", "ref"),
    "survival and its median": ("k-km", "ref"),
    "results and their levels": ("k-ink", "ref2"),
}
PAIRS = [(chart, *pair) for chart, marks in TOGETHER.items() for pair in combinations(marks, 2)]
#: What tells two marks apart where a printer or an eye gives no colour: each as the drawing has it.
WITHOUT_COLOUR = {
    **{f"{kind}{mark}": shape for mark, shape in MARK_SHAPES.items() for kind in ("m.c-", "c-", "k-", "rect.c-")},
    **{f"d-{state}": str(shape) for state, shape in DAY_SHAPES.items()},
    **{f"c-g{grade}": f"the number {grade} on the bar" for grade in range(1, 6)},
    "k-km": "solid line",
    "k-ink": "solid line",
    "ref": "dashed line",
    "ref2": "dotted line",
}


def rules() -> dict[str, dict[str, str]]:
    """Properties by the class of a mark, of every rule under .chart; a later rule adds to an earlier one."""
    found: dict[str, dict[str, str]] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", CSS.partition("@media")[0]):
        properties = dict(re.findall(r"([\w-]+):([^;]+)", body))
        for one in selectors.split(","):
            for name in _marks(one.strip().removeprefix(".chart ").lstrip(".")):
                found[name] = {**found.get(name, {}), **properties}
    return found


def _marks(name: str) -> list[str]:
    """The rule for every grade's outline stands once for all of them."""
    return [f"c-g{grade}" for grade in range(1, 6)] if name == "rect[class^=c-g]" else [name]


RULES = rules()


def colour_of(mark: str) -> str:
    """The colour that shows a mark's extent: its outline, else its line or fill; tokens resolved."""
    rule = {**RULES.get(mark.rpartition(".")[2], {}), **RULES.get(mark, {})}
    if mark.startswith("c-g"):
        return _resolved(rule["fill"])
    return _resolved(rule["stroke"] if rule.get("fill") == PAPER or "fill" not in rule else rule["fill"])


def edge_of(mark: str) -> str:
    """What stands against the paper: the outline where there is one."""
    rule = RULES.get(mark, RULES.get(mark.rpartition(".")[2], {}))
    return _resolved(rule["stroke"]) if rule.get("stroke", "").startswith(("#", "var")) else colour_of(mark)


def _resolved(value: str) -> str:
    return TOKENS[value.removeprefix("var(--").rstrip(")")] if value.startswith("var") else value


def linear(colour: str) -> list[float]:
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def times(matrix: tuple[tuple[float, ...], ...], vector: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def lab(colour: str, matrix: tuple[tuple[float, ...], ...] | None = None) -> tuple[float, float, float]:
    """CIELAB of a colour, seen through a matrix of colour vision."""
    seen = linear(colour) if matrix is None else [min(1.0, max(0.0, v)) for v in times(matrix, linear(colour))]
    x, y, z = (_bent(v / white) for v, white in zip(times(TO_XYZ, seen), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _bent(ratio: float) -> float:
    return ratio ** (1 / 3) if ratio > 216 / 24389 else (24389 / 27 * ratio + 16) / 116


def distance(one: str, other: str, matrix: tuple[tuple[float, ...], ...] | None = None) -> float:
    return sum((a - b) ** 2 for a, b in zip(lab(one, matrix), lab(other, matrix), strict=True)) ** 0.5


def test_the_measure_itself() -> None:
    assert lab("#fff") == pytest.approx((100, 0, 0), abs=0.01)
    assert distance("#000", "#fff") == pytest.approx(100, abs=0.1)
    assert distance("#b00000", "#6a6a00") > 50 > 20 > distance("#b00000", "#6a6a00", DEUTERANOPIA)
    assert distance("#777", "#777", DEUTERANOPIA) == 0
    assert lab("#777", DEUTERANOPIA) == pytest.approx(lab("#777"), abs=0.1), "greys stay as they are"


@pytest.mark.req("D14")
@pytest.mark.parametrize(("chart", "one", "other"), PAIRS)
def test_marks_of_one_chart_are_apart_in_deuteranopia_and_without_colour(chart: str, one: str, other: str) -> None:
    assert distance(colour_of(one), colour_of(other), DEUTERANOPIA) >= APART, chart
    looks = [
        (WITHOUT_COLOUR[mark], RULES.get(mark, {}).get("stroke-dasharray"), _is_open(mark)) for mark in (one, other)
    ]
    assert looks[0] != looks[1], chart


def _is_open(mark: str) -> bool:
    return RULES.get(mark, {}).get("fill") == PAPER


@pytest.mark.req("D14")
@pytest.mark.parametrize("mark", sorted({mark for marks in TOGETHER.values() for mark in marks}))
def test_every_mark_stands_out_from_paper(mark: str) -> None:
    assert contrast(edge_of(mark), PAPER) >= ON_PAPER


@pytest.mark.req("D14")
def test_print_keeps_marks_their_colours_and_hides_none() -> None:
    printed = CSS.partition("@media print{")[2].partition("\n")[0]
    assert re.search(r"\*\{[^}]*print-color-adjust:exact", printed), "a printer would leave out the fills"
    hidden = re.findall(r"([^{}]+)\{[^}]*display:none[^}]*\}", printed)
    assert hidden
    assert not any(re.search(r"\.chart|\.legend(?! \.noprint)|\.strip|svg|figure", one) for one in hidden)
    assert "body{background:#fff}" in printed
