"""Who may not see subjects learns no small number: not as it stands, and not from the numbers beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from itertools import accumulate, combinations, product
from types import SimpleNamespace
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from protocol.vocabulary import Phase
from reporting.dashboard import headline, list_url, rate_lines, telling_of
from reporting.selectors.efficacy import Efficacy
from reporting.selectors.enrolment import Enrolment
from reporting.selectors.timeliness import Stretch
from reporting.selectors.toxicity import SafetySet, Tolerability, Toxicity
from reporting.small_cells import EVERYTHING, FEWEST, told_together
from reporting.statistics import proportion
from reporting.time_endpoints import ENDPOINTS, curve_of
from reporting.views import dashboard, data_quality, enrolment, safety
from safety.vocabulary import CTCAE
from tests.world import World, log_in
from trialsite.models import Role

DAY = date(2024, 1, 12)


def made(kind: type[Any], known: dict[str, Any]) -> Any:
    """A row of which only this is known."""
    return kind(**{one.name: known.get(one.name, None if "None" in str(one.type) else "") for one in fields(kind)})


def told(client: Client, world: World, url: str, role: Role = Role.ADMIN) -> list[list[str]]:
    """The rows of every table, and the figures on top as rows of words and value."""
    answer = log_in(client, world.person(role)).get(url)
    assert answer.status_code == 200
    shown = answer.content.decode().partition("<main")[2]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in re.findall(r"<tr>(.*?)</tr>", shown, re.S)]
    tops = [list(one) for one in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown, re.S)]
    return [[re.sub(r"<.*?>", "", cell).strip() for cell in row] for row in [*cells, *tops]]


def line(rows: list[list[str]], *starts: str) -> list[str]:
    return next(row[len(starts) :] for row in rows if tuple(row[: len(starts)]) == starts)


# ---------------------------------------------------------------- efficacy
def subject(number: int, **known: Any) -> Efficacy:
    known = {"is_treated": "YES", "day1_on": DAY, "state": "ANAKINRA_ONLY", "response_state": "SIGNED", **known}
    row: Efficacy = made(
        Efficacy, {"subject": f"01-{number:03}", "on_treatment": "YES", "waits_for_signature": "NO", **known}
    )
    return row


def twenty_and_sixteen() -> list[Efficacy]:
    """Twenty treated, of whom sixteen: responded, with an event, free at month 6, with a fallen marker."""
    sixteen: dict[str, Any] = {
        "best_response": "PR", "pfs_status": "EVENT", "pfs_at_6_months": "SUCCESS", "state": "ANAKINRA_ONLY",
        "pcli_month_6": Decimal(1), "pcli_change": Decimal(-50),
    }  # fmt: skip
    four: dict[str, Any] = {
        "best_response": "SD", "pfs_status": "CENSORED", "pfs_at_6_months": "FAILURE", "state": "LOW_DEX_7_12",
        "pcli_month_6": Decimal(3), "pcli_change": Decimal(50),
    }  # fmt: skip
    return [
        subject(number, pfs_days=100 + number, pcli_baseline=Decimal(2), **(sixteen if number < 16 else four))
        for number in range(20)
    ]


def shows(monkeypatch: pytest.MonkeyPatch, rows: list[Efficacy]) -> None:
    monkeypatch.setattr(dashboard, "studied", list)
    monkeypatch.setattr(dashboard, "efficacy", lambda found: rows)


@pytest.mark.req("J5")
def test_twenty_and_sixteen_do_not_tell_the_other_four(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shows(monkeypatch, twenty_and_sixteen())
    rows = told(client, world, "/dashboards/efficacy/")
    assert line(rows, "Whole treatment") == ["20", "—", "—", "—", "—", "—", "—"]
    assert line(rows, "Progression-free survival")[1:4] == ["20", "—", "—"]
    assert line(rows, "By date", "All whose month 6 has come") == ["20", "—", "—", "—"]
    assert line(rows, "Labelling index (PCLI)")[:3] == ["20", "—", "—"]
    assert [row for row in rows if row[-1] == "16"] == []
    assert not [row for row in rows if set(row) & {"16", "4", "80.0%", "80%"}]
    assert line(rows, "Progression-free at 6 months")[0].startswith("—")


@pytest.mark.req("J5")
def test_a_number_of_whom_few_are_missing_is_hidden_with_its_shares(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four of twenty have no signed response, no month 6 and no second value: the sixteen would tell them."""
    nothing = {"response_state": "UNSIGNED", "pfs_at_6_months": "LOST"}
    both: dict[str, Any] = {"pcli_baseline": Decimal(2), "pcli_month_6": Decimal(1), "pcli_change": Decimal(-50)}
    rows = [subject(number, **nothing) for number in range(4)]
    for number in range(4, 20):
        response, outcome = ("PR", "SUCCESS") if number < 12 else ("MR", "FAILURE")
        rows.append(subject(number, best_response=response, pfs_at_6_months=outcome, **both))
    shows(monkeypatch, rows)
    found = told(client, world, "/dashboards/efficacy/")
    assert line(found, "Whole treatment") == ["—", "—", "—", "—", "8", "—", "—"]
    assert line(found, "By date", "All whose month 6 has come") == ["20", "8", "40.0%", "19.1 to 63.9"]
    assert line(found, "By date", "Followed to month 6") == ["—", "8", "—", "—"]
    assert line(found, "Labelling index (PCLI)")[0] == "—"


@pytest.mark.req("J5")
def test_what_is_not_small_is_told_and_who_may_see_subjects_sees_all(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = [
        subject(number, best_response="PR" if number < 10 else "SD", pfs_days=1 + number,
                pfs_status="EVENT" if number < 10 else "CENSORED")
        for number in range(20)
    ]  # fmt: skip
    shows(monkeypatch, halves)
    rows = told(client, world, "/dashboards/efficacy/")
    assert line(rows, "Whole treatment")[:3] == ["20", "10", "50.0%"]
    assert line(rows, "Progression-free survival")[1:4] == ["20", "10", "10"]
    shows(monkeypatch, twenty_and_sixteen())
    monkeypatch.setattr(dashboard, "swimmer_chart", lambda *_: None)
    rows = told(Client(), world, "/dashboards/efficacy/", Role.STATISTICIAN)
    assert line(rows, "Whole treatment")[:3] == ["20", "16", "80.0%"]
    assert line(rows, "Progression-free survival")[1:4] == ["20", "16", "4"]


@pytest.mark.req("J5")
def test_two_populations_beside_each_other_do_not_tell_the_few_between_them(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve of twenty began the combination, ten of them with a signed sample under it."""
    rows = [
        subject(number, best_response="PR" if number < 10 else "SD", combination_from=DAY if number < 12 else None,
                best_on_combination="PR" if number < 10 else "")
        for number in range(20)
    ]  # fmt: skip
    shows(monkeypatch, rows)
    asked = "/dashboards/efficacy/?population=treated"
    assert line(told(client, world, asked), "Combination with dexamethasone")[0] == "10"
    monkeypatch.setattr(dashboard, "swimmer_chart", lambda *_: None)
    seen = told(Client(), world, asked, Role.STATISTICIAN)
    assert line(seen, "Combination with dexamethasone")[0] == "12"


@pytest.mark.req("J5")
def test_a_line_tells_neither_few_between_mr_and_pr_nor_few_of_those_judged() -> None:
    """Of 30 treated 20 have a signed response: 12 PR, 3 MR, 5 SD; 16 of them a signed sample under the combination."""
    best = ["PR"] * 12 + ["MR"] * 3 + ["SD"] * 5
    rows = [
        subject(number, best_response=word, best_on_anakinra_alone=word,
                best_on_combination="SD" if number < 16 else "")
        for number, word in enumerate(best)
    ]  # fmt: skip
    rows += [subject(number, response_state="UNSIGNED") for number in range(20, 30)]
    telling, (whole, _, combination) = telling_of(rows, "signed"), rate_lines(rows, "signed")
    assert telling.tells(whole.n_url, whole.mr_url)
    assert not telling.tells(whole.pr_url)
    assert (combination.n, telling.tells(combination.n_url)) == (16, False)


@pytest.mark.req("J5")
def test_a_list_of_which_nothing_is_told_does_not_say_that_it_is_empty(world: World, client: Client) -> None:
    for page, words in (("enrolment", "Nobody yet."), ("safety", "No such event is recorded.")):
        for role, is_told in ((Role.ADMIN, False), (Role.STATISTICIAN, True)):
            text = log_in(client, world.person(role)).get(f"/dashboards/{page}/").content.decode()
            assert (words in text, "None, or too few to be told." in text) == (is_told, not is_told)


@pytest.mark.req("J5")
def test_the_same_subjects_are_counted_on_every_page_and_the_few_who_wait_are_told_by_none() -> None:
    """Fifty-five enrolled on one page and fifty-two treated on another would tell the three between them."""
    rows = [subject(number, is_treated="YES" if number < 52 else "NO") for number in range(55)]
    telling = telling_of(rows, "signed")
    assert telling.tells(list_url("treated", "signed"))
    assert not telling.tells(list_url("enrolled", "signed"))


@pytest.mark.req("J5")
def test_a_figure_on_top_goes_where_the_rest_of_it_is_small() -> None:
    """Of twenty 16 are on treatment; 17 had an event in the first half year, and three were followed through it."""
    rows = [
        subject(number, on_treatment="YES" if number < 16 else "NO", pfs_days=100 + number if number < 17 else 200,
                pfs_status="EVENT" if number < 17 else "CENSORED")
        for number in range(20)
    ]  # fmt: skip
    curve = curve_of(rows, ENDPOINTS["pfs"])
    shown = {one.label: one.value for one in headline(rows, "treated", curve, telling_of(rows, "treated"))}
    assert (shown["Enrolled"], shown["On treatment"], shown["Progression-free at 6 months"]) == ("—", "—", "—")
    seen = {one.label: one.value for one in headline(rows, "treated", curve)}
    assert (seen["On treatment"], seen["Progression-free at 6 months"]) == ("16", "15%")


# ---------------------------------------------------------------- enrolment
@pytest.mark.req("J5")
def test_enrolment_tells_neither_few_others_nor_the_day_of_one(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Site 01: 20 registered, 16 treated; site 02: 3 registered, in no place to be found by subtraction."""
    people = [("01", DAY if number < 16 else None) for number in range(20)] + [("02", DAY)] * 3
    rows = [
        made(Enrolment, {"site": site, "outcome": "REGISTERED", "registered_on": date(2024, 1, 5), "day1_on": day1,
                         "treatment": "ON" if day1 else ""})
        for site, day1 in people
    ]  # fmt: skip
    monkeypatch.setattr(enrolment, "enrolment", lambda: rows)
    shown = told(client, world, "/dashboards/enrolment/")
    assert line(shown, "Registered") == ["23"]
    assert line(shown, "Treated") == ["—"]
    assert line(shown, "01") == ["—", "—", "—", "16", "16", "—", "—"], "the other seven are of both sites"
    assert not [row for row in shown if row[0] == "02"]
    assert "5 Jan 2024" not in str(shown)
    seen = told(Client(), world, "/dashboards/enrolment/", Role.STATISTICIAN)
    assert line(seen, "01") == ["20", "0", "20", "16", "16", "0", "0", "5 Jan 2024"]


# ---------------------------------------------------------------- data quality
@pytest.mark.req("J5")
def test_the_site_beside_a_small_one_is_hidden_too(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All sites 20, site 01 16: site 02 has the other 4."""
    found = [
        Stretch("entry", "01-001", "k", "01" if number < 16 else "02", "bl", None, DAY, DAY) for number in range(20)
    ]
    monkeypatch.setattr(data_quality, "stretches", lambda: found)
    sites = [SimpleNamespace(code=code) for code in ("01", "02")]
    monkeypatch.setattr(data_quality, "sites_with_subjects", lambda: sites)
    rows = told(client, world, "/dashboards/data-quality/")
    cells = {row[0]: {cell for one in rows if one[0] == row[0] for cell in one[1:]} for row in rows if "ite" in row[0]}
    assert cells["All sites"] == {"20", "—"}
    assert cells["Site 01"] == cells["Site 02"] == {"—"}


# ---------------------------------------------------------------- the rule
PEOPLE = [f"s{number:02}" for number in range(24)]


def told_of(sets: Sequence[frozenset[str]]) -> list[frozenset[str]]:
    telling = told_together((str(place), one) for place, one in enumerate(sets))
    return [one for place, one in enumerate(sets) if telling.tells(str(place))]


@pytest.mark.req("J5")
@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([16, 4], []), ([30, 16, 4], [30]), ([16, 5], [16, 5]), ([3], []), ([20, 1, 2], []), ([20, 3, 4], [20]),
        ([4, 4, 4, 20], [20]), ([0, 20], [20]), ([5, 5, 5], [5, 5, 5]), ([1, 1, 1, 1, 1], []),
    ],
)  # fmt: skip
def test_of_a_whole_and_its_parts_none_is_told_that_leaves_a_few(parts: list[int], told: list[int]) -> None:
    ends = list(accumulate(parts))
    everybody = [f"s{number}" for number in range(ends[-1])]
    cut = [frozenset(everybody[end - part : end]) for part, end in zip(parts, ends, strict=True)]
    assert [len(one) for one in told_of([frozenset(everybody), *cut])][1:] == told


@pytest.mark.req("J5")
@given(st.lists(st.frozensets(st.sampled_from(PEOPLE)), max_size=30), st.lists(st.integers(0, 24), max_size=6))
def test_no_sum_or_difference_of_what_is_told_counts_a_few(sets: list[frozenset[str]], ends: list[int]) -> None:
    """Sets at random, and a chain of sets of which each holds the one before it.

    Added up with whatever sign, a sum counts subjects only where nobody counts twice; then it never counts 1 to 4.
    """
    told = told_of([*(frozenset(PEOPLE[:end]) for end in ends), *sets])
    for some in combinations(told, min(4, len(told))):
        for signs in product((-1, 0, 1), repeat=len(some)):
            weights = [sum(sign for sign, one in zip(signs, some, strict=True) if who in one) for who in PEOPLE]
            if set(weights) <= {0, 1}:
                assert sum(weights) == 0 or sum(weights) >= FEWEST
    groups = Counter(frozenset(place for place, one in enumerate(told) if who in one) for who in PEOPLE)
    assert min((n for group, n in groups.items() if group), default=FEWEST) >= FEWEST, "nor does any other combination"


@pytest.mark.req("J5")
@given(st.lists(st.frozensets(st.sampled_from(PEOPLE)), max_size=20))
def test_a_number_is_kept_back_only_for_the_sake_of_a_few(sets: list[frozenset[str]]) -> None:
    told: list[frozenset[str]] = []
    for one in sets:
        together = told_of([*told, one])
        if one not in together:
            seen = Counter(frozenset(place for place, it in enumerate([*told, one]) if who in it) for who in PEOPLE)
            assert not one or any(n < FEWEST for group, n in seen.items() if group)
        told = together


@pytest.mark.req("J5")
def test_who_may_see_the_subjects_is_told_everything_and_a_page_without_a_reader_nothing() -> None:
    shown = Template("{% load figures %}{% figure 3 'list' %}|{% share_cells share 'list' %}")
    share = proportion(3, 4)
    assert shown.render(Context({"share": share})) == '—|<td class="num">—</td><td class="num">—</td>'
    assert '<a href="list">3</a>|<td class="num">75.0%' in shown.render(
        Context({"share": share, "telling": EVERYTHING})
    )


# ---------------------------------------------------------------- safety
def twelve_of_whom_ten() -> SafetySet:
    """Twenty treated; twelve with nausea, which the drug caused in ten of them."""
    people = [f"k{number:02}" for number in range(20)]
    plain = {"day1_on": DAY, "phases": Phase.INDUCTION.value, "anakinra_actions": "", "dexamethasone_actions": ""}
    event = {"term": "Nausea", "ctcae_version": CTCAE.value, "grade": 2, "phase": Phase.INDUCTION.value}
    return SafetySet(
        tuple(made(Tolerability, {"key": key, "site": "01", **plain}) for key in people),
        tuple(
            made(Toxicity, {"key": key, **event, "related_to_anakinra": "YES" if number < 10 else "NO"})
            for number, key in enumerate(people[:12])
        ),
    )


@pytest.mark.req("J5")
def test_two_causes_beside_each_other_do_not_tell_the_few_between_them(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "safety_set", twelve_of_whom_ten)
    rows = told(client, world, "/dashboards/safety/")
    assert line(rows, "Whatever the cause")[:4] == ["20", "—", "—", "—"]
    assert line(rows, "Study drug: possible or more")[:4] == ["20", "10", "—", "10"]
    assert line(rows, "With an event") == line(rows, "Nausea")[1:2] == ["10"]
    assert told(client, world, "/dashboards/safety/?cause=any&phase=INDUCTION") == rows, "no choice beside another"
    seen = told(Client(), world, "/dashboards/safety/?cause=any", Role.STATISTICIAN)
    assert line(seen, "Study drug: possible or more")[:4] == ["20", "10", "0", "10"]
    assert line(seen, "Nausea")[1] == "12"
