"""What a first visit of any page may weigh (gzip): the files that every page asks for, and the scripts."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
KB = 1024
#: Pages differ; the heaviest one measured is half of this.
HTML = 20 * KB


@cache
def weight(path: Path) -> int:
    """Bytes on the wire; a font is compressed already. Every page asks for the same files: each is weighed once."""
    held = path.read_bytes()
    return len(held) if path.suffix == ".woff2" else len(gzip.compress(held, 9))


def asked_for() -> set[Path]:
    """Every file that the base page names."""
    words = (ROOT / "templates" / "base.html").read_text()
    named = {STATIC / name for name in re.findall(r"{% static ['\"]([^'\"]+)['\"] %}", words)}
    return {path for path in named if path.suffix in {".css", ".js", ".svg", ".woff2"}}


@pytest.mark.req("D14")
def test_scripts_weigh_at_most_30_kb() -> None:
    scripts = {*STATIC.glob("js/*.js"), *(path for path in asked_for() if path.suffix == ".js")}
    assert sum(map(weight, scripts)) <= 30 * KB


@pytest.mark.req("D14")
def test_a_first_load_weighs_at_most_120_kb() -> None:
    files = {*asked_for(), *STATIC.glob("js/*.js")}
    assert any(path.suffix == ".css" for path in files)
    assert sum(map(weight, files)) + HTML <= 120 * KB
