"""The demonstration trial: everything that the work lists and pages need is in it, and it is the same every time."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from dosing.models import AssignmentDiscrepancy, PhaseProposal
from dosing.selectors.suggestions import dose_suggestions
from dosing.selectors.versions import effect_of
from followup.models import Departure, Reminder
from labs.models import DiseaseAssessment, ImportMapping, ImportRow, LabImport, LabResult, ResponseAssessment
from labs.selectors.bedside import BEDSIDE
from labs.services import Assessed
from protocol.trial import TRIAL
from protocol.versions import AMENDMENT_1
from protocol.vocabulary import Advice, Analyte, Phase, ProposalKind, Response
from reporting.abstract import NOTE, TABLE, agreement
from reporting.abstract_statements import AGREES, DIFFERS, M_LIMB, OPEN, statements
from reporting.demonstration.cast import ADMIN, MEMBERS
from reporting.demonstration.stage import OPENED_BEFORE
from reporting.demonstration.stories import NOT_PUBLISHED as NOT_DONE
from reporting.demonstration.values import INVENTED, SYNTHETIC
from reporting.selectors.abstract import abstract_lines, held
from safety.models import SafetyReport
from tests.fixtures.databases import Database, copy_template, drop, use
from tests.world import log_in
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.actors import actor_for
from trialsite.context import reading
from trialsite.models import Mail, OutboxMessage, Query, Role, Signature, SignatureEvent, Site, Subject, User, Visit
from trialsite.services.signatures import LEGAL_EFFECT
from trialsite.stack.servers import TestServers
from trialsite.verification import bad_rows


@pytest.fixture
def seen(demonstration: Database) -> Iterator[None]:
    with reading(system_actor("verification"), clock.now()):
        yield


def member(role: Role, site: str) -> Actor:
    username = next(one.username for one in (ADMIN, *MEMBERS) if (one.role, one.site) == (role, site))
    return actor_for(User.objects.get(username=username))


def test_fifty_five_are_enrolled_and_every_phase_is_populated(seen: None) -> None:
    assert Subject.objects.exclude(registered_on=None).count() == 55
    states = Counter(Subject.objects.values_list("state", flat=True))
    populated = (
        Phase.ANAKINRA_ONLY,
        Phase.LOW_DEX_7_12,
        Phase.LOW_DEX_13_18,
        Phase.HIGH_DEX,
        Phase.FOLLOW_UP,
        Phase.INDUCTION,
    )
    assert all(states[phase] >= 3 for phase in populated)
    assert all(states[phase] for phase in set(Phase)), "each state of the protocol has somebody"
    before_treatment = Departure.objects.get(progression_before_treatment=True)
    assert before_treatment.subject.day1_on is None


def test_todays_work_lists_are_alive(seen: None) -> None:
    kinds = set(PhaseProposal.objects.filter(status="pending").values_list("kind", flat=True))
    assert {ProposalKind.ASSIGN_LOW_DEX, ProposalKind.AWAIT_DATA, ProposalKind.AWAIT_CONFIRMATION} <= kinds
    early = Subject.objects.filter(state=Phase.HIGH_DEX, day1_on__gt=clock.today() - timedelta(days=184))
    assert early.exists(), "somebody progressed before month 6"
    assert AssignmentDiscrepancy.objects.filter(resolved_at=None).exists()
    assert SignatureEvent.objects.filter(kind=SignatureEvent.Kind.BROKEN).exists()
    states = Counter(Query.objects.values_list("state", flat=True))
    assert states[Query.State.OPEN]
    assert states[Query.State.ANSWERED]
    assert Reminder.objects.filter(status="sent").exists()


def test_three_sites_all_roles_and_something_overdue(demonstration: Database) -> None:
    assert Counter(one.role for one in (ADMIN, *MEMBERS)).keys() == set(Role)
    with reading(system_actor("verification"), clock.now()):
        assert Subject.objects.values("site").distinct().count() == 3
    pages = [
        log_in(Client(), member(Role.COORDINATOR, site)).get("/my-work/").content.decode()
        for site in ("01", "02", "03")
    ]
    overdue = re.compile(r">Enter (Month \d+|Day 1) labs for [^<]+</a><small>\d+ days? overdue</small>")
    assert any(overdue.search(page) for page in pages), "a visit of the schedule that nobody entered"


def test_a_laboratory_file_shows_a_row_of_every_kind(seen: None) -> None:
    imported = LabImport.objects.get(state="review", source="csv")
    assert ImportMapping.objects.filter(laboratory=imported.laboratory).exists()
    kinds = Counter(ImportRow.objects.filter(lab_import=imported).values_list("disposition", flat=True))
    assert set(kinds) == set(ImportRow.Disposition.values)
    waiting = ImportRow.objects.filter(lab_import=imported, settled_at=None).values_list("disposition", flat=True)
    assert Counter(waiting) == {"conflicting": 1, "rejected": 2}


def test_a_laboratory_has_a_token_and_a_message_whose_results_wait(seen: None) -> None:
    message = LabImport.objects.get(source="hl7")
    assert message.token is not None
    assert message.token.revoked_at is None
    waiting = ImportRow.objects.filter(lab_import=message, settled_at=None).values_list("disposition", flat=True)
    assert Counter(waiting) == {"new": 2, "rejected": 1}


@pytest.mark.req("H3")
def test_the_draft_amendment_would_judge_somebody_otherwise(seen: None) -> None:
    """Else whoever opens the comparison of the versions reads an empty list."""
    effect = effect_of(AMENDMENT_1, clock.now())
    assert [(one.now.timepoint, one.under.timepoint) for one in effect.reclassified] == [(Response.PD, Response.SD)]
    assert effect.rejudged == ()


def test_one_severe_event_asks_for_a_lower_dose(seen: None) -> None:
    subjects = Subject.objects.filter(state="LOW_DEX_7_12").select_related("site")
    met = [one for subject in subjects for one in dose_suggestions(subject, clock.now().date())]
    assert [(one.rule.id, one.mg) for one in met if one.rule.advice is Advice.REDUCE] == [("M-D1", 12)]


def test_one_serious_event_has_a_running_clock_and_signed_causes(seen: None) -> None:
    running = [one for one in SafetyReport.objects.select_related("event") if one.running()]
    assert [(one.event.term, one.running().name) for one in running] == [("Atrial fibrillation", "AUTHORITY")]  # type: ignore[union-attr]
    signed = Signature.objects.filter(record_type="causality", events=None)
    assert signed.filter(record_id=str(running[0].event_id)).count() == 1


@pytest.mark.req("C1")
def test_every_signature_keeps_the_whole_sentence_above_it(seen: None) -> None:
    signatures = list(Signature.objects.all())
    assert {one.record_type for one in signatures} >= {"phase_decision", "eligibility", "causality", "end_of_treatment"}
    for one in signatures:
        assert one.statement.startswith(f"I, {one.printed_name}, "), one.record_type
        assert one.statement.endswith(f" {LEGAL_EFFECT}"), one.record_type
        assert one.statement.count("I, ") == 1, one.record_type


def test_no_old_message_or_mail_is_left_waiting_and_the_trail_is_whole(seen: None) -> None:
    assert not OutboxMessage.objects.filter(done_at=None).exists()
    assert not Mail.objects.filter(sent_at=None, skipped_at=None).exists()
    assert bad_rows() == []


def test_the_seven_patients_of_the_abstract(seen: None) -> None:
    lines = abstract_lines()
    assert [(line.on_study, line.six_months) for line in lines] == [(one.on_study, one.six_months) for one in TABLE]
    subjects = {line.subject for line in lines if line.subject}
    assert len(subjects) == 7
    assert {line.response for line in lines} == {"SD"}
    for subject in subjects:
        kinds = PhaseProposal.objects.filter(subject=subject).values_list("kind", flat=True)
        assert ProposalKind.ASSIGN_LOW_DEX in kinds
        newest = ResponseAssessment.objects.filter(subject=subject).last()
        assert newest is not None
        assert newest.latest_timepoint == "SD"
    words = Counter(line.result.words for line in lines if line.result)
    assert words["equal"] + words["rounded"] == 18
    assert words["truncated"] == 3


def test_of_the_seven_patients_only_what_is_published_or_eligibility_needs_is_there(seen: None) -> None:
    low = {line.patient for line in TABLE if line.analyte is Analyte.SERUM_M and line.on_study < M_LIMB}
    for patient, subject in {line.published.patient: line.subject for line in abstract_lines()}.items():
        assert subject is not None
        visits = {visit.code: visit for visit in Visit.objects.filter(subject=subject)}
        not_done = {code for code, one in visits.items() if one.status == Visit.Status.NOT_DONE}
        assert not_done == {"bl", "m01", "m02", "m03", "m04", "m05"}
        assert {visits[code].reason for code in not_done} == {NOT_DONE}
        assert {visits[code].bedside_not_done for code in visits.keys() - not_done} == {NOT_DONE}
        assert {getattr(one, name) for one in visits.values() for name in BEDSIDE} == {None}
        there = LabResult.objects.filter(subject=subject).exclude(missing="ND").select_related("specimen__visit")
        printed = {(line.analyte, code) for line in TABLE for code in ("scr", "m06")}
        invented = {(analyte, "scr") for analyte in INVENTED}
        assert {(Analyte(one.analyte), one.specimen.visit.code) for one in there} == printed | invented
        marked = {one.analyte for one in there if one.specimen.method == SYNTHETIC}
        assert marked == INVENTED, "and no published value"
        forms = DiseaseAssessment.objects.filter(subject=subject)
        answers = [{name for name in vars(Assessed()) if getattr(form, name) not in (None, "")} for form in forms]
        assert answers == [{"marrow_on", "bm_pc", "comment"}] * (patient in low)
        assert {form.comment for form in forms} <= {SYNTHETIC}
    assert len(low) == 4


@pytest.mark.parametrize(
    ("on_study", "six_months", "printed", "words"),
    [
        ("0.8", "0", "-100", "equal"),
        ("2.01", "0.58", "-71", "rounded"),
        ("2.8", "2.7", "-3", "truncated"),
        ("2.8", "2.7", "-5", "differs"),
        ("0", "0.2", "-100", "not defined: the value on study is 0"),
    ],
)
def test_agreement_of_printed_and_computed_change(on_study: str, six_months: str, printed: str, words: str) -> None:
    assert agreement(Decimal(on_study), Decimal(six_months), Decimal(printed)).words == words


def test_the_abstract_page_prints_what_its_csv_holds(demonstration: Database) -> None:
    statistician = member(Role.STATISTICIAN, "00")
    client = log_in(Client(), statistician)
    page = client.get("/dashboards/abstract/").content.decode()
    assert "18 of 21 rounded, 3 truncated, 0 differ" in page
    assert "prints the table twice" in page
    streamed = client.get("/dashboards/abstract/abstract_table.csv").streaming_content
    rows = list(csv.DictReader(io.StringIO(b"".join(streamed).decode())))
    with reading(statistician, clock.now()):
        lines = abstract_lines()
        numbers = [line.subject.number for line in lines if line.subject]
    assert [tuple(row.values()) for row in rows] == [
        (
            str(line.published.patient), number, line.published.analyte.value, line.unit, str(line.on_study),
            str(line.six_months), row["computed_change"], str(line.published.change), line.result.words,
            line.response, NOTE,
        )
        for line, number, row in zip(lines, numbers, rows, strict=True)
        if line.result
    ]  # fmt: skip
    assert [Decimal(row["computed_change"]) for row in rows] == [line.result.computed for line in lines if line.result]
    shown = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr role=.row.>(.*?)</tr>", page)]
    cells = [[re.sub("<[^>]+>", "", cell) for cell in row] for row in shown if len(row) == 9][1:]
    assert [(int(row[0]), row[1], row[3], row[4], row[6], row[7].lower(), row[8]) for row in cells] == [
        (
            line.published.patient, number, str(line.on_study), str(line.six_months),
            str(line.published.change).replace("-", "−") + "%", line.result.words, line.response,
        )
        for line, number in zip(lines, numbers, strict=True)
        if line.result
    ]  # fmt: skip


def test_the_statements_of_the_abstract_hold_here_or_say_why_not(seen: None) -> None:
    found = {one.words: one for one in statements(held(abstract_lines()))}
    assert Counter(one.verdict for one in found.values()) == {AGREES: 11, OPEN: 6}
    assert all(one.because for one in found.values() if one.verdict == OPEN)
    assert found["hs-CRP fell in the seven"].computed == "42.7 to 90.2%"
    assert found["Labelling index fell by 75 to 100%"].computed == "7 of 7 fell by 76 to 100%"
    low = found["Qualified with an M-protein below 3.0 g/dL, so by marrow of 10% or more"]
    assert low.computed == "4 of 7 below 3.0 g/dL, 4 of them qualify by marrow"


def test_a_changed_value_makes_a_statement_differ_and_a_site_judges_no_seven(seen: None) -> None:
    everything = held(abstract_lines())
    first, *others = everything.seven
    worse = replace(first, six_months={**first.six_months, Analyte.HS_CRP: Decimal("3.0")})
    verdicts = {one.words: one.verdict for one in statements(replace(everything, seven=[worse, *others]))}
    assert verdicts["hs-CRP fell in the seven"] == DIFFERS
    few = [one for one in statements(replace(everything, seven=others)) if "Only 6 of the seven" in one.because]
    assert {one.verdict for one in few} == {OPEN}
    assert len(few) == 5


def test_the_abstract_page_links_to_subjects_for_those_who_may_open_them(demonstration: Database) -> None:
    page = log_in(Client(), member(Role.STATISTICIAN, "00")).get("/dashboards/abstract/").content.decode()
    assert len(re.findall(r'<a href="/subjects/\w+/">', page)) == 21
    assert log_in(Client(), member(Role.ADMIN, "00")).get("/dashboards/abstract/").status_code == 403


def test_a_site_sees_only_its_own_patients_of_the_abstract(demonstration: Database) -> None:
    with reading(member(Role.INVESTIGATOR, "03"), clock.now()):
        found = {line.subject.site.code for line in abstract_lines() if line.subject}
    assert found == {"03"}
    page = log_in(Client(), member(Role.INVESTIGATOR, "03")).get("/dashboards/abstract/").content.decode()
    assert "1 of 7 found in reach" in page
    assert "3 of 3 rounded, 0 truncated, 0 differ" in page


def test_the_demonstration_is_refused_where_anybody_works(demonstration: Database) -> None:
    with pytest.raises(CommandError, match="empty"):
        call_command("load_demonstration")
    with override_settings(PRODUCTION=True), pytest.raises(CommandError, match="production"):
        call_command("load_demonstration")


def test_dates_of_the_story_never_lie_ahead(seen: None) -> None:
    newest = Subject.objects.exclude(day1_on=None).order_by("-day1_on").values_list("day1_on", flat=True)[0]
    assert newest < clock.today()
    assert isinstance(newest, date)


def test_only_the_planted_value_lies_outside_what_is_plausible(seen: None) -> None:
    """A value that nobody could live with would be graded, asked about and shown on every page of the subject."""
    outside = {
        result.analyte
        for result in LabResult.objects.filter(superseded_at=None).exclude(value=None)
        if (limits := TRIAL.analytes[Analyte(result.analyte)].plausible) and not limits[0] <= result.value <= limits[1]
    }
    assert outside == {Analyte.POTASSIUM.value}


#: What no two loads share: numbers of rows, and digests of what holds such numbers.
SURROGATES = {
    "assessment", "contact", "decision", "digest", "event", "fingerprint", "lab_result", "mail", "message", "movement",
    "proposal", "query", "record_id", "signature", "source", "verification",
}  # fmt: skip
#: Told by the real clock; its own tests say what it holds.
OF_THE_MACHINE = {"audit_events"}
ONE_SITE = """
import sys
from datetime import date
import django
django.setup()
from reporting.demonstration.trial import load
load(date.fromisoformat(sys.argv[1]), print, [("03",)])
"""


def story_of_site_03(into: Path) -> dict[str, list[tuple[tuple[str, str], ...]]]:
    """Every exported row of the site, without surrogates, by data set."""
    call_command("export", "--all", "--out", str(into), stdout=io.StringIO())
    told = {}
    for path in into.glob("*.csv"):
        rows = csv.DictReader(io.StringIO(path.read_text()))
        if path.stem not in OF_THE_MACHINE and "site" in (rows.fieldnames or ()):
            mine = [row for row in rows if row["site"] == "03"]
            told[path.stem] = sorted(
                tuple((name, cell) for name, cell in row.items() if name not in SURROGATES) for row in mine
            )
    return told


def test_two_loads_tell_the_same_story(demonstration: Database, template_database: TestServers, tmp_path: Path) -> None:
    """The second is lived by a process in which sets are ordered otherwise, and for one site, which costs less."""
    with reading(system_actor("verification"), clock.now()):
        anchor = Site.objects.get(code="00").opened_on + OPENED_BEFORE
    first = story_of_site_03(tmp_path / "first")
    second = copy_template(template_database, "second_demonstration")
    extra = {**second.environment, "PYTHONHASHSEED": "7", "CLOCK_FILE": str(tmp_path / "offset")}
    command = [sys.executable, "-c", ONE_SITE, anchor.isoformat()]
    done = subprocess.run(command, env={**os.environ, **extra}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    use(second.name)
    try:
        again = story_of_site_03(tmp_path / "second")
    finally:
        use(demonstration.name)
        drop(template_database, second.name)
    assert {name for name, rows in first.items() if rows} >= {"subjects", "lab_results", "doses", "phase_decisions"}
    assert [name for name, rows in first.items() if again[name] != rows] == []
