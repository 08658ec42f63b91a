"""Replay of a subject as of any day, and the verification of every signature and signed decision."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from html import unescape
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from dosing.models import PhaseDecision, PhaseProposal
from dosing.selectors.shown import computed
from followup.models import Departure
from followup.services import Leaving, take_back_departure, take_back_end_of_treatment
from protocol.vocabulary import Analyte, Phase, ProposalKind, Response
from reporting.selectors.replay import EXPLAINING, as_known_on, as_true_on, course_known_before, essence
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.fixtures.kept import Furnish
from tests.world import World, log_in
from tests.world_followup import end, leave, who
from tests.world_labs import morning, record
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject
from trialsite.services.signatures import digest

M5, M6 = treat.MONTH[5], treat.MONTH[6]


def signed_and_corrected(world: World) -> Subject:
    """Stable disease at month 6 was signed; ten days later both results turn out to have been a minimal response."""
    proposal = treat.at_month_6(world)
    world.later(3)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.later(10)
    for code, day in (("m05", M5), ("m06", M6)):
        record(world, proposal.subject, code, day, {Analyte.SERUM_M: "2.4"}, reason="Wrong patient")
    treat.reevaluated(world, proposal.subject)
    return proposal.subject


#: What stands in the world of a test that asks for such a thing.
BEGINNINGS: dict[str, Furnish] = {
    "on_anakinra": treat.on_anakinra,
    "proposal": treat.at_month_6,
    "corrected": signed_and_corrected,
}


@pytest.fixture
def furnishing(request: pytest.FixtureRequest) -> Furnish:
    return next(furnish for name, furnish in BEGINNINGS.items() if name in request.fixturenames)


@pytest.fixture
def world(kept_world: World) -> World:
    return kept_world


@pytest.fixture
def on_anakinra(world: World, kept_thing: Subject) -> Subject:
    return kept_thing


@pytest.fixture
def proposal(world: World, kept_thing: PhaseProposal) -> PhaseProposal:
    return kept_thing


@pytest.fixture
def corrected(world: World, kept_thing: Subject) -> Subject:
    return kept_thing


def words(answer: HttpResponse) -> str:
    main = answer.content.decode().partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


def readings(world: World, subject: Subject, day: date) -> tuple[object, object]:
    with reading(system_actor("verification"), world.at):
        return as_known_on(subject, day), as_true_on(subject, day)


@pytest.mark.req("E3")
def test_what_was_known_then_stays_what_was_known_then(world: World, corrected: Subject) -> None:
    known, true = readings(world, corrected, M6)
    assert known.result.content["status"] == Response.SD
    assert (known.state, known.result.kind) == (Phase.INDUCTION, ProposalKind.ASSIGN_LOW_DEX)
    assert true.result.content["status"] == Response.MR
    assert true.result.kind is ProposalKind.ASSIGN_ANAKINRA_ONLY
    now_known, now_true = readings(world, corrected, world.at.date())
    assert now_known.result.content["status"] == now_true.result.content["status"] == Response.MR
    assert now_known.state is Phase.LOW_DEX_7_12


def test_samples_entered_late_were_not_known(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    world.at = morning(date(2024, 4, 20))
    record(world, subject, "m01", treat.MONTH[1], {Analyte.SERUM_M: "1.8"})
    known, true = readings(world, subject, treat.MONTH[1])
    assert known.result.content["status"] == Response.NE
    assert true.result.history.latest.timepoint is Response.PR
    before, _ = readings(world, subject, treat.DAY1 - timedelta(days=1))
    assert (before.state, before.result) == (Phase.ENROLLED, None)


@pytest.mark.req("E3")
def test_samples_of_later_days_were_not_true_yet(world: World, on_anakinra: Subject) -> None:
    """Neither the one of month 2, nor another analyte of the same visit that was drawn three days later."""
    subject, day = on_anakinra, treat.MONTH[1]
    treat.month(world, subject, 1, "3.1")
    record(world, subject, "m01", day + timedelta(days=3), {Analyte.HS_CRP: "1.5"})
    treat.month(world, subject, 2, "1.8")
    sides = [readings(world, subject, on)[1] for on in (day, day + timedelta(days=3), treat.MONTH[2])]
    assert [one.result.history.latest.timepoint for one in sides] == [Response.SD, Response.SD, Response.PR]
    used = [{one["analyte"]: one["current"] for one in side.latest["used"]} for side in sides]
    assert [one["serum_m"]["value"] for one in used] == ["3.1", "3.1", "1.8"]
    assert [(one.get("hs_crp") or {}).get("value") for one in used] == [None, "1.5", None]


@pytest.mark.req("E3")
def test_a_day_ends_at_midnight_of_the_site(world: World, on_anakinra: Subject) -> None:
    """Half past eleven in the evening is known that day, though it is the next one in UTC; an hour later is not."""
    subject, day = on_anakinra, treat.MONTH[1]
    for minutes, value, latest in ((-30, "3.0", Response.SD), (30, "1.8", Response.SD)):
        midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(subject.site.time_zone))
        world.at = midnight + timedelta(minutes=minutes)
        reason = "" if minutes < 0 else "Transcription error"
        record(world, subject, "m01", day, {Analyte.SERUM_M: value}, reason=reason)
        known, _ = readings(world, subject, day)
        assert known.result.history.latest.timepoint is latest
    the_day_before, _ = readings(world, subject, day - timedelta(days=1))
    assert the_day_before.result.content["status"] == Response.NE
    the_day_after, _ = readings(world, subject, day + timedelta(days=1))
    assert the_day_after.result.history.latest.timepoint is Response.PR


@pytest.mark.req("E3")
def test_what_was_entered_and_taken_back_again_was_known_in_between_only(world: World, proposal: PhaseProposal) -> None:
    """The end of treatment, and a death: each as of the day before it was entered, while it stood, and afterwards."""
    subject = proposal.subject
    before = world.at
    world.later(1)
    last_dose_on = treat.today(world, subject) - timedelta(days=1)
    end(world, subject, last_dose_on)
    on = treat.today(world, subject)
    died = leave(world, subject, Leaving(Departure.Kind.DEAD, on, "Progression", death_due_to_progression=True))
    stood = world.at + timedelta(hours=1)
    world.later(2)
    investigator = who(world, subject, Role.INVESTIGATOR)
    take_back_departure(**investigator, reason="Another subject")
    take_back_end_of_treatment(**investigator, reason="Another subject")
    with reading(system_actor("verification"), world.at):
        found = Subject.objects.select_related("site").get(pk=subject.pk)
        courses = [course_known_before(found, at) for at in (before, stood, world.at + timedelta(hours=1))]
    assert [one.ended_treatment_on for one in courses] == [None, last_dose_on, None]
    assert [one.death_on for one in courses] == [None, died.on, None]
    assert [one.death_due_to_myeloma for one in courses] == [False, True, False]


@pytest.mark.req("E3")
def test_a_decision_is_known_from_the_moment_of_its_signature(world: World, proposal: PhaseProposal) -> None:
    world.later(1)
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with reading(system_actor("verification"), world.at):
        found = Subject.objects.select_related("site").get(pk=proposal.subject.pk)
        moments = (decision.decided_at, decision.decided_at + timedelta(seconds=1))
        known = [len(course_known_before(found, at).decisions) for at in moments]
    assert known == [0, 1]


def test_the_page_shows_both_readings_and_where_they_differ(world: World, corrected: Subject, client: Client) -> None:
    address = reverse("subject_replay", args=[corrected.key])
    log_in(client, world.person(Role.INVESTIGATOR))
    assert "Both readings" not in words(client.get(address))
    page = words(client.get(address, {"on": M6.isoformat()}))
    assert "As known then" in page
    assert "The two readings differ in the latest response, the confirmed response, the proposal, results" in page
    assert "Stable disease" in page
    assert "Minimal response" in page
    assert "Both readings say the same" in words(client.get(address, {"on": "t"}))
    for typed, sentence in (("never", "Enter a date such as"), ("+3", "This day is in the future.")):
        refused = client.get(address, {"on": typed})
        assert (refused.status_code, sentence in words(refused)) == (422, True)


def test_the_command_prints_the_same(world: World, corrected: Subject) -> None:
    out = StringIO()
    call_command("replay_subject", corrected.number, on=M6, stdout=out)
    found = json.loads(out.getvalue())
    assert found["as_known_then"]["computed"]["status"] == "SD"
    assert found["as_true_then"]["computed"]["status"] == "MR"
    with pytest.raises(CommandError, match="no subject 09-001 in reach"):
        call_command("replay_subject", "09-001", stdout=out)
    world.person(Role.COORDINATOR, "02")
    with pytest.raises(CommandError, match="in reach"):
        call_command("replay_subject", corrected.number, user="coordinator-02", stdout=out)


@pytest.mark.req("C12", "E1")
def test_every_signature_and_decision_of_the_demonstration_verifies(demonstration: Database) -> None:
    out = StringIO()
    call_command("verify_signatures", stdout=out)
    signatures, decisions = (int(word) for word in out.getvalue().split() if word.isdigit())
    assert signatures > 80
    assert decisions > 30


PLANTED = {
    "UPDATE trialsite_signature SET content = jsonb_set(content, '{decision,reason}', '\"planted\"')"
    " WHERE record_type = 'phase_decision' AND id = (SELECT min(id) FROM trialsite_signature WHERE record_type ="
    " 'phase_decision')": ["does not have the digest", "not the signed content"],
    "UPDATE labs_labresult SET value = value * 2 WHERE id IN (SELECT r.id FROM labs_labresult r JOIN"
    " dosing_phasedecision d ON d.subject_id = r.subject_id WHERE r.analyte = 'serum_m' AND r.superseded_at IS NULL"
    " AND r.entered_at < d.decided_at)": ["the records as known at the signature do not give what was shown"],
    "UPDATE labs_responseassessment SET inputs = jsonb_set(inputs, '{day1}', 'null')": [
        "the stored inputs give another"
    ],
    "UPDATE labs_responseassessment SET inputs = jsonb_set(inputs, '{day9}', 'null')": [
        "the stored inputs cannot be read"
    ],
}


@pytest.mark.req("C12")
@pytest.mark.parametrize("planted", PLANTED, ids=["signature", "result", "inputs", "form of inputs"])
def test_a_planted_alteration_is_found(demonstration: Database, planted: str, servers) -> None:
    servers.cluster.sql(f"SET session_replication_role = replica; {planted}", demonstration.name)
    out = StringIO()
    with pytest.raises(CommandError, match="faults in"):
        call_command("verify_signatures", stdout=out)
    for words_ in PLANTED[planted]:
        assert words_ in out.getvalue()


def _leaves(content: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else None
    if inner is None:
        yield path
        return
    for name, value in inner:
        yield from _leaves(value, *path, name)


def _with(content: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """A copy in which one leaf is another."""
    copy = deepcopy(content)
    *way, last = path
    place = copy
    for step in way:
        place = place[step]
    place[last] = change(place[last])
    return copy


def _otherwise(value: Any) -> Any:
    """Another number in a text with numbers, else another value of the same kind."""
    if isinstance(value, str) and any(map(str.isdigit, value)):
        return re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), value, count=1)
    return not value if isinstance(value, bool) else f"{value}x"


@pytest.fixture
def shown(world: World, proposal: PhaseProposal) -> dict[str, Any]:
    """What an investigator signs at month 6, as plain JSON."""
    with reading(system_actor("verification"), world.at):
        return json.loads(json.dumps(computed(proposal.subject, M6).content))


@pytest.mark.req("C12", "E1")
def test_every_altered_figure_category_outcome_and_identifier_is_seen(shown: dict[str, Any]) -> None:
    seen = 0
    for path in _leaves(shown):
        text = path[-1] in {"figures", "thresholds"} or (path[-2:-1] and path[-2] in {"figures", "thresholds"})
        has_number = any(map(str.isdigit, str(_value(shown, path))))
        if (
            EXPLAINING.intersection(map(str, path))
            or (path[-1] == "label" and "used" in path)
            or (text and not has_number)
        ):
            continue
        assert essence(_with(shown, path, _otherwise)) != essence(shown), path
        seen += 1
    assert seen > 60


def _value(content: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        content = content[step]
    return content


@pytest.mark.req("C12")
def test_another_wording_is_no_alteration(shown: dict[str, Any]) -> None:
    reworded = [path for path in _leaves(shown) if path[-1] == "words" or (path[-1] == "label" and "used" in path)]
    assert len(reworded) > 5
    for path in reworded:
        assert essence(_with(shown, path, lambda words: f"In other words: {words}")) == essence(shown)
    figures = next(path for path in _leaves(shown) if path[-1] == "figures" and _value(shown, path))
    assert essence(_with(shown, figures, lambda text: f"now {text} as measured")) == essence(shown)


@pytest.mark.req("C12")
@pytest.mark.parametrize(("name", "is_found"), [("words", False), ("rule", True), ("status", True)])
def test_a_forged_decision_with_a_matching_digest_is_found_by_its_derivation(
    demonstration: Database, servers, name: str, *, is_found: bool
) -> None:
    with reading(system_actor("verification"), clock.now()):
        decision = PhaseDecision.objects.order_by("id").first()
        content = deepcopy(decision.snapshot)
    content["shown"][name] = f"{content['shown'][name]} forged"
    as_text = json.dumps(content).replace("'", "''")
    servers.cluster.sql(
        "SET session_replication_role = replica; "
        f"UPDATE trialsite_signature SET content = '{as_text}', digest = '{digest(content)}'"
        f" WHERE id = {decision.signature_id}; "
        f"UPDATE dosing_phasedecision SET snapshot = '{as_text}' WHERE id = {decision.pk}",
        demonstration.name,
    )
    out = StringIO()
    # The trail tells of the change of either row, whatever was changed in it.
    with pytest.raises(CommandError, match=f"{3 if is_found else 2} faults in"):
        call_command("verify_signatures", stdout=out)
    assert (f"do not give what was shown: {name}" in out.getvalue()) is is_found
