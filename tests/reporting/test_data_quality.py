"""Timeliness with exact medians on a seeded timeline, ageing and adherence, and the rows behind each number."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from labs.entries import Entry
from labs.selectors.visits import visit_label
from protocol.vocabulary import Analyte
from reporting.data_quality import AGES, GROUPS, STATES, query_lines, visit_lines
from reporting.selectors.facts import SubjectFacts, facts_of
from reporting.selectors.timeliness import MEASURES, TIMELINESS, Stretch, median, stretches, timeliness
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_labs import morning, record, treated_subject
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Query, Role, Subject
from trialsite.services import queries
from trialsite.services.queries import Anchor

DAY1 = date(2024, 3, 4)


def ask(world: World, subject: Subject, visit: str, at: datetime) -> Query:
    anchor, by = Anchor("subject", subject.pk, "", visit), world.person(Role.DATA_MANAGER)
    return queries.ask(by=by, at=at, token=uuid4(), subject=subject, anchor=anchor, text="Is this so?")


def seeded(world: World) -> Subject:
    """Entered 2, 5, 1 and 4 days after the visits; asked 3 and 10 days later, answered 1 and 8 on, closed 2 on."""
    world.person(Role.DATA_MANAGER)
    subject = treated_subject(world, day1=DAY1)
    visits = {"bl": (DAY1, 2), "m01": (date(2024, 4, 3), 5), "m02": (date(2024, 5, 3), 1), "m03": (date(2024, 6, 2), 4)}
    for code, (on, days) in visits.items():
        world.at = morning(on + timedelta(days=days))
        record(world, subject, code, on, {Analyte.SERUM_M: "2.9"})
    entered = morning(DAY1 + timedelta(days=2))
    first = ask(world, subject, "bl", entered + timedelta(days=3))
    second = ask(world, subject, "bl", entered + timedelta(days=10))
    about = {"by": world.person(Role.COORDINATOR), "site_id": subject.site_id, "text": "So it is."}
    queries.answer(query_id=first.pk, at=first.opened_at + timedelta(days=1), **about)
    queries.answer(query_id=second.pk, at=second.opened_at + timedelta(days=8), **about)
    by = world.person(Role.DATA_MANAGER)
    at = first.opened_at + timedelta(days=2)
    queries.close(by=by, at=at, query_id=first.pk, site_id=subject.site_id, text="Closed.")
    return subject


@pytest.mark.req("D16")
def test_a_seeded_timeline_gives_exact_medians(world: World) -> None:
    seeded(world)
    with reading(system_actor("verification"), world.at):
        lines = timeliness(stretches(), ["01", "02"])
    found = {(one.measure, one.site): (one.n, one.median, one.longest) for one in lines}
    assert found["entry", ""] == found["entry", "01"] == (4, Decimal(3), 5)
    assert found["query", "01"] == (2, Decimal("6.5"), 10)
    assert found["answer", "01"] == (2, Decimal("4.5"), 8)
    assert found["closure", "01"] == (1, Decimal(2), 2)
    assert found["entry", "02"] == (0, None, None)
    assert set(found) == {(measure, site) for measure in MEASURES for site in ("", "01", "02")}


@pytest.mark.req("D16")
@pytest.mark.parametrize(
    ("days", "middle"), [([], None), ([4], "4"), ([1, 2], "1.5"), ([9, 1, 5], "5"), ([0, 0, 1, 2], "0.5")]
)
def test_a_median_is_exact(days: list[int], middle: str | None) -> None:
    assert median(days) == (Decimal(middle) if middle else None)


@pytest.mark.req("D16", "B7")
def test_days_are_those_of_the_site(world: World) -> None:
    """Entered at 22:00 in Chicago on the day of the visit, when it is the next day in UTC: no day has passed."""
    subject = treated_subject(world, day1=DAY1)
    world.at = datetime(2024, 4, 4, 3, 0, tzinfo=UTC)
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: "2.9"})
    with reading(system_actor("verification"), world.at):
        assert [one.days for one in stretches() if one.visit == "m01"] == [0]


@pytest.mark.req("D16")
def test_a_query_confirmed_while_typing_was_never_waited_for(world: World) -> None:
    subject = treated_subject(world, day1=DAY1)
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: "29"})
    with reading(system_actor("verification"), world.at):
        assert [one for one in stretches() if one.measure == "closure"] == []
        standing = list(Query.objects.filter(state="open").select_related("subject", "site"))
        assert standing, "the check asked"
        later = query_lines(standing, world.at + timedelta(days=15))
    assert {one.group for one in later} == {"open-age30"}


@pytest.mark.req("D16")
def test_a_value_confirmed_days_later_is_an_answer(world: World) -> None:
    subject = treated_subject(world, day1=DAY1)
    world.at = morning(date(2024, 4, 4))
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: "29"})
    world.at = morning(date(2024, 4, 9))
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: Entry("29", confirmed=True)})
    with reading(system_actor("verification"), world.at):
        assert {(one.measure, one.days) for one in stretches() if one.query} == {
            ("query", 0), ("answer", 5), ("closure", 5)
        }  # fmt: skip


@pytest.mark.req("D16")
def test_a_value_confirmed_beside_its_box_makes_no_stretch_of_any_kind(world: World) -> None:
    subject = treated_subject(world, day1=DAY1)
    record(world, subject, "m01", date(2024, 4, 3), {Analyte.SERUM_M: Entry("29", confirmed=True)})
    with reading(system_actor("verification"), world.at):
        assert Query.objects.filter(state="closed").exists(), "the check asked, and was answered at once"
        assert {one.measure for one in stretches()} == {"entry"}


@pytest.mark.req("D16")
@pytest.mark.parametrize(
    ("age", "group"),
    [
        (0, "age7"),
        (7, "age7"),
        (8, "age14"),
        (14, "age14"),
        (15, "age30"),
        (30, "age30"),
        (31, "older"),
        (400, "older"),
    ],
)
def test_an_age_is_what_its_head_says(world: World, age: int, group: str) -> None:
    query = ask(world, treated_subject(world, day1=DAY1), "bl", world.at)
    with reading(system_actor("verification"), world.at):
        found = Query.objects.select_related("subject", "site").get(pk=query.pk)
        (line,) = query_lines([found], query.opened_at + timedelta(days=age))
    assert line.group == f"open-{group}"


@pytest.mark.req("D16")
def test_the_days_on_which_a_window_opens_and_closes_are_inside(world: World) -> None:
    subject = treated_subject(world, day1=DAY1)
    planned = facts(world, subject).planned
    day = timedelta(days=1)
    on = {
        "m01": planned["m01"].opens_on,
        "m02": planned["m02"].closes_on,
        "m03": planned["m03"].opens_on - day,
        "m04": planned["m04"].closes_on + day,
    }
    for code, occurred_on in on.items():
        record(world, subject, code, occurred_on, {Analyte.SERUM_M: "2.9"})
    lines = visit_lines([facts(world, subject)])
    found = {code: one.group for code in on for one in lines if one.what == visit_label(code)}
    assert found == {"m01": "visits-inside", "m02": "visits-inside", "m03": "visits-outside", "m04": "visits-outside"}


@pytest.mark.req("D16")
@pytest.mark.parametrize(("days", "group"), [(0, []), (1, ["visits-overdue"])])
def test_a_visit_is_overdue_once_its_window_has_closed(world: World, days: int, group: list[str]) -> None:
    subject = treated_subject(world, day1=DAY1)
    closes_on = facts(world, subject).planned["m01"].closes_on
    world.at = morning(closes_on + timedelta(days=days))
    lines = visit_lines([facts(world, subject)])
    assert [one.group for one in lines if one.what == visit_label("m01")] == group


def facts(world: World, subject: Subject) -> SubjectFacts:
    with reading(system_actor("verification"), world.at):
        found = Subject.objects.select_related("site").get(pk=subject.pk)
        return facts_of([found], world.at)[subject.pk]


@pytest.mark.req("D16")
def test_every_age_falls_into_one_group() -> None:
    for age in range(200):
        assert sum(1 for _, low, high in AGES.values() if low <= age <= high) == 1
    assert {f"{state}-{age}" for state in STATES for age in AGES} <= set(GROUPS)


@pytest.mark.req("D16")
@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN])
def test_every_number_of_the_page_is_the_number_of_its_rows(world: World, client: Client, role: Role) -> None:
    treat.on_anakinra(world)
    seeded(world)
    log_in(client, world.person(role))
    world.at = morning(date(2024, 7, 20))
    page = client.get(reverse("data_quality")).content.decode()
    links = re.findall(r'<a href="([^"]+rows/\?[^"]+)">(\d+)</a>', page)
    assert len(links) > 30
    assert "median 4.5, longest 8" in page
    counted = [(url, int(number)) for url, number in links if number != "0"]
    assert len(counted) >= 8
    for url, number in counted:
        answer = client.get(url.replace("&amp;", "&"))
        assert answer.context["number"] == number, url


@pytest.mark.req("D16", "A5")
def test_a_site_sees_its_own_and_a_coordinator_no_dashboard(world: World, client: Client) -> None:
    seeded(world)
    log_in(client, world.person(Role.INVESTIGATOR, "02"))
    assert "01-001" not in client.get(reverse("data_quality_rows") + "?group=time-entry").content.decode()
    log_in(client, world.person(Role.COORDINATOR))
    assert client.get(reverse("data_quality")).status_code == 403
    log_in(client, world.person(Role.DATA_MANAGER))
    assert client.get(reverse("data_quality_rows") + "?group=nothing").status_code == 404


@pytest.mark.req("D16", "F3")
def test_the_file_holds_one_row_per_stretch(world: World) -> None:
    seeded(world)
    with reading(system_actor("verification"), world.at):
        rows = [dict(zip([one.name for one in TIMELINESS.columns], row, strict=True)) for row in TIMELINESS.rows()]
        found: list[Stretch] = stretches()
    assert len(rows) == len(found) == 9
    assert {row["measure"] for row in rows} == {"ENTRY", "QUERY", "ANSWER", "CLOSURE"}
    assert rows[0]["days"] == 2
    assert all(row["query"] is None for row in rows if row["measure"] == "ENTRY")
