"""The efficacy dashboard: every number on the screen is the number that its list and its CSV give."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from scipy import stats

from protocol.endpoints import exact_interval
from protocol.vocabulary import Analyte, Phase
from reporting import dashboard
from reporting.courses import M_SPIKE_CHANGES
from reporting.selectors.efficacy import Efficacy, efficacy
from reporting.selectors.efficacy_file import EFFICACY
from reporting.statistics import proportion, survival
from reporting.time_endpoints import ENDPOINTS, curve_of, month
from tests import world_dosing as treat
from tests.world import World, log_in
from tests.world_labs import record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject

URL = "/dashboards/efficacy/"
PR = {"PR", "VGPR", "CR", "sCR"}
MR = PR | {"MR"}


def treated(world: World, site: str, values: tuple[str, str], to: Phase | None) -> None:
    proposal = treat.at_month_6(world, site, values)
    if to is not None:
        treat.sign(world, proposal, to)


def furnish(world: World) -> None:
    """Two partial and one minimal response, two stable, one unsigned, one progressed: two sites."""
    treated(world, "01", ("1.5", "1.4"), Phase.ANAKINRA_ONLY)
    treated(world, "01", ("1.6", "1.5"), Phase.ANAKINRA_ONLY)
    treated(world, "01", ("2.6", "2.5"), Phase.ANAKINRA_ONLY)
    treated(world, "01", ("3.7", "3.6"), Phase.LOW_DEX_7_12)
    treated(world, "02", ("3.8", "3.9"), Phase.LOW_DEX_7_12)
    treated(world, "02", ("1.2", "1.1"), None)
    treat.confirm_high_dose(world)
    treated(world, "01", ("4.9", "5.2"), Phase.HIGH_DEX)


@pytest.fixture
def trial(kept_world: World) -> World:
    return kept_world


def rows(world: World) -> list[Efficacy]:
    with reading(system_actor("verification"), world.at):
        return efficacy()


def as_csv(world: World) -> list[dict[str, str]]:
    """The rows as they stand in the file, read back."""
    names = [column.name for column in EFFICACY.columns]
    with reading(system_actor("verification"), world.at):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(names)
        writer.writerows(["" if cell is None else cell for cell in row] for row in EFFICACY.rows())
    return list(csv.DictReader(io.StringIO(text.getvalue())))


def links(page: str) -> dict[str, int]:
    """Address of a list -> the number that leads to it."""
    found = re.findall(r'href="(/dashboards/efficacy/subjects/\?[^"]+)">([0-9]+)</a>', page)
    return {url.replace("&amp;", "&"): int(number) for url, number in found}


def page(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("population", ["signed", "treated"])
def test_every_number_is_the_length_of_its_list(trial: World, client: Client, population: str) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    found = links(page(client, f"{URL}?population={population}"))
    assert len(found) >= 12
    for url, number in found.items():
        listed = page(client, url)
        assert f'<span class="muted">{number} subject' in listed, url
        assert listed.count('scope="row"') == number, url


@pytest.mark.parametrize("population", ["signed", "treated"])
def test_every_number_equals_the_exported_file(trial: World, client: Client, population: str) -> None:
    table = as_csv(trial)
    judged = [row for row in table if row["is_treated"] == "YES"]
    if population == "signed":
        judged = [row for row in judged if row["response_state"] == "SIGNED"]
    needed = "combination_from" if population == "treated" else "best_on_combination"
    combined = [row for row in judged if row[needed]]
    shown = links(page(log_in(client, trial.person(Role.STATISTICIAN)), f"{URL}?population={population}"))
    numbers = {re.search("group=([^&]+)", url)[1]: number for url, number in shown.items()}  # type: ignore[index]
    assert numbers["enrolled"] == len(table) == 7
    assert numbers["on-treatment"] == sum(row["on_treatment"] == "YES" for row in table)
    assert numbers["waiting"] == sum(row["waits_for_signature"] == "YES" for row in table) == 1
    columns = {"whole": "best_response", "alone": "best_on_anakinra_alone", "combination": "best_on_combination"}
    for name, column in columns.items():
        people = combined if name == "combination" else judged
        assert numbers[name] == len(people), name
        assert numbers[f"{name}-mr"] == sum(row[column] in MR for row in people), name
        assert numbers[f"{name}-pr"] == sum(row[column] in PR for row in people), name
    for phase in Phase:
        count = sum(row["state"] == phase for row in table)
        assert numbers.get(f"phase-{phase.value.lower()}", 0) == count, phase


def by_file(table: list[dict[str, str]]) -> dict[str, int]:
    """Every other number of the page, counted from the columns of the file alone."""
    found = {}
    for name, column in (
        ("pfs", "pfs"),
        ("ttp", "ttp"),
        ("ttp-active", "ttp_active"),
        ("dor", "dor"),
        ("dor-minimal", "dor_minimal"),
        ("benefit", "benefit"),
    ):
        status = Counter(row[f"{column}_status"] for row in table)
        found[f"{name}-events"], found[f"{name}-censored"] = status["EVENT"], status["CENSORED"]
        found[f"{name}-all"] = status["EVENT"] + status["CENSORED"]
    for name, column in (("date", "pfs_at_6_months"), ("assessment", "pfs_by_month_6_assessment")):
        read = Counter(row[column] for row in table)
        found[f"free-{name}"], found[f"known-{name}"] = read["SUCCESS"], read["SUCCESS"] + read["FAILURE"]
        found[f"due-{name}"] = found[f"known-{name}"] + read["LOST"]
    for name in ("hs_crp", "pcli"):
        both = [row for row in table if row[f"{name}_baseline"] and row[f"{name}_month_6"]]
        pairs = [(Decimal(row[f"{name}_baseline"]), Decimal(row[f"{name}_month_6"])) for row in both]
        found[f"{name}-both"] = len(both)
        found[f"{name}-fell"] = sum(then < before for before, then in pairs)
        found[f"{name}-fell-15"] = sum((before - then) / before > Decimal("0.15") for before, then in pairs if before)
    return found


def test_times_milestones_and_markers_equal_the_exported_file(trial: World, client: Client) -> None:
    with reading(system_actor("verification"), trial.at):
        subject = Subject.objects.select_related("site").filter(site__code="01").earliest("id")
    for code, on, value in (("bl", treat.DAY1, "4.0"), ("m06", treat.MONTH[6], "3.0")):
        record(trial, subject, code, on, {Analyte.HS_CRP: value, Analyte.PCLI: value})
    table = as_csv(trial)
    shown = page(log_in(client, trial.person(Role.STATISTICIAN)), URL)
    numbers = {re.search("group=([^&]+)", url)[1]: number for url, number in links(shown).items()}  # type: ignore[index]
    expected = by_file(table)
    assert {name: numbers[name] for name in expected} == expected
    assert expected["hs_crp-fell-15"] == 1
    assert expected["pfs-events"] == 1
    assert "−25.0%" in shown, "the median change of the one subject with both values"
    times = [(int(row["pfs_days"]), row["pfs_status"]) for row in table if row["pfs_days"]]
    curve = survival(times)
    words = re.search(r'scope="row">3</th>(?:<td class="num">[0-9]+</td>){3}<td class="num">([0-9]+)%</td>', shown)
    assert words is not None
    on_page = [Decimal(1), *(step for day, step in zip(curve.days, curve.share, strict=True) if month(day) <= 3)]
    assert words[1] == f"{on_page[-1] * 100:.0f}"


def test_shares_and_intervals_on_the_page_are_those_of_the_file(trial: World, client: Client) -> None:
    judged = [row for row in as_csv(trial) if row["response_state"] == "SIGNED"]
    x, n = sum(row["best_response"] in PR for row in judged), len(judged)
    interval = stats.binomtest(x, n).proportion_ci(method="exact")
    shown = page(log_in(client, trial.person(Role.STATISTICIAN)), URL)
    assert (x, n) == (2, 6)
    assert f"{x} of {n}, 95% CI {interval.low * 100:.1f} to {interval.high * 100:.1f}" in shown
    assert "33.3%" in shown


def test_progression_free_survival_on_the_page_is_that_of_the_file(trial: World, client: Client) -> None:
    table = [row for row in as_csv(trial) if row["pfs_days"]]
    times = [(int(row["pfs_days"]), row["pfs_status"]) for row in table]
    assert sum(status == "EVENT" for _, status in times) == 1
    with reading(system_actor("verification"), trial.at):
        curve = curve_of(efficacy(), ENDPOINTS["pfs"])
    assert curve is not None
    assert curve == survival(times)
    sf = stats.ecdf(
        stats.CensoredData(
            uncensored=[d for d, status in times if status == "EVENT"],
            right=[d for d, status in times if status != "EVENT"],
        )
    ).sf
    assert [float(share) for share in curve.share] == pytest.approx(list(sf.probabilities))
    shown = page(log_in(client, trial.person(Role.STATISTICIAN)), URL)
    assert "Progression-free survival" in shown


def test_the_bars_are_those_of_the_file(trial: World, client: Client) -> None:
    changes = {row["subject"]: row["best_m_spike_change"] for row in as_csv(trial) if row["best_m_spike_change"]}
    shown = page(log_in(client, trial.person(Role.STATISTICIAN)), URL)
    for subject, value in changes.items():
        words = f"{Decimal(value):+.1f}%".replace("-", "−").replace("+0.0", "0.0")
        assert f'<th scope="row">{subject}</th><td class="num">{words}</td>' in shown, subject


def test_what_nobody_signed_is_left_out_and_said(trial: World, client: Client) -> None:
    unsigned = next(row for row in rows(trial) if row.response_state == "UNSIGNED")
    assert unsigned.best_response == ""
    shown = page(log_in(client, trial.person(Role.STATISTICIAN)), URL)
    assert "1 subject has a response that no investigator has signed yet" in shown
    listed = page(client, dashboard.list_url("unsigned", "signed"))
    assert unsigned.subject in listed


def test_a_newer_response_that_nobody_signed_is_said_beside_signed_ones(trial: World) -> None:
    signed = next(row for row in rows(trial) if row.response_state == "SIGNED")
    newer, same = replace(signed, newer_unsigned="YES"), replace(signed, newer_unsigned="NO")
    left = [newer, same, replace(newer, is_treated="NO")]
    assert dashboard.count(left, "unsigned", "signed") == 1
    assert "1 subject has a response that no investigator has signed yet" in dashboard.unsigned_words(left, "signed")
    assert dashboard.unsigned_words([same], "signed") == "Every computed response is signed; nothing is left out."


def test_a_correction_takes_a_response_out_until_it_is_signed_again(trial: World) -> None:
    before = next(row for row in rows(trial) if row.best_response == "PR")
    with reading(system_actor("verification"), trial.at):
        subject = treat.Subject.objects.select_related("site").get(key=before.key)
    typed = {Analyte.SERUM_M: "1.3", Analyte.URINE_M: "50"}
    record(trial, subject, "m06", treat.MONTH[6], typed, reason="Transcription error")
    after = next(row for row in rows(trial) if row.key == before.key)
    assert (after.response_state, after.best_response) == ("UNSIGNED", "")


@pytest.mark.req("F3", "A5")
def test_an_investigator_sees_and_takes_away_only_the_own_site(trial: World, client: Client) -> None:
    shown = page(log_in(client, trial.person(Role.INVESTIGATOR, "02")), dashboard.list_url("enrolled", "treated"))
    assert "02-001" in shown
    assert "01-001" not in shown
    assert links(page(client, URL))[dashboard.list_url("enrolled", "signed")] == 2


def test_below_five_subjects_no_chart_points_at_persons(world: World, client: Client) -> None:
    treated(world, "01", ("1.5", "1.4"), Phase.ANAKINRA_ONLY)
    shown = page(log_in(client, world.person(Role.INVESTIGATOR)), URL)
    assert "The chart is drawn from 5 subjects on" in shown
    assert "<figure>" not in shown


def test_an_empty_trial_says_so(world: World, client: Client) -> None:
    shown = page(log_in(client, world.person(Role.STATISTICIAN)), URL)
    assert "No signed response yet." in shown
    assert "no subject to judge" in shown


@pytest.mark.parametrize("url", [URL, "/dashboards/efficacy/subjects/", "/dashboards/efficacy/efficacy.csv"])
def test_coordinators_have_no_dashboard(world: World, client: Client, url: str) -> None:
    assert log_in(client, world.person(Role.COORDINATOR)).get(url).status_code == 403


@pytest.mark.parametrize("group", ["nonsense", "phase-nowhere", "whole-xx"])
def test_a_list_that_no_number_leads_to_is_not_found(world: World, client: Client, group: str) -> None:
    log_in(client, world.person(Role.STATISTICIAN))
    assert client.get(f"/dashboards/efficacy/subjects/?group={group}").status_code == 404


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_queries_does_not_grow(world: World, client: Client) -> None:
    treated(world, "01", ("1.5", "1.4"), Phase.ANAKINRA_ONLY)
    log_in(client, world.person(Role.STATISTICIAN))
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    treated(world, "01", ("1.5", "1.4"), Phase.ANAKINRA_ONLY)
    treated(world, "02", ("3.8", "3.9"), Phase.LOW_DEX_7_12)
    with CaptureQueriesContext(connection) as many:
        client.get(URL)
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("x", "n"), [(0, 11), (3, 47), (5, 25), (9, 25), (7, 11), (4, 5), (25, 47), (21, 54), (54, 54)]
)
def test_scipy_and_the_protocol_give_the_same_exact_interval(x: int, n: int) -> None:
    ours, theirs = exact_interval(x, n), proportion(x, n)
    assert theirs.low is not None
    assert theirs.high is not None
    assert (round(theirs.low, 2), round(theirs.high, 2)) == ours


def test_a_share_of_nobody_is_not_defined() -> None:
    assert proportion(0, 0).percent is None


def test_survival_knows_textbook_figures() -> None:
    """Three events and two censored: 0.8 after the first, 0.8 x 2/3 after the second, half of it after the third."""
    curve = survival([(10, "EVENT"), (20, "CENSORED"), (30, "EVENT"), (40, "EVENT"), (50, "CENSORED")])
    assert [round(curve.at(day)[0], 4) for day in (5, 10, 25, 30, 40)] == [
        Decimal(1),
        Decimal("0.8"),
        Decimal("0.8"),
        Decimal("0.5333"),
        Decimal("0.2667"),
    ]
    share, low, high = curve.at(30)
    assert low < share < high
    with pytest.raises(ValueError, match="at least one"):
        survival([])


def test_each_endpoint_has_a_curve_and_counts_that_equal_the_file(trial: World, client: Client) -> None:
    log_in(client, trial.person(Role.STATISTICIAN))
    file = as_csv(trial)
    for one in ENDPOINTS.values():
        shown = page(client, f"{URL}?endpoint={one.name}")
        assert f'<h2 id="km">{one.words}</h2>' in shown
        wanted = [line[one.status] for line in file if line[one.status]]
        assert links(shown)[dashboard.list_url(f"{one.name}-all", "signed")] == len(wanted)
        assert links(shown)[dashboard.list_url(f"{one.name}-events", "signed")] == wanted.count("EVENT")


def test_courses_and_m_spike_over_time_are_drawn_of_signed_results(trial: World, client: Client) -> None:
    shown = page(log_in(client, trial.person(Role.STATISTICIAN)), URL)
    assert ('<h2 id="sw">' in shown, '<h2 id="sp">' in shown) == (True, True)
    with reading(system_actor("verification"), trial.at):
        changed = list(M_SPIKE_CHANGES.rows())
    best = {line["subject"]: line["best_m_spike_change"] for line in as_csv(trial) if line["best_m_spike_change"]}
    found: dict[str, Decimal] = {}
    for subject, _, _, _, percent in changed:
        found[str(subject)] = min(Decimal(str(percent)), found.get(str(subject), Decimal(999)))
    assert found == {subject: Decimal(change) for subject, change in best.items()}
    unsigned = next(one.subject for one in rows(trial) if one.response_state == "UNSIGNED")
    assert unsigned not in found
