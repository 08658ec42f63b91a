"""Who may not see the subjects is told in full fives how many a site has registered, on any day, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from itertools import product
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from reporting.enrolment import registered_in_fives
from reporting.selectors.enrolment import Enrolment
from reporting.small_cells import FEWEST, in_fives
from reporting.views import accrual
from tests.world import World, log_in
from trialsite.access import DUTIES, Duty
from trialsite.models import Role, Site

URL = "/dashboards/accrual/"


def subjects(site: str, number: int, **known: str) -> list[Enrolment]:
    known = {"site": site, "outcome": "REGISTERED", **known}
    empty: dict[str, Any] = {one.name: None if "None" in str(one.type) else "" for one in fields(Enrolment)}
    return [Enrolment(**{**empty, **known}) for _ in range(number)]


def told(client: Client) -> list[tuple[str, str]]:
    page = client.get(URL).content.decode().partition("<main")[2]
    rows = re.findall(r"<tr><th[^>]*>(.*?)</th><td[^>]*>(.*?)</td></tr>", page)
    return [(site[:2], words) for site, words in rows]


@pytest.mark.req("J5")
def test_under_five_is_suppressed_and_every_site_stands_there(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Site 02 has four, any other none: both are told alike."""
    monkeypatch.setattr(accrual, "enrolment", lambda: [*subjects("01", 12), *subjects("02", 4)])
    log_in(client, world.person(Role.ADMIN))
    lines = told(client)
    assert lines[0] == ("01", "10 or more")
    assert {words for _, words in lines[1:]} == {"fewer than 5"}
    assert len(lines) == Site.objects.exclude(code="00").count() > 1


@pytest.mark.req("J5")
def test_only_registered_subjects_are_counted() -> None:
    rows = [*subjects("01", 5), *subjects("01", 9, outcome="IN_SCREENING"), *subjects("02", 5, outcome="SCREEN_FAILED")]
    assert registered_in_fives(rows, ["01", "02"]) == [("01", "5 or more"), ("02", "fewer than 5")]


@pytest.mark.req("J5")
def test_nobody_sees_a_dashboard_without_the_subjects_behind_it() -> None:
    assert DUTIES[Duty.VIEW_DASHBOARD] <= DUTIES[Duty.VIEW_SUBJECT]
    assert DUTIES[Duty.VIEW_ACCRUAL].isdisjoint(DUTIES[Duty.VIEW_SUBJECT])


@pytest.mark.req("J5")
def test_every_other_figure_is_refused(world: World, client: Client) -> None:
    log_in(client, world.person(Role.ADMIN))
    for page in ("efficacy", "safety", "enrolment", "data-quality", "abstract"):
        assert client.get(f"/dashboards/{page}/").status_code == 403
    menu = client.get(URL).content.decode()
    assert f'href="{URL}"' in menu
    assert "/dashboards/efficacy/" not in menu


def number_in(words: str) -> int:
    return 0 if words.startswith("fewer") else int(words.split()[0])


@pytest.mark.req("J5")
@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "fewer than 5"), (1, "fewer than 5"), (4, "fewer than 5"), (5, "5 or more"), (9, "5 or more"),
     (10, "10 or more"), (104, "100 or more")],
)  # fmt: skip
def test_words(number: int, words: str) -> None:
    assert in_fives(number) == words


COURSES = st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=5)


@pytest.mark.req("J5")
@given(COURSES)
def test_no_sum_or_difference_of_what_is_told_on_any_days_counts_a_few(days: Sequence[Sequence[int]]) -> None:
    """Three sites on one to five days, and whatever is registered or taken back between them."""
    sites = ("01", "02", "03")
    pages = [
        registered_in_fives([one for site, n in zip(sites, day, strict=True) for one in subjects(site, n)], sites)
        for day in days
    ]
    figures = [number_in(words) for page in pages for _, words in page][:6]
    for signs in product((-1, 0, 1), repeat=len(figures)):
        assert sum(sign * figure for sign, figure in zip(signs, figures, strict=True)) % FEWEST == 0


@pytest.mark.req("J5")
@given(st.integers(0, 500), st.integers(0, 4))
def test_within_five_every_number_is_told_alike(fives: int, more: int) -> None:
    assert in_fives(fives * FEWEST + more) == in_fives(fives * FEWEST)
