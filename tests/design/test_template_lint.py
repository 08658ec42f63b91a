"""Templates hold nothing that the content policy refuses, and nothing that weakens escaping."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ALLOWED_HX = {"hx-get", "hx-post", "hx-target", "hx-swap", "hx-select", "hx-trigger"}

#: What is never written -> why.
FORBIDDEN = {
    r"\sstyle\s*=": "a style attribute",
    r"<style\b": "a style element",
    r"<script(?![^>]*\bsrc=)": "a script without a source",
    r"<script[^>]*>\s*[^\s<]": "a script with content",
    r"""\son[a-z]+\s*=\s*["'{]""": "an event attribute",
    r"\|\s*(safe|safeseq)\b": "a filter that switches escaping off",
    r"{%\s*autoescape\s+off": "a block without escaping",
    r"""(href|src|action)\s*=\s*["']\s*(javascript|data):""": "an address that carries code or data",
    r"""(href|src|action)\s*=\s*["'](https?:)?//""": "an address of another site",
    r"hx-trigger=[\"'][^\"']*\[": "a trigger filter",
    r"""href\s*=\s*["']#["']""": "a link to nowhere",
    r"{#\s*(TODO|FIXME)": "unfinished work",
    r"\sdisabled(?=[\s>=])": "a disabled control",
    r"""class="grow"></span>((?!</div>)[\s\S])*edc/draft\.html""": "a draft's line whose words move the buttons",
}


# Going back to a page, a browser puts choices and ticks of a form that does not forbid it over those that the page
# came with: what is stored now would be shown with what was chosen before, and half of a sent form would stand again.


def faults(text: str) -> list[str]:
    """What is wrong with a template, in words."""
    found = [words for pattern, words in FORBIDDEN.items() if re.search(pattern, text, re.IGNORECASE)]
    found += [f"the attribute {name}" for name in set(re.findall(r"\s(hx-[\w:-]+)\s*=", text)) - ALLOWED_HX]
    for form in re.findall(r"<form\b[^>]*method=[\"']post[\"'][^>]*>", text, re.IGNORECASE):
        if not re.search(r"""\sautocomplete=["']off["']|account_login|sign_out""", form):
            found.append("a posting form that a browser fills in from its memory")
    for form in re.findall(r"<form\b[^>]*method=[\"']post[\"'][^>]*>.*?</form>", text, re.DOTALL | re.IGNORECASE):
        if "{% csrf_token %}" not in form:
            found.append("a posting form without its token")
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_template_keeps_to_the_rules(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_template_compiles(path: Path) -> None:
    assert get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('<p style="color:red">', "a style attribute"),
        ("<style>p{}</style>", "a style element"),
        ("<script>go()</script>", "a script without a source"),
        ('<script src="/a.js">go()</script>', "a script with content"),
        ('<button onclick="go()">', "an event attribute"),
        ("{{ words|safe }}", "a filter that switches escaping off"),
        ("{% autoescape off %}", "a block without escaping"),
        ('<a href="javascript:go()">', "an address that carries code or data"),
        ('<img src="https://elsewhere.example/x.png">', "an address of another site"),
        ("<p hx-trigger=\"keyup[key=='x']\">", "a trigger filter"),
        ('<a href="#">', "a link to nowhere"),
        ("<button disabled>", "a disabled control"),
        (
            '<span class="grow"></span>\n<button>Save</button>{% include "edc/draft.html" %}</div>',
            "a draft's line whose words move the buttons",
        ),
        ('<p hx-on:click="go()">', "the attribute hx-on:click"),
        ('<p hx-boost="true">', "the attribute hx-boost"),
        ('<form method="post" autocomplete="off"></form>', "a posting form without its token"),
        ('<form method="post">{% csrf_token %}</form>', "a posting form that a browser fills in from its memory"),
    ],
)
def test_the_lint_itself_notices(text: str, words: str) -> None:
    assert words in faults(text)


def test_what_is_allowed_passes() -> None:
    form = '<form method="post" autocomplete="off" hx-post="/x/" hx-trigger="change delay:800ms">'
    good = f"{form}{{% csrf_token %}}</form>"
    assert faults(good) == []
