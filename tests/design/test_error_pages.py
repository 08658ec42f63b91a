"""Error pages say what happened and what was saved, even when nothing else works."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string

PAGES = ("400", "403", "403_csrf", "404", "409", "413", "429", "500", "503")


@pytest.mark.parametrize("name", PAGES)
def test_page_needs_no_context_at_all(name: str) -> None:
    html = render_to_string(f"{name}.html")
    text = re.sub(r"<[^>]+>", " ", html)
    assert html.count("<h1>") == 1
    assert re.search(r"(not|Nothing) .*(saved|changed)", text)
    assert not re.search(r"\b(please|invalid|illegal)\b|!", text.split("Skip to main content")[1], re.IGNORECASE)


@pytest.mark.parametrize("name", PAGES)
def test_page_takes_the_words_of_the_view(name: str) -> None:
    assert "Files up to 2 MB &lt;only&gt;." in render_to_string(f"{name}.html", {"words": "Files up to 2 MB <only>."})


def test_error_is_said_first_in_the_title() -> None:
    assert "<title>Error: There is no such page" in render_to_string("404.html", {"has_errors": True})
    assert "<title>There is no such page" in render_to_string("404.html")
