"""Colours of text and controls have the contrast that they promise; styles and scripts keep to their rules."""

from __future__ import annotations

import gzip
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
CSS = (ROOT / "static" / "edc.css").read_text(encoding="utf-8")
SCRIPTS = [ROOT / "static" / "edc.js", *sorted((ROOT / "static" / "js").glob("*.js"))]
# The first block holds the tokens; later ones are for people who ask for more contrast.
TOKENS = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})\b", CSS.partition("\nhtml")[0].partition("\n:root{scroll")[0]))

#: Text tokens: at least 4.5 on white.
TEXT = (
    "ink-900", "ink-700", "ink-500", "brand-900", "brand-700", "brand-600", "st-due", "st-late", "st-draft", "st-done",
    "st-verified", "st-signed", "st-locked", "st-missed", "st-query", "warn-ink", "err-ink", "focus", "arm-cont",
    "arm-ld", "arm-hd",
)  # fmt: skip
#: Shapes and borders: at least 3 on white.
SHAPES = ("arm-ind", "ink-400", "err-line")
#: (ink, ground): at least 4.5.
PAIRS = (
    ("err-ink", "err-bg"),
    ("warn-ink", "warn-bg"),
    ("ink-500", "canvas"),
    ("ink-500", "surface-2"),
    ("ink-900", "info-bg"),
)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_itself() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.req("D14")
@pytest.mark.parametrize("token", TEXT)
def test_text_on_white(token: str) -> None:
    assert contrast(TOKENS[token], "#fff") >= 4.5


@pytest.mark.req("D14")
@pytest.mark.parametrize("token", SHAPES)
def test_shapes_on_white(token: str) -> None:
    assert contrast(TOKENS[token], "#fff") >= 3


@pytest.mark.req("D14")
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_on_tints(ink: str, ground: str) -> None:
    assert contrast(TOKENS[ink], TOKENS[ground]) >= 4.5


def test_borders_of_boxes_and_focus_on_the_dark_bar() -> None:
    assert ".form-control,.form-select{border-color:#7d8d95" in CSS
    assert contrast("#7d8d95", "#fff") >= 3
    assert contrast("#ffd166", TOKENS["brand-900"]) >= 4.5


def test_chart_fills_differ_in_lightness_not_only_in_hue() -> None:
    shades = sorted(luminance(TOKENS[f"fill-{mark}"]) for mark in ("ind", "cont", "ld", "hd"))
    assert all((light + 0.05) / (dark + 0.05) > 1.5 for dark, light in pairwise(shades))


@pytest.mark.parametrize(
    "media", ["print", "(forced-colors:active)", "(prefers-reduced-motion:reduce)", "(max-width:40rem)"]
)
def test_every_medium_is_thought_of(media: str) -> None:
    assert f"@media {media}" in CSS


def test_styles_fetch_nothing_from_elsewhere() -> None:
    assert not re.search(r"url\(\s*[\"']?data:", CSS)
    assert "@import" not in CSS
    for address in re.findall(r'url\("([^"]+)"\)', CSS):
        assert (ROOT / "static" / address).is_file(), address


def test_scripts_are_small_and_make_no_code_from_text() -> None:
    together = b"".join(path.read_bytes() for path in SCRIPTS)
    assert len(gzip.compress(together, 9)) < 10_000
    assert not re.search(rb"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write|\.style\b", together)


def test_every_symbol_that_is_named_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static" / "icons.svg").read_text(encoding="utf-8")))
    named = set()
    for path in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r'{% icon "([\w-]+)"', path.read_text(encoding="utf-8")))
    assert named
    assert named <= drawn
