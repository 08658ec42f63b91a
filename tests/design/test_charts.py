"""Charts: well-formed, without style or script, with their words and numbers, and unchanged unless meant."""

from __future__ import annotations

import os
import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.design.specimen_charts import BARS, LANES, RISK, STEPS, STRIP, all_charts, series
from trialsite import charts as c
from trialsite.charts import draw

GOLDEN = Path(__file__).parent / "golden"
CHARTS = all_charts()
DRAWINGS = [(name, size) for name in CHARTS for size in ("wide", "narrow")]
SVG = "{http://www.w3.org/2000/svg}"
D = Decimal


def tree(drawing: str) -> ET.Element:
    return ET.fromstring(drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def words(drawing: str) -> list[str]:
    return [node.text or "" for node in tree(drawing).iter(f"{SVG}text")]


def heights(drawing: str, look: str) -> list[Decimal]:
    return [D(node.attrib["height"]) for node in tree(drawing).iter(f"{SVG}rect") if node.attrib["class"] == look]


@pytest.mark.parametrize(("name", "size"), DRAWINGS)
def test_drawing_is_what_it_was(name: str, size: str) -> None:
    """Set GOLDEN=write to accept a change, then look at the picture."""
    path = GOLDEN / f"{name}-{size}.svg"
    drawing = getattr(CHARTS[name], size)
    if os.environ.get("GOLDEN") == "write":
        path.write_text(drawing + "\n", encoding="utf-8")
    assert drawing + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.req("D14")
@pytest.mark.parametrize(("name", "size"), DRAWINGS)
def test_drawing_is_named_and_carries_no_style_or_script(name: str, size: str) -> None:
    root = tree(getattr(CHARTS[name], size))
    ids = {node.attrib["id"]: node for node in root.iter() if "id" in node.attrib}
    assert root.attrib["role"] == "img"
    assert ids[root.attrib["aria-labelledby"]].text
    assert len(ids[root.attrib["aria-describedby"]].text or "") < 220
    for node in root.iter():
        assert not {key for key in node.attrib if key == "style" or key.startswith("on") or "href" in key}
        assert node.tag.removeprefix(SVG) in {"svg", "title", "desc", "path", "rect", "circle", "text", "g"}


def test_two_drawings_of_a_chart_share_no_id() -> None:
    ids = [found for name, size in DRAWINGS for found in re.findall(r' id="([^"]+)"', getattr(CHARTS[name], size))]
    assert len(ids) == len(set(ids))


def test_nothing_leaves_the_drawing() -> None:
    for name, size in DRAWINGS:
        root = tree(getattr(CHARTS[name], size))
        width, height = map(D, root.attrib["viewBox"].split()[2:])
        for node in root.iter(f"{SVG}rect"):
            assert D(node.attrib["x"]) >= 0, (name, size)
            assert D(node.attrib["x"]) + D(node.attrib["width"]) <= width, (name, size)
            assert D(node.attrib["y"]) + D(node.attrib["height"]) <= height, (name, size)


def test_names_are_escaped() -> None:
    made = c.waterfall((c.Bar("<b>&", D(-10), "ld"),))
    assert "<b>" not in made.wide
    assert "&lt;b&gt;&amp;" in made.wide


# ---------------------------------------------------------------- numbers equal the input
def test_waterfall_is_sorted_and_to_scale() -> None:
    made = c.waterfall(tuple(reversed(BARS)))
    order = sorted(BARS, key=lambda bar: -bar.change)
    assert [row[0] for row in made.rows] == [bar.subject for bar in order]
    assert [row[1] for row in made.rows] == [draw.signed_percent(bar.change) for bar in order]
    drawn = heights(made.wide, "c-cont")
    given = [abs(bar.change) for bar in order if bar.mark == "cont"]
    assert [round(height / drawn[0], 2) for height in drawn] == [round(value / given[0], 2) for value in given]
    assert {"+25%", "MR −25%", "PR −50%"} <= set(words(made.wide))


def test_waterfall_shows_values_beyond_the_usual_limits() -> None:
    made = c.waterfall((c.Bar("a", D(180), "hd"), c.Bar("b", D(-100), "ld")))
    y = [D(node.attrib["y"]) for node in tree(made.wide).iter(f"{SVG}rect") if node.attrib["class"] in ("c-hd", "c-ld")]
    assert min(y) >= 0


def test_trend_has_points_levels_phases_and_last_value() -> None:
    made = CHARTS["lab_trend"]
    shown = words(made.wide)
    assert {"baseline 2.8", "MR −25% 2.1", "PR −50% 1.4", "Anakinra", "Anakinra + low-dose dex", "2.0 g/dL"} <= set(
        shown
    )
    points = [node for node in tree(made.wide).iter() if node.attrib.get("class", "").startswith("m ")]
    assert len(points) == 9
    assert made.rows[-1] == ("8", "Month 8", "2.0", "−28.6%")


@pytest.mark.parametrize("last", ["2.6", "2.8", "3.1", "1.7"])
def test_on_a_small_screen_the_last_value_stands_clear_of_the_words_of_a_level(last: str) -> None:
    levels = [c.Line(D("2.85"), "MR −25% 2.85"), c.Line(D("1.9"), "PR −50% 1.9")]
    made = c.lab_trend(series(f"3.8 3.7 {last}"), lines=levels)
    heights = {node.text: D(node.attrib["y"]) for node in tree(made.narrow).iter(f"{SVG}text")}
    value = heights[f"{last} g/dL"]
    assert min(abs(value - heights[one.words]) for one in levels) >= 9, "letters are nine high"


def test_change_from_a_baseline_of_zero_is_not_defined() -> None:
    assert c.small_trend(series("0 1.2")).rows[1][3] == "not defined"


def test_negative_and_constant_series_are_drawn() -> None:
    assert "−2" in words(c.small_trend(series("-2 3")).wide)
    assert c.lab_trend(series("0 0")).wide


def test_kaplan_meier_has_its_table_and_median_and_no_drop_beyond_the_axis() -> None:
    made = CHARTS["kaplan_meier"]
    shown = words(made.wide)
    assert {"At risk", "Censored", "Events", "median 9.1 months", "100%", "0%"} <= set(shown)
    assert [row[:4] for row in made.rows] == [tuple(map(str, (r.month, r.at_risk, r.censored, r.events))) for r in RISK]
    assert made.rows[0][4:] == ("100%", "100% to 100%")
    assert made.rows[-1][4:] == ("45%", "25% to 65%")
    line = next(n.attrib["d"] for n in tree(made.wide).iter(f"{SVG}path") if n.attrib["class"] == "ln k-km")
    last = D(re.findall(r"V([\d.]+)", line)[-1])
    assert last == draw.Scale(0, 1, 220, 10).at(STEPS[3].share)
    ticks = [n for n in tree(made.wide).iter(f"{SVG}path") if n.attrib["class"] == "line k-km"]
    assert len(ticks) == 2


def test_kaplan_meier_without_median_draws_none() -> None:
    made = c.kaplan_meier(steps=STEPS[:3], censored=(), risk=RISK, label="Overall", months=18)
    assert not [word for word in words(made.wide) if word.startswith("median")]


def test_kaplan_meier_ends_where_follow_up_ends() -> None:
    steps = (c.Step(0, 1, 1, 1), c.Step(D(8), 1, 1, 1))
    made = c.kaplan_meier(steps=steps, censored=(), risk=RISK, label="Overall", months=18)
    line = next(n.attrib["d"] for n in tree(made.wide).iter(f"{SVG}path") if n.attrib["class"] == "ln k-km")
    assert D(re.findall(r"H([\d.]+)", line)[-1]) == draw.Scale(0, 18, 62, 628).at(8)


def test_swimmer_marks_response_progression_and_who_goes_on() -> None:
    made = CHARTS["swimmer"]
    titles = [node.text or "" for node in tree(made.wide).iter(f"{SVG}title")]
    assert sum("response at month" in title for title in titles) == sum(bool(i % 3) for i in range(len(LANES)))
    assert sum("progression at month" in title for title in titles) == sum(not i % 3 for i in range(len(LANES)))
    assert made.rows[0] == ("01-001", "7", "—", "6.4", "Anakinra + high-dose dex")


def test_an_event_that_lasts_goes_on_to_today_and_its_label_stays_inside() -> None:
    chart = CHARTS["event_lanes"]
    for drawing, width in ((chart.wide, 900), (chart.narrow, 350)):
        bars = [node for node in tree(drawing).iter(f"{SVG}rect") if node.attrib["class"].startswith("c-g")]
        assert [node.attrib["class"] for node in bars] == ["c-g1", "c-g3", "c-g2"]
        labels = [node for node in tree(drawing).iter(f"{SVG}text") if "grade" in (node.text or "")]
        assert [node.attrib["class"] for node in labels] == ["t-s", "t-b", "t-s"]
        for node in labels:
            x, is_end = D(node.attrib["x"]), node.attrib.get("text-anchor") == "end"
            assert (x if is_end else width - x) >= D("5.6") * len(node.text or "") - 14
    assert [row[3] for row in chart.rows] == ["1.2", "4.6", "ongoing"]


def test_bars_of_grades_are_as_long_as_their_numbers_and_say_them() -> None:
    chart = CHARTS["grade_bars"]
    for drawing in (chart.wide, chart.narrow):
        parts = {grade: [
            D(node.attrib["width"]) for node in tree(drawing).iter(f"{SVG}rect")
            if node.attrib["class"] == f"c-g{grade}" and list(node)
        ] for grade in range(1, 6)}  # fmt: skip
        assert [len(parts[grade]) for grade in range(1, 6)] == [1, 2, 2, 1, 1]
        assert abs(parts[1][0] - 13 * parts[5][0]) < 1
        assert {"13", "6", "2"} <= set(words(drawing))
    assert chart.rows[1] == ("Neutrophil count decreased", "52", "0", "2", "2", "1", "0")


def test_accrual_names_both_totals() -> None:
    shown = words(CHARTS["accrual"].wide)
    assert {"26 enrolled", "30 planned"} <= set(shown)


def test_day_strip_counts_days_and_refuses_unknown_states() -> None:
    made = CHARTS["day_strip"]
    assert made.rows[0] == ("M7", "27", "1", "0", "0", "4")
    looks = [node.attrib["class"] for node in tree(made.wide).iter(f"{SVG}rect")]
    squares = [look for look in looks if look in {"d-taken", "d-missed", "d-planned"}]
    assert len(squares) == sum(len(row.days) for row in STRIP)
    with pytest.raises(ValueError, match="unknown state"):
        c.day_strip((c.StripRow("M7", (c.StripDay("eaten"),)),))


def test_course_says_today_only_inside_its_months() -> None:
    assert "today" in words(CHARTS["course"].wide)
    late = c.course(spans=(c.Span(0, 12, "ind", "Anakinra"),), flags=(), now=D(20))
    assert "today" not in words(late.wide)


@pytest.mark.parametrize(
    "made",
    [
        lambda: c.waterfall(()),
        lambda: c.swimmer(()),
        lambda: c.spider(()),
        lambda: c.accrual(()),
        lambda: c.grade_bars(()),
        lambda: c.event_lanes((), now=3),
        lambda: c.kaplan_meier(steps=(), censored=(), risk=(), label="x"),
        lambda: c.lab_trend(c.Series("x", "g/dL", ())),
    ],
)
def test_nothing_to_draw_is_said(made: object) -> None:
    with pytest.raises(ValueError, match=r"needs at least one|no points"):
        made()  # type: ignore[operator]


def test_ticks_are_round_numbers_inside_the_limits() -> None:
    assert draw.ticks(D("0"), D("3.6")) == [D(0), D(1), D(2), D(3)]
    assert draw.ticks(D("-1"), D("0.4"), 3) == [D("-1.0"), D("-0.5"), D(0)]
    assert draw.ticks(D(0), D(59), 5) == [D(0), D(20), D(40)]


def test_an_axis_of_percents_reaches_past_every_value() -> None:
    def labels(change: str) -> list[str]:
        return words(c.waterfall((c.Bar("01-001", Decimal(change), "ld"),)).wide)

    assert "60%" in labels("45")
    assert "−100%" in labels("-92.4")
