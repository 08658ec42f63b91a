"""Adverse events: what is reported, what contradicts itself, corrections, and the pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from labs.services import FieldsRefused, ReasonMissing, SavedMeanwhile
from labs.services.refusals import Conflict
from protocol.ctcae_terms import ALLOWED_GRADES
from safety.event_forms import grade_choices
from safety.exports import DATASETS
from safety.models import AdverseEvent
from safety.services import mark_adverse_event_in_error, report_adverse_event
from safety.services.event_checks import odd_things
from safety.vocabulary import TERM_GROUPS, Attribution, Outcome, Seriousness
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import morning, treated_subject
from tests.world_safety import an_event, corrected, reported
from trialsite import clock
from trialsite.context import because
from trialsite.models import AuditEvent, Query, Role, Subject
from trialsite.partial_dates import parse
from trialsite.services.subjects import Refused

DAY1 = date(2024, 3, 4)
HEADACHE = an_event("Headache", 2, "6 mar 2024", "8 mar 2024")
SEPSIS = an_event("Sepsis", 4, "6 mar 2024", serious=frozenset({Seriousness.HOSPITAL}))
DEATH = an_event("Sepsis", 5, "6 mar 2024", outcome=Outcome.FATAL, serious=frozenset({Seriousness.DEATH}))


def furnish(world: World) -> Subject:
    treated = treated_subject(world, day1=DAY1)
    world.at = morning(date(2024, 4, 2))
    return treated


@pytest.mark.req("D6")
def test_an_event_is_reported(world: World, subject: Subject) -> None:
    stored = reported(world, subject, an_event("Headache", 2, "un mar 2024"))
    assert (stored.number, stored.term, stored.ctcae_version, stored.grade) == (1, "Headache", "5.0", 2)
    assert (stored.started, stored.started_typed) == ("2024-03", "un mar 2024")
    assert (stored.started_earliest, stored.started_latest) == (date(2024, 3, 1), date(2024, 3, 31))
    assert (stored.stopped, stored.stopped_earliest, stored.is_serious) == ("", None, False)
    assert reported(world, subject, SEPSIS).number == 2


@pytest.mark.req("D13")
def test_the_same_form_reports_once(world: World, subject: Subject) -> None:
    token = uuid4()
    assert reported(world, subject, HEADACHE, token=token) == reported(world, subject, HEADACHE, token=token)
    assert AdverseEvent.objects.count() == 1


@pytest.mark.req("D3")
@pytest.mark.parametrize(("term", "grades"), ALLOWED_GRADES.items())
def test_only_the_grades_that_exist_are_offered(term: str, grades: tuple[int, ...]) -> None:
    assert [value for value, _ in grade_choices(term)] == [str(grade) for grade in grades]


def test_every_term_stands_in_the_picker_and_often_ones_may_stand_twice() -> None:
    picked = [term for _, terms in TERM_GROUPS for term in terms]
    assert set(picked) == set(ALLOWED_GRADES)
    assert len(picked) == len(ALLOWED_GRADES)


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("event", "field", "words"),
    [
        (replace(HEADACHE, grade=4), "grade", "Headache has grades 1 to 3 in CTCAE 5.0."),
        (an_event("Eosinophilia", 2, "6 mar 2024"), "grade", "Eosinophilia has grades 1 and 3"),
        (replace(HEADACHE, term="Bad mood"), "term", "Choose a term"),
        (an_event("Headache", 2, "may 2024"), "started", "May 2024, day unknown is in the future"),
        (an_event("Headache", 2, "6 mar 2024", "feb 2024"), "stopped", "Feb 2024, day unknown, lies before the first"),
        (an_event("Headache", 2, "1930"), "started", "before the subject was born"),
        (replace(HEADACHE, stopped=None), "stopped", "Enter the day on which it ended"),
        (replace(HEADACHE, outcome=Outcome.RECOVERING), "outcome", "has a last day"),
        (replace(DEATH, grade=4), "grade", "all three or none"),
        (replace(DEATH, outcome=Outcome.UNKNOWN), "grade", "all three or none"),
        (replace(DEATH, serious=frozenset()), "grade", "all three or none"),
    ],
)
def test_contradictions_are_refused_beside_their_field(
    world: World, subject: Subject, event: Any, field: str, words: str
) -> None:
    with pytest.raises(FieldsRefused) as refused:
        reported(world, subject, event)
    assert words in refused.value.problems[field]
    assert not AdverseEvent.objects.exists()


def test_what_one_reading_of_partial_dates_allows_is_taken(world: World, subject: Subject) -> None:
    stored = reported(world, subject, an_event("Headache", 2, "20 mar 2024", "mar 2024"))
    assert (stored.started_earliest, stored.stopped_latest) == (date(2024, 3, 20), date(2024, 3, 31))
    reported(world, subject, an_event("Headache", 2, "2024"))


@pytest.mark.req("D3")
@pytest.mark.parametrize(
    ("event", "code"),
    [
        (an_event("Headache", 2, "jan 2024", "9 mar 2024"), "event-before-consent"),
        (an_event("Sepsis", 4, "6 mar 2024"), "grade-4-not-serious"),
    ],
)
def test_what_is_odd_is_saved_and_asked_about(world: World, subject: Subject, event: Any, code: str) -> None:
    stored = reported(world, subject, event)
    asked = Query.objects.filter(record_type="adverse_event", record_id=stored.pk)
    assert [one.check_code for one in asked] == [code]
    corrected(world, subject, stored, replace(event, grade=3, started=HEADACHE.started))
    assert [one.state for one in asked.all()] == ["closed"]


def test_an_event_long_after_the_last_dose_is_asked_about_unless_related(world: World, subject: Subject) -> None:
    with because("Treatment ended"):
        subject.treatment_ended_on = DAY1
    late = an_event("Headache", 2, "20 apr 2024", attribution_anakinra=Attribution.UNLIKELY)
    assert [one.code for one in odd_things(subject, late)] == ["event-after-period"]
    assert odd_things(subject, replace(late, attribution_anakinra=Attribution.POSSIBLE)) == []


def test_expectedness_is_noted_with_its_list(world: World, subject: Subject) -> None:
    stored = reported(world, subject, HEADACHE)
    assert (stored.expected_of_anakinra, stored.expected_of_dexamethasone) == (True, None)
    assert stored.reference_list == "2002-11"
    fatal = reported(world, subject, DEATH)
    assert fatal.expected_of_anakinra is False


@pytest.mark.req("B5")
def test_a_correction_needs_a_reason_and_changes_what_changed(world: World, subject: Subject) -> None:
    stored = reported(world, subject, HEADACHE)
    with pytest.raises(ReasonMissing):
        corrected(world, subject, stored, replace(HEADACHE, grade=3), reason="")
    again = corrected(world, subject, stored, replace(HEADACHE, grade=3))
    assert (again.grade, again.version) == (3, 2)
    event = AuditEvent.objects.filter(table="safety_adverseevent", op="UPDATE").latest("id")
    assert (event.old["grade"], event.new["grade"], event.reason) == (2, 3, "Transcription error")
    assert "term" not in event.new


def test_a_correction_that_changes_nothing_stores_nothing(world: World, subject: Subject) -> None:
    stored = reported(world, subject, HEADACHE)
    assert corrected(world, subject, stored, HEADACHE, reason="").version == 1


@pytest.mark.req("D12")
def test_two_people_correct_and_nothing_is_overwritten(world: World, subject: Subject) -> None:
    stored = reported(world, subject, HEADACHE)
    theirs = replace(HEADACHE, grade=3, reported_as="Pain", serious=frozenset({Seriousness.HOSPITAL}))
    corrected(world, subject, stored, theirs)
    with pytest.raises(SavedMeanwhile) as refused:
        mine = replace(HEADACHE, grade=1, serious=frozenset({Seriousness.DISABILITY}))
        corrected(world, subject, stored, mine, seen=HEADACHE)
    assert refused.value.conflicts == (
        Conflict("term", "Term and grade", "Headache, grade 3", "Headache, grade 1"),
        Conflict("serious", "Serious, because", Seriousness.HOSPITAL.label, Seriousness.DISABILITY.label),
    )
    later = replace(HEADACHE, attribution_disease="UNLIKELY", started=parse("06 mar 2024", world.at.date()))
    both = corrected(world, subject, stored, later, seen=HEADACHE)
    assert (both.grade, both.reported_as, both.needs_hospital, both.attribution_disease) == (
        3,
        "Pain",
        True,
        "UNLIKELY",
    )


def test_an_event_entered_in_error_stays_and_counts_no_more(world: World, subject: Subject) -> None:
    stored = reported(world, subject, an_event("Sepsis", 4, "6 mar 2024"))
    given = who(world, subject)
    with pytest.raises(Refused, match="Say why"):
        mark_adverse_event_in_error(**given, number=1, reason=" ")
    mark_adverse_event_in_error(**given, number=1, reason="Another subject's")
    assert Query.objects.get(record_id=stored.pk).state == "closed"
    with pytest.raises(Refused, match="already"):
        corrected(world, subject, stored, SEPSIS)
    with pytest.raises(Refused, match="no such"):
        mark_adverse_event_in_error(**given, number=7, reason="x")
    assert reported(world, subject, HEADACHE).number == 2


def test_the_database_forbids_a_death_without_grade_5(world: World, subject: Subject) -> None:
    stored = reported(world, subject, HEADACHE)
    with pytest.raises(IntegrityError), transaction.atomic():
        AdverseEvent.objects.filter(pk=stored.pk).update(outcome="FATAL")


@pytest.mark.req("D9")
@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.ADMIN, Role.STATISTICIAN])
def test_only_the_site_enters(world: World, client: Client, subject: Subject, role: Role) -> None:
    given = {**who(world, subject), "by": world.person(role)}
    with pytest.raises(PermissionDenied):
        report_adverse_event(**given, token=uuid4(), event=HEADACHE)
    reported(world, subject, HEADACHE)
    log_in(client, world.person(role))
    assert client.post(reverse("adverse_event", args=[subject.key, 1]), {"action": "correct"}).status_code == 403


@pytest.mark.req("B1")
def test_another_site_sees_nothing(world: World, client: Client, subject: Subject) -> None:
    reported(world, subject, HEADACHE)
    log_in(client, world.person(Role.INVESTIGATOR, "02"))
    for name, more in (("subject_adverse_events", []), ("adverse_event_new", []), ("adverse_event", [1])):
        assert client.get(reverse(name, args=[subject.key, *more])).status_code == 404


# ---------------------------------------------------------------- pages


@pytest.fixture
def coordinator(world: World, client: Client, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(clock, "now", lambda: world.at)
    return log_in(client, world.person(Role.COORDINATOR))


def form(**more: str | list[str]) -> dict[str, Any]:
    return {
        "term": "Headache",
        "grade": "2",
        "started": "mar 2024",
        "outcome": "NOT_RECOVERED",
        "attribution_anakinra": "POSSIBLE",
        "action_anakinra": "NONE",
        "attribution_dexamethasone": "NOT_GIVEN",
        "action_dexamethasone": "NOT_GIVEN",
        "token": str(uuid4()),
        **more,
    }


def under(html: str) -> dict[str, str]:
    """The hidden boxes that say what stood when the page was opened."""
    return dict(re.findall(r'name="(was-\w+)" value="([^"]*)"', html))


@pytest.mark.req("D6")
def test_the_form_offers_the_grades_of_its_term_and_adds(coordinator: Client, subject: Subject) -> None:
    new = reverse("adverse_event_new", args=[subject.key])
    html = coordinator.get(new, {"term": "Headache"}).content.decode()
    assert html.count('name="grade"') == 3
    assert '<option value="NOT_GIVEN" selected>' in html  # no phase with dexamethasone has begun
    assert coordinator.post(new, form()).status_code == 302
    shown = coordinator.get(reverse("subject_adverse_events", args=[subject.key])).content.decode()
    assert "Mar 2024, day unknown" in shown
    assert "1. Headache" in shown


def test_an_unknown_term_leads_back_to_the_list(coordinator: Client, subject: Subject) -> None:
    response = coordinator.get(reverse("adverse_event_new", args=[subject.key]), {"term": ""}, follow=True)
    assert "Choose a term of the list." in response.content.decode()


def test_what_was_typed_comes_back_with_a_sentence(coordinator: Client, subject: Subject) -> None:
    sent = form(started="someday", outcome="", serious=["needs_hospital"])
    response = coordinator.post(reverse("adverse_event_new", args=[subject.key]), sent)
    html = response.content.decode()
    assert response.status_code == 422
    assert "Enter a date such as 12 Mar 2026, Mar 2026 or 2026." in html
    assert "Choose the outcome." in html
    assert 'value="someday"' in html
    assert re.search(r'value="needs_hospital"[^>]* checked', html)


def test_the_page_of_one_corrects_and_marks_it_wrong(coordinator: Client, world: World, subject: Subject) -> None:
    reported(world, subject, HEADACHE)
    page = reverse("adverse_event", args=[subject.key, 1])
    html = coordinator.get(page).content.decode()
    assert 'value="6 Mar 2024"' in html
    changed = form(**under(html), action="correct", grade="3", started="6 Mar 2024")
    refused = coordinator.post(page, changed)
    assert refused.status_code == 422
    assert "Say why the recorded values change." in refused.content.decode()
    assert coordinator.post(page, {**changed, "change_reason": "Transcription error"}).status_code == 302
    stale = coordinator.post(page, {**changed, "grade": "1", "change_reason": "Transcription error"})
    asked = stale.content.decode()
    assert stale.status_code == 409
    assert "Choose a value for 1 answer, then save again." in asked
    assert (under(html)["was-grade"], under(asked)["was-grade"]) == ("2", "3")
    again = {**changed, **under(asked), "grade": "1", "reported_as": "Ache", "change_reason": "Transcription error"}
    assert coordinator.post(page, {**again, "keep-term": "theirs"}).status_code == 302
    assert (AdverseEvent.objects.get().grade, AdverseEvent.objects.get().reported_as) == (3, "Ache")
    assert coordinator.post(page, {"action": "in_error", "reason": ""}).status_code == 422
    assert coordinator.post(page, {"action": "in_error", "reason": "Wrong subject"}).status_code == 302
    assert (
        "Entered in error: Wrong subject"
        in coordinator.get(reverse("subject_adverse_events", args=[subject.key])).content.decode()
    )
    assert "Save correction" not in coordinator.get(page).content.decode()


def test_another_term_offers_its_own_grades(coordinator: Client, world: World, subject: Subject) -> None:
    reported(world, subject, HEADACHE)
    page = reverse("adverse_event", args=[subject.key, 1])
    assert coordinator.get(page, {"term": "Bruising"}).content.decode().count('name="grade"') == 2
    sent = form(action="correct", term="Bruising", change_reason="Transcription error")
    assert coordinator.post(page, sent).status_code == 302
    assert AdverseEvent.objects.get().term == "Bruising"


@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN, Role.INVESTIGATOR])
def test_others_read(world: World, client: Client, subject: Subject, role: Role) -> None:
    reported(world, subject, HEADACHE)
    log_in(client, world.person(role))
    log = client.get(reverse("subject_adverse_events", args=[subject.key])).content.decode()
    one = client.get(reverse("adverse_event", args=[subject.key, 1])).content.decode()
    assert ("Add event" in log) is (role is Role.INVESTIGATOR)
    assert ("Save correction" in one) is (role is Role.INVESTIGATOR)
    assert ("What is stored" in one) is (role is not Role.INVESTIGATOR)


@pytest.mark.req("D6")
def test_the_exports_have_their_columns(world: World, subject: Subject) -> None:
    reported(world, subject, an_event("Sepsis", 4, "mar 2024", serious=frozenset({Seriousness.HOSPITAL})))
    rows = {}
    for dataset in DATASETS:
        with connection.cursor() as cursor:
            cursor.execute(dataset.sql)
            assert [column.name for column in cursor.description] == [column.name for column in dataset.columns]
            rows[dataset.name] = [
                dict(zip((one.name for one in dataset.columns), row, strict=True)) for row in cursor.fetchall()
            ]
    (row,) = rows["adverse_events"]
    assert (row["started"], row["status"], row["is_serious"], row["needs_hospital"]) == ("2024-03", "ONGOING", "Y", "Y")
    assert (row["expected_of_anakinra"], row["expected_of_dexamethasone"]) == ("Y", "NOT GIVEN")
    assert (row["attribution_disease"], row["record_state"]) == ("NOT JUDGED", "CURRENT")
