"""The numbers on screen equal the numbers exported: all four dashboards, every figure and every table, in one test."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any
from unittest import mock
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from enrollment.services import record_screen_failure
from enrollment.services.registration import Cause
from followup.services import Leaving
from followup.services.departure import Kind
from followup.vocabulary import EndReason
from protocol.safety_clocks import ClockName
from protocol.vocabulary import Analyte, CtcaeVersion, Phase
from reporting.dashboard import POPULATIONS
from reporting.datasets import BY_NAME
from reporting.toxicity import CAUSES, PHASES
from safety.services import Told, record_report_sent
from safety.vocabulary import ActionTaken, Attribution, Seriousness
from tests import world_dosing as treat
from tests.reporting import recount
from tests.reporting.screen import Screen, read
from tests.reporting.test_dashboard import treated
from tests.reporting.test_data_quality import ask
from tests.world import World, log_in
from tests.world_enrollment import screened
from tests.world_followup import end, leave, who
from tests.world_labs import laboratory, limits, morning, record
from tests.world_safety import an_event, reported
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.exporting import Dataset
from trialsite.models import Role, Subject
from trialsite.services import queries
from trialsite.services.subjects import record_visit_not_done

NAMES = (
    "efficacy", "m_spike_changes", "treatment_phases", "subjects", "tolerability", "toxicity", "report_clocks",
    "grades_waiting", "enrolment", "sites", "queries", "timeliness", "visits", "follow_up_contacts", "departures",
    "screen_failures",
)  # fmt: skip
DEX = {"attribution_dexamethasone": Attribution.PROBABLE, "action_dexamethasone": ActionTaken.NONE}


@pytest.fixture
def trial(world: World) -> World:
    """Two sites with something under every heading of the four pages."""
    for site, values, to in (
        ("01", ("1.5", "1.4"), Phase.ANAKINRA_ONLY), ("01", ("1.6", "1.5"), Phase.ANAKINRA_ONLY),
        ("01", ("2.6", "2.5"), Phase.ANAKINRA_ONLY), ("01", ("3.7", "3.6"), Phase.LOW_DEX_7_12),
        ("02", ("3.8", "3.9"), Phase.LOW_DEX_7_12), ("02", ("1.2", "1.1"), None),
    ):  # fmt: skip
        treated(world, site, values, to)
    treat.confirm_high_dose(world)
    treated(world, "01", ("4.9", "5.2"), Phase.HIGH_DEX)
    late = treat.on_anakinra(world)
    treat.month(world, late, 5, "3.7")
    treat.month(world, late, 6, "3.6", on=treat.MONTH[6] + timedelta(days=7))
    proposal = treat.reevaluated(world, late)
    assert proposal is not None
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with reading(system_actor("verification"), world.at):
        people = {one.number: one for one in Subject.objects.select_related("site")}
    first, second, low, other = (people[number] for number in ("01-001", "01-002", "01-004", "02-001"))
    for number, (before, then) in {"01-001": ("4.0", "3.0"), "01-002": ("2.0", "2.2"), "01-003": ("0", "1")}.items():
        for code, on, value in (("bl", treat.DAY1, before), ("m06", treat.MONTH[6], then)):
            record(world, people[number], code, on, {Analyte.HS_CRP: value, Analyte.PCLI: value})
    lab = laboratory(world)
    limits(world, lab, Analyte.ANC, "1.7", "7.0")
    record(world, second, "bl", treat.DAY1, {Analyte.ANC: "3.1"}, lab=lab)
    record(world, second, "m01", treat.MONTH[1] + timedelta(days=9), {Analyte.ANC: "0.9"}, lab=lab)
    asked = [ask(world, one, "bl", world.at) for one in (first, first, other)]
    answer: dict[str, Any] = {"by": world.person(Role.COORDINATOR), "site_id": first.site_id, "text": "So it is."}
    queries.answer(query_id=asked[0].pk, at=world.later(2), **answer)
    queries.answer(query_id=asked[1].pk, at=world.later(3), **answer)
    queries.close(by=world.person(Role.DATA_MANAGER), at=world.later(4), query_id=asked[0].pk,
                  site_id=first.site_id, text="Closed.")  # fmt: skip
    world.later(20)
    treat.fill(world, low, treat.DAY1 + timedelta(days=1), treat.DAY1 + timedelta(days=6))
    reported(world, first, an_event("Injection site reaction", 3, "20 mar 2024", action_anakinra=ActionTaken.HELD))
    with mock.patch("safety.services.events.CTCAE", CtcaeVersion.V4):  # before the trial moved to the present version
        reported(world, second, an_event("Nausea", 3, "20 may 2024"))
    reported(world, low, an_event("Insomnia", 2, "1 aug 2024", **DEX))
    reported(world, other, an_event("Hyperglycemia", 3, "2 aug 2024", **{
        **DEX, "attribution_anakinra": Attribution.UNLIKELY, "action_dexamethasone": ActionTaken.STOPPED,
    }))  # fmt: skip
    for subject in (first, low):
        report = reported(world, subject, an_event("Lung infection", 3, "10 mar 2024",
                                                   serious=frozenset({Seriousness.HOSPITAL}))).report  # fmt: skip
    told = Told(ClockName.SPONSOR, world.at, "")
    record_report_sent(**who(world, low), number=report.number, told=told)
    for role in (Role.COORDINATOR, Role.DATA_MANAGER):
        world.person(role)
    failed = screened(world, "01", birth_year=1951)
    record_screen_failure(
        by=world.person(Role.COORDINATOR), at=world.at, token=uuid4(), subject_id=failed.pk, site_id=failed.site_id,
        cause=Cause.CONSENT_WITHDRAWN, passive_follow_up_allowed=False, failed_on=treat.today(world, failed),
        reason="Changed their mind",
    )  # fmt: skip
    screened(world, "02", birth_year=1950)
    end(world, second, treat.today(world, second), EndReason.TOXICITY, detail="Rash")
    waits, leaves = treat.registered(world, "01", on=date(2024, 8, 30)), treat.registered(world, "02")
    leave(world, leaves, Leaving(Kind.OFF_STUDY, treat.today(world, leaves), "Progressed",
                                 progression_before_treatment=True))  # fmt: skip
    assert waits.registered_on
    record_visit_not_done(**who(world, other), code="m03", reason="The subject was travelling")
    world.at = max(world.at, morning(date(2024, 10, 10)))
    ask(world, low, "bl", world.at)
    world.later(10)
    return world


def files_of(world: World) -> recount.Files:
    """The cells as they stand in the files, read back."""
    found = {}
    with reading(system_actor("verification"), world.at):
        for name in NAMES:
            data = BY_NAME[name]
            text = io.StringIO()
            writer = csv.writer(text)
            writer.writerow([column.name for column in data.columns])
            if isinstance(data, Dataset):
                with connection.cursor() as cursor:
                    cursor.execute(data.sql)
                    rows = cursor.fetchall()
            else:
                rows = list(data.rows())
            writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
            found[name] = list(csv.DictReader(io.StringIO(text.getvalue())))
    return found


def screen(client: Client, url: str) -> Screen:
    answer = client.get(f"/dashboards/{url}")
    assert answer.status_code == 200
    return read(answer.content.decode())


def differences(shown: Screen, words: str, tops: recount.Tops, tables: recount.Tables) -> list[object]:
    """What is on the page and not in the recount, or the other way round; a figure that is unknown is one of them.

    `words`: the numbers in the sentences around figures and tables, in order, the moment of the data cut left out.
    """
    found: list[object] = [(one, tops) for one in shown.tops if one not in tops]
    found += [(one, "not on the page") for one in tops if one not in shown.tops]
    for name in {*shown.tables, *tables}:
        on_page, counted = shown.tables.get(name), tables.get(name)
        if on_page != counted:
            found.append((name, on_page, counted))
    told = " ".join(re.findall(r"\d+(?:\.\d+)?", re.sub(r"ata as of .*? UTC", "", shown.rest)))
    return found if told == words else [*found, (told, words)]


def safety_differences(client: Client, files: recount.Files, now: datetime) -> list[object]:
    """The safety page under every cause in every phase, and under each of both for what was graded otherwise."""
    found = list[object]()
    assert {row["ctcae_version"] for row in files["toxicity"]} == {"4.0", "5.0"}
    asked = [("5.0", cause, phase) for cause, phase in product(CAUSES, PHASES)]
    asked += [("4.0", cause, "") for cause in CAUSES] + [("4.0", "any", phase) for phase in PHASES]
    for version, cause, phase in asked:
        shown = screen(client, f"safety/?{urlencode({'version': version, 'cause': cause, 'phase': phase})}")
        months = " ".join(re.findall(r"\d+", PHASES[phase]))
        words = " ".join(f"01 02 {version} {months} {months} {version} 95".split())
        tops, tables, running = recount.safety(files, now, version, cause, phase)
        found += [(version, cause, phase, one) for one in differences(shown, words, tops, tables)]
        found += [(shown.items, running)] if sorted(item.partition(":")[0] for item in shown.items) != running else []
    return found


@pytest.mark.req("E9", "F2")
def test_the_numbers_on_screen_are_the_numbers_exported(trial: World, client: Client) -> None:
    files, today, found = files_of(trial), clock.today(), list[object]()
    log_in(client, trial.person(Role.STATISTICIAN))
    words = f"2004 01 02 2016 1.0 {recount.unsigned(files)} 95 95 30.4375 6 95 6"
    for population, endpoint in product(POPULATIONS, recount.TIMES):
        shown = screen(client, f"efficacy/?population={population}&endpoint={endpoint}")
        having = sum(bool(row[f"{recount.TIMES[endpoint][2]}_days"]) for row in files["efficacy"])
        about = words if having >= 5 else words.replace("95 95", f"95 5 {having}")
        found += differences(shown, about, *recount.efficacy(files, population, endpoint, today))
    found += safety_differences(client, files, trial.at)
    found += differences(screen(client, "enrolment/"), "01 02", *recount.enrolment(files, today))
    found += differences(screen(client, "data-quality/"), "01 02", [], recount.data_quality(files, trial.at))
    assert found == [], found[-1]
