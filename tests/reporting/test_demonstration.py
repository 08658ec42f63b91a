"""The demonstration trial: everything that the work lists and pages need is in it, and it is the same every time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, override_settings

from dosing.models import AssignmentDiscrepancy, PhaseProposal
from followup.models import Departure, Reminder
from labs.models import ImportMapping, ImportRow, LabImport, LabResult, ResponseAssessment
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, Phase, ProposalKind
from reporting.abstract import TABLE, agreement
from reporting.demonstration.cast import ADMIN, MEMBERS
from reporting.selectors.abstract import abstract_lines
from safety.models import SafetyReport
from tests.fixtures.databases import Database
from tests.world import log_in
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.actors import actor_for
from trialsite.context import reading
from trialsite.models import Mail, OutboxMessage, Query, Role, Signature, SignatureEvent, Subject, User
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
    page = log_in(Client(), member(Role.MONITOR, "00")).get("/my-work/").content.decode()
    assert re.search(r"[0-9] days? overdue", page)


def test_a_laboratory_file_shows_a_row_of_every_kind(seen: None) -> None:
    imported = LabImport.objects.get(state="review")
    assert ImportMapping.objects.filter(laboratory=imported.laboratory).exists()
    kinds = Counter(ImportRow.objects.filter(lab_import=imported).values_list("disposition", flat=True))
    assert set(kinds) == set(ImportRow.Disposition.values)
    waiting = ImportRow.objects.filter(lab_import=imported, settled_at=None).values_list("disposition", flat=True)
    assert Counter(waiting) == {"conflicting": 1, "rejected": 2}


def test_one_serious_event_has_a_running_clock_and_signed_causes(seen: None) -> None:
    running = [one for one in SafetyReport.objects.select_related("event") if one.running()]
    assert [(one.event.term, one.running().name) for one in running] == [("Atrial fibrillation", "AUTHORITY")]  # type: ignore[union-attr]
    signed = Signature.objects.filter(record_type="causality", events=None)
    assert signed.filter(record_id=str(running[0].event_id)).count() == 1


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
    client = log_in(Client(), member(Role.STATISTICIAN, "00"))
    page = client.get("/dashboards/abstract/").content.decode()
    assert "18 of 21 rounded, 3 truncated, 0 differ" in page
    assert "prints the table twice" in page
    rows = b"".join(client.get("/dashboards/abstract/abstract_table.csv").streaming_content).decode().splitlines()
    assert len(rows) == 22
    assert rows[1].startswith("1,")


def test_the_abstract_page_links_to_subjects_for_those_who_may_open_them(demonstration: Database) -> None:
    page = log_in(Client(), member(Role.STATISTICIAN, "00")).get("/dashboards/abstract/").content.decode()
    assert len(re.findall(r'<a href="/subjects/\w+/">', page)) == 21
    assert log_in(Client(), member(Role.ADMIN, "00")).get("/dashboards/abstract/").status_code == 403


def test_a_site_sees_only_its_own_patients_of_the_abstract(demonstration: Database) -> None:
    with reading(member(Role.INVESTIGATOR, "03"), clock.now()):
        found = {line.subject.site.code for line in abstract_lines() if line.subject}
    assert found == {"03"}


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
