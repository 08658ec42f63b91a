"""Reports with a deadline: clocks, mails, submissions, the signature under the causes, and death."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from followup.services import Leaving
from followup.services.departure import Kind
from protocol.safety_clocks import TO_AUTHORITY, TO_AUTHORITY_IF_FATAL, Clock, ClockName, clocks, time_words
from safety.models import AdverseEvent, ClockEscalation, SafetyReport
from safety.services import (
    Details,
    SavedByAnother,
    Told,
    correct_report,
    details_of,
    mark_adverse_event_in_error,
    mark_report_in_error,
    record_report_sent,
    report_pregnancy,
    sign_causality,
    sweep_clocks,
    take_back_report_sent,
)
from safety.tasks import sweep_clocks as job
from safety.vocabulary import Attribution, Outcome, Seriousness, WhoIsPregnant
from tests.reporting.test_next_step import all_words
from tests.world import IDENTITY, World, log_in
from tests.world_followup import leave, who
from tests.world_labs import morning, treated_subject
from tests.world_safety import an_event, corrected, reported
from trialsite import clock
from trialsite.models import Mail, Role, Signature, Subject
from trialsite.services.signatures import is_intact
from trialsite.services.subjects import Refused

DAY1 = date(2024, 3, 4)
HOUR = timedelta(hours=1)
ADMITTED = frozenset({Seriousness.HOSPITAL})
#: Expected of anakinra, so that the authority need not be told.
PNEUMONIA = an_event("Lung infection", 3, "6 mar 2024", serious=ADMITTED)
#: Possibly caused by anakinra, and not on its list.
PANCREATITIS = an_event("Atrial fibrillation", 3, "6 mar 2024", serious=ADMITTED)
DEATH = an_event("Sepsis", 5, "6 mar 2024", outcome=Outcome.FATAL, serious=frozenset({Seriousness.DEATH}))


@pytest.fixture(autouse=True)
def movable_clock(settings: Any, tmp_path: Path) -> None:
    settings.CLOCK_FILE = str(tmp_path / "offset")


def furnish(world: World) -> Subject:
    treated = treated_subject(world, day1=DAY1)
    world.at = morning(date(2024, 4, 2))
    world.person(Role.INVESTIGATOR)
    world.person(Role.DATA_MANAGER)
    return treated


def report_of(event: AdverseEvent) -> SafetyReport:
    return SafetyReport.objects.select_related("event", "subject__site").get(event=event)


def told(world: World, report: SafetyReport, name: ClockName = ClockName.SPONSOR, **more: Any) -> SafetyReport:
    role = Role.COORDINATOR if name is ClockName.SPONSOR else Role.DATA_MANAGER
    by = world.person(role, report.subject.site.code)
    given = {"by": by, "at": world.at, "subject_id": report.subject_id, "site_id": report.site_id}
    return record_report_sent(**given, number=report.number, told=Told(name, more.pop("at", world.at), **more))


def signed(world: World, event: AdverseEvent, *, version: int | None = None) -> Signature:
    given = who(world, event.subject, Role.INVESTIGATOR)
    return sign_causality(
        **given, proof=world.proof(given["by"]), number=event.number, version=version or event.version
    )


# ---------------------------------------------------------------- the clocks themselves


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=5, minutes=59), "5 h left"),
        (timedelta(minutes=59), "under an hour left"),
        (timedelta(hours=47), "47 h left"),
        (timedelta(days=3, hours=4), "3 days 4 h left"),
        (timedelta(days=7), "7 days left"),
        (-timedelta(hours=2), "2 h late"),
    ],
)
def test_what_is_left_in_words(left: timedelta, words: str) -> None:
    assert time_words(left) == words


def test_the_authority_clock_begins_when_the_sponsor_has_the_report() -> None:
    aware = datetime(2024, 3, 1, 12, tzinfo=UTC)
    (alone,) = clocks(aware_at=aware, sponsor_at=None, authority_at=None, term=TO_AUTHORITY)
    assert (alone.due_at, alone.is_open) == (aware + 24 * HOUR, True)
    first, second = clocks(aware_at=aware, sponsor_at=aware + HOUR, authority_at=None, term=TO_AUTHORITY)
    assert (first.is_open, second.starts_at, second.due_at) == (False, aware + HOUR, aware + HOUR + TO_AUTHORITY)
    assert len(clocks(aware_at=aware, sponsor_at=aware + HOUR, authority_at=None, term=None)) == 1


def test_a_clock_is_overdue_only_after_its_last_moment() -> None:
    begun = datetime(2024, 3, 1, 12, tzinfo=UTC)
    one = Clock(ClockName.SPONSOR, begun, begun + HOUR, None)
    assert (one.is_overdue(one.due_at), one.is_overdue(one.due_at + HOUR / 3600)) == (False, True)
    told = [Clock(ClockName.SPONSOR, begun, begun + HOUR, begun + hours * HOUR).was_late for hours in (1, 2)]
    assert told == [False, True]


def test_steps_are_at_half_and_nine_tenths() -> None:
    begun = datetime(2024, 3, 1, 12, tzinfo=UTC)
    one = Clock(ClockName.SPONSOR, begun, begun + 20 * HOUR, None)
    passed = [one.steps_passed(begun + hours * HOUR) for hours in (9, 10, 17, 18, 30)]
    assert passed == [(), (50,), (50,), (50, 90), (50, 90)]
    assert Clock(ClockName.SPONSOR, begun, begun + HOUR, begun).steps_passed(begun + HOUR) == ()


# ---------------------------------------------------------------- the report


@pytest.mark.req("D16")
def test_a_serious_event_has_a_running_clock_from_the_first_save(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PNEUMONIA))
    running = report.running()
    assert running is not None
    assert (report.number, running.name, running.starts_at) == (1, ClockName.SPONSOR, world.at)
    assert running.due_at == world.at + 24 * HOUR
    reported(world, subject, an_event("Headache", 3, "6 mar 2024"))
    assert SafetyReport.objects.count() == 1, "a grade alone is not serious"


def test_a_correction_to_serious_starts_the_clock_and_back_stops_it(world: World, subject: Subject) -> None:
    event = reported(world, subject, an_event("Lung infection", 3, "6 mar 2024"))
    event = corrected(world, subject, event, PNEUMONIA)
    assert report_of(event).running() is not None
    event = corrected(world, subject, event, an_event("Lung infection", 3, "6 mar 2024"))
    assert report_of(event).clocks() == ()
    corrected(world, subject, event, PNEUMONIA)
    assert SafetyReport.objects.count() == 1


@pytest.mark.parametrize(
    ("event", "term"),
    [
        (PNEUMONIA, None),
        (PANCREATITIS, TO_AUTHORITY),
        (an_event("Atrial fibrillation", 4, "6 mar 2024", serious=frozenset({Seriousness.LIFE_THREATENING})),
         TO_AUTHORITY_IF_FATAL),
        (DEATH, TO_AUTHORITY_IF_FATAL),
        (an_event("Atrial fibrillation", 3, "6 mar 2024", serious=ADMITTED,
                  attribution_anakinra=Attribution.UNLIKELY), None),
    ],
)  # fmt: skip
def test_only_unexpected_reactions_go_to_the_authority(
    world: World, subject: Subject, event: Any, term: timedelta | None
) -> None:
    report = told(world, report_of(reported(world, subject, event)))
    second = report.clocks()[1:]
    assert [one.due_at - one.starts_at for one in second] == ([term] if term else [])


def test_sent_in_time_stops_the_clock_and_twice_is_refused(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PNEUMONIA))
    world.at += HOUR
    report = told(world, report)
    assert report.running() is None
    with pytest.raises(Refused, match="recorded already"):
        told(world, report)
    given = who(world, subject)
    take_back_report_sent(**given, number=1, clock=ClockName.SPONSOR, reason="Fax failed")
    assert report_of(AdverseEvent.objects.get()).running() is not None


def test_what_the_authority_has_rests_on_the_report_to_the_sponsor(world: World, subject: Subject) -> None:
    """The authority's clock began with the sponsor's receipt, so the receipt is taken back after it, not before."""
    report = told(world, report_of(reported(world, subject, PANCREATITIS)))
    told(world, report, ClockName.AUTHORITY)
    site, centre = who(world, subject), {**who(world, subject), "by": world.person(Role.DATA_MANAGER)}
    with pytest.raises(Refused, match="The authority was told already"):
        take_back_report_sent(**site, number=1, clock=ClockName.SPONSOR, reason="Fax failed")
    take_back_report_sent(**centre, number=1, clock=ClockName.AUTHORITY, reason="Fax failed")
    take_back_report_sent(**site, number=1, clock=ClockName.SPONSOR, reason="Fax failed")
    assert [one.is_open for one in report_of(AdverseEvent.objects.get()).clocks()] == [True]


def test_late_is_stored_with_its_reason_and_not_without(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PNEUMONIA))
    world.at += 30 * HOUR
    with pytest.raises(Refused, match="late"):
        told(world, report)
    stored = told(world, report, late_because="Weekend")
    assert (stored.sponsor_late_because, stored.clocks()[0].was_late) == ("Weekend", True)


def test_impossible_moments_are_refused(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PNEUMONIA))
    for at, words in ((world.at + HOUR, "future"), (world.at - HOUR, "before the clock")):
        with pytest.raises(Refused, match=words):
            told(world, report, at=at)
    with pytest.raises(Refused, match="no such clock"):
        told(world, report, ClockName.AUTHORITY)
    with pytest.raises(IntegrityError), transaction.atomic():
        SafetyReport.objects.filter(pk=report.pk).update(sponsor_at=report.aware_at - HOUR)


def test_the_moment_of_awareness_is_corrected_with_a_reason(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PNEUMONIA))
    given = {
        **who(world, subject),
        "number": 1,
        "aware_at": world.at - 2 * HOUR,
        "details": Details("Cough since Monday"),
    }
    with pytest.raises(Refused, match="Say why"):
        correct_report(**given, version=1, reason="")
    stored = correct_report(**given, version=1, reason="Told by telephone")
    assert (stored.version, stored.clocks()[0].due_at) == (2, world.at + 22 * HOUR)
    with pytest.raises(SavedByAnother):
        correct_report(**given, version=report.version, reason="Again")
    assert correct_report(**given, version=2, reason="").version == 2, "nothing changed"


def test_a_pregnancy_has_its_own_clock_and_is_reported_once(world: World, subject: Subject) -> None:
    token = uuid4()
    given = {**who(world, subject), "pregnant": WhoIsPregnant.PARTNER, "aware_at": world.at, "narrative": ""}
    assert report_pregnancy(**given, token=token) == report_pregnancy(**given, token=token)
    report = SafetyReport.objects.get()
    assert [(one.name, one.due_at - one.starts_at) for one in report.clocks()] == [(ClockName.SPONSOR, 24 * HOUR)]
    assert "Report the pregnancy to the sponsor" in all_words(world, subject)
    with pytest.raises(PermissionDenied):
        report_pregnancy(**{**given, "by": world.person(Role.MONITOR)}, token=uuid4())


def test_each_clock_is_stopped_by_its_own_people(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PANCREATITIS))
    with pytest.raises(PermissionDenied):
        record_report_sent(
            **{**who(world, subject), "by": world.person(Role.DATA_MANAGER)}, number=1,
            told=Told(ClockName.SPONSOR, world.at),
        )  # fmt: skip
    report = told(world, report)
    with pytest.raises(PermissionDenied):
        record_report_sent(**who(world, subject), number=1, told=Told(ClockName.AUTHORITY, world.at))
    assert told(world, report, ClockName.AUTHORITY).running() is None


# ---------------------------------------------------------------- mails


def steps() -> list[tuple[str, int, str]]:
    return list(ClockEscalation.objects.order_by("id").values_list("clock", "percent", "status"))


@pytest.mark.req("D16")
def test_each_step_goes_out_once(world: World, subject: Subject) -> None:
    reported(world, subject, PNEUMONIA)
    begun = world.at
    for hours in range(26):
        sweep_clocks(begun + hours * HOUR)
        sweep_clocks(begun + hours * HOUR)
    assert steps() == [("SPONSOR", 50, "sent"), ("SPONSOR", 90, "sent")]
    sent = Mail.objects.filter(subject=subject)
    assert {one.recipient_id for one in sent} == {
        world.person(role).user_id for role in (Role.COORDINATOR, Role.INVESTIGATOR)
    }
    assert sent.count() == 4


def test_after_a_pause_only_the_newest_goes_out(world: World, subject: Subject) -> None:
    reported(world, subject, PNEUMONIA)
    swept = sweep_clocks(world.at + 23 * HOUR)
    assert (swept.sent, swept.skipped, swept.failed) == (1, 1, 0)
    assert steps() == [("SPONSOR", 50, "skipped"), ("SPONSOR", 90, "sent")]
    assert sweep_clocks(world.at + 40 * HOUR).sent == 0


def test_nothing_goes_out_once_the_report_is_sent_and_waiting_mail_is_held_back(world: World, subject: Subject) -> None:
    report = report_of(reported(world, subject, PNEUMONIA))
    world.at += 13 * HOUR
    sweep_clocks(world.at)
    told(world, report)
    assert not Mail.objects.filter(subject=subject, skipped_at=None, sent_at=None).exists()
    assert sweep_clocks(world.at + 20 * HOUR).sent == 0


def test_the_authority_clock_tells_the_data_managers(world: World, subject: Subject) -> None:
    told(world, report_of(reported(world, subject, PANCREATITIS)))
    sweep_clocks(world.at + timedelta(days=8))
    (one,) = Mail.objects.filter(subject=subject)
    assert one.recipient_id == world.person(Role.DATA_MANAGER).user_id
    assert steps() == [("AUTHORITY", 50, "sent")]


@pytest.mark.req("J5")
def test_a_mail_holds_nothing_clinical(world: World, subject: Subject) -> None:
    reported(world, subject, PNEUMONIA)
    sweep_clocks(world.at + 13 * HOUR)
    one = Mail.objects.filter(subject=subject)[0]
    text = f"{one.heading} {one.body} {one.why}".lower()
    assert not re.search("infection|grade|serious|adverse|anakinra|hospital", text)
    assert reverse("subject_safety_report", args=[subject.key, 1]) in one.body


def test_an_event_in_error_tells_nobody_and_one_failure_holds_nothing(
    world: World, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = reported(world, subject, PNEUMONIA)
    mark_adverse_event_in_error(**who(world, subject), number=event.number, reason="Other subject")
    assert sweep_clocks(world.at + 13 * HOUR).sent == 0
    reported(world, subject, PNEUMONIA)
    monkeypatch.setattr("safety.services.escalation.recipients", lambda *_: 1 / 0)
    assert sweep_clocks(world.at + 13 * HOUR).failed == 1
    monkeypatch.undo()
    with clock.holding(world.at + 13 * HOUR):
        assert job() == {"sent": 1, "skipped": 0, "failed": 0}


# ---------------------------------------------------------------- the causes


@pytest.mark.req("C1", "C5")
def test_causes_are_signed_broken_by_a_correction_and_asked_for_again(world: World, subject: Subject) -> None:
    event = reported(world, subject, PNEUMONIA)
    assert "Sign causes of event 1" in all_words(world, subject)
    signature = signed(world, event)
    assert signature.content["attribution"]["anakinra"] == "POSSIBLE"
    assert is_intact(signature)
    assert signed(world, event) == signature, "a second time"
    assert not [words for words in all_words(world, subject) if "causes" in words]
    changed = an_event("Lung infection", 4, "6 mar 2024", serious=ADMITTED)
    event = corrected(world, subject, event, changed)
    assert not is_intact(Signature.objects.get(pk=signature.pk))
    assert "Sign causes of event 1 again" in all_words(world, subject)
    with pytest.raises(SavedByAnother):
        signed(world, event, version=1)
    assert signed(world, event) != signature


@pytest.mark.req("A8")
def test_only_an_investigator_signs_causes(world: World, subject: Subject) -> None:
    event = reported(world, subject, PNEUMONIA)
    given = who(world, subject, Role.COORDINATOR)
    with pytest.raises(PermissionDenied):
        sign_causality(**given, proof=world.proof(given["by"]), number=1, version=event.version)


# ---------------------------------------------------------------- death


def test_a_fatal_event_asks_for_the_death_and_the_death_for_its_event(world: World, subject: Subject) -> None:
    died = date(2024, 3, 20)
    event = reported(world, subject, DEATH)
    assert "Record the death" in all_words(world, subject)
    leaving = Leaving(Kind.DEAD, date(2024, 3, 5), "At home", date(2024, 3, 5), death_due_to_progression=False)
    with pytest.raises(Refused, match="fatal adverse event began"):
        leave(world, subject, leaving)
    leave(world, subject, Leaving(Kind.DEAD, died, "At home", died, death_due_to_progression=False))
    fresh = Subject.objects.select_related("site").get(pk=subject.pk)
    assert not {"Record the death", "Enter the fatal event"} & set(all_words(world, fresh))
    mark_adverse_event_in_error(**who(world, subject), number=event.number, reason="Another term")
    assert "Enter the fatal event" in all_words(world, fresh)


def test_death_of_progression_needs_no_event(world: World, subject: Subject) -> None:
    died = date(2024, 3, 20)
    leave(world, subject, Leaving(Kind.DEAD, died, "At home", died, death_due_to_progression=True))
    fresh = Subject.objects.select_related("site").get(pk=subject.pk)
    assert "Enter the fatal event" not in all_words(world, fresh)


# ---------------------------------------------------------------- pages


def test_a_serious_event_leads_to_its_report_and_a_banner_stands_on_every_page(
    world: World, subject: Subject, client: Client
) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    form = {
        "term": "Lung infection", "grade": "3", "started": "6 mar 2024", "outcome": "NOT_RECOVERED",
        "attribution_anakinra": "POSSIBLE", "action_anakinra": "NONE", "attribution_dexamethasone": "NOT_GIVEN",
        "action_dexamethasone": "NOT_GIVEN", "serious": ["needs_hospital"], "token": str(uuid4()),
    }  # fmt: skip
    with clock.holding(world.at):
        answer = client.post(reverse("adverse_event_new", args=[subject.key]), form, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("subject_safety_report", args=[subject.key, 1])
    with clock.holding(world.at + 3 * HOUR):
        for name in ("subject", "subject_visits", "subject_adverse_events"):
            shown = client.get(reverse(name, args=[subject.key])).content.decode()
            assert "Report to the sponsor: 21 h left" in shown, name
        work = client.get(reverse("my_work")).content.decode()
        assert "Reporting clocks" in work
        assert "Report the serious event to the sponsor" in work


def test_the_report_is_completed_and_sent_on_its_page(world: World, subject: Subject, client: Client) -> None:
    reported(world, subject, PNEUMONIA)
    log_in(client, world.person(Role.COORDINATOR))
    url = reverse("subject_safety_report", args=[subject.key, 1])
    sent = {"action": "sent", "moment_on": "1 apr 2024", "moment_time": "10:00"}
    saved = {"action": "save", "moment_on": "1 apr 2024", "moment_time": "08:00", "version": "1"}
    with clock.holding(world.at):
        refused = client.post(url, sent)
        assert (refused.status_code, "before the clock began" in refused.content.decode()) == (422, True)
        assert client.post(url, saved).status_code == 422, "a reason is missing"
        assert client.post(url, saved | {"reason": "By telephone", "narrative": "Cough"}).status_code == 302
        assert client.post(url, sent).status_code == 302
        assert "received in time" in client.get(url).content.decode()
        assert client.post(url, {"action": "take_back", "reason": "Fax failed"}).status_code == 302
    report = SafetyReport.objects.get()
    assert (report.sponsor_at, report.narrative) == (None, "Cough")
    assert report.aware_at == datetime(2024, 4, 1, 13, tzinfo=UTC), "08:00 in Chicago"


def test_the_data_manager_tells_the_authority(world: World, subject: Subject, client: Client) -> None:
    report = told(world, report_of(reported(world, subject, PANCREATITIS)))
    log_in(client, world.person(Role.DATA_MANAGER))
    url = reverse("authority_report", args=[report.pk])
    world.at += timedelta(days=2)
    with clock.holding(world.at):
        assert "Report the serious event to the authority" in client.get(reverse("my_work")).content.decode()
        assert "13 days left" in client.get(url).content.decode()
        local = world.at - 6 * HOUR
        sent = {"action": "sent", "moment_on": f"{local:%-d %b %Y}", "moment_time": f"{local:%H:%M}"}
        assert client.post(url, sent).status_code == 302
        assert client.post(url, {"action": "take_back", "reason": "Portal refused it"}).status_code == 302
        assert client.post(url, {"action": "take_back", "reason": "Portal refused it"}).status_code == 422


def test_the_reporting_form_is_filled_printed_and_refuses_what_cannot_be(
    world: World, subject: Subject, client: Client
) -> None:
    reported(world, subject, PNEUMONIA)
    log_in(client, world.person(Role.COORDINATOR))
    url = reverse("subject_safety_report", args=[subject.key, 1])
    with clock.holding(world.at):
        page = client.get(url).content.decode()
        boxes = dict(re.findall(r'name="(moment_on|moment_time|version)"[^>]*value="([^"]*)"', page))
        filled = {
            **boxes, "action": "save", "narrative": "Cough, then fever", "admitted_on": "31 mar 2024",
            "discharged_on": "30 mar 2024", "treatment": "Ceftriaxone", "dechallenge": "YES",
        }  # fmt: skip
        assert "death_cause" not in page, "nobody died"
        refused = client.post(url, filled)
        assert (refused.status_code, "lies before the admission" in refused.content.decode()) == (422, True)
        assert "Ceftriaxone" in refused.content.decode(), "nothing typed is lost"
        assert client.post(url, {**filled, "discharged_on": "1 apr 2024"}).status_code == 302
        sheet = client.get(reverse("safety_report_sheet", args=[subject.key, 1])).content.decode()
    for words in ("Cough, then fever", "31 Mar 2024", "Ceftriaxone", "Yes", "The causes are not signed yet."):
        assert words in sheet, words
    assert details_of(SafetyReport.objects.get()).dechallenge == "YES"


def test_a_pregnancy_that_never_was_is_taken_back(world: World, subject: Subject, client: Client) -> None:
    given = {**who(world, subject), "pregnant": WhoIsPregnant.SUBJECT, "aware_at": world.at, "narrative": ""}
    report = report_pregnancy(**given, token=uuid4())
    log_in(client, world.person(Role.COORDINATOR))
    url = reverse("subject_safety_report", args=[subject.key, report.number])
    with clock.holding(world.at):
        assert "Birth is expected on" in client.get(url).content.decode()
        assert client.post(url, {"action": "in_error", "why": ""}).status_code == 422
        assert client.post(url, {"action": "in_error", "why": "The test was read wrongly"}).status_code == 302
        assert "The test was read wrongly" in client.get(url).content.decode()
    assert SafetyReport.objects.get().clocks() == ()
    assert "Report the pregnancy to the sponsor" not in all_words(world, subject)
    with pytest.raises(Refused, match="already"):
        mark_report_in_error(**who(world, subject), number=report.number, reason="Again")
    reported(world, subject, PNEUMONIA)
    with pytest.raises(Refused, match="its report goes with it"):
        mark_report_in_error(**who(world, subject), number=2, reason="Wrong")


def test_an_investigator_signs_causes_on_the_page(world: World, subject: Subject, client: Client) -> None:
    event = reported(world, subject, PNEUMONIA)
    log_in(client, world.person(Role.INVESTIGATOR))
    url = reverse("adverse_event_causality", args=[subject.key, 1])
    with clock.holding(world.at):
        assert "Sign causes" in client.get(url).content.decode()
        wrong = client.post(url, {**IDENTITY, "password": "something else", "version": event.version})
        assert wrong.status_code == 422
        stale = client.post(url, {**IDENTITY, "version": 7})
        assert "changed after this page was opened" in stale.content.decode()
        assert client.post(url, {**IDENTITY, "version": event.version}).status_code == 302
        assert "Judgement of causes" in client.get(reverse("adverse_event", args=[subject.key, 1])).content.decode()


def test_a_pregnancy_is_reported_on_its_page(world: World, subject: Subject, client: Client) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    url = reverse("pregnancy_new", args=[subject.key])
    form = {"pregnant": "PARTNER", "moment_on": "1 apr 2024", "moment_time": "09:00", "token": str(uuid4())}
    with clock.holding(world.at):
        assert client.post(url, {**form, "pregnant": ""}).status_code == 422
        assert client.post(url, {**form, "moment_on": "9 apr 2024"}).status_code == 422
        assert client.post(url, form).status_code == 302
        assert (
            "Pregnancy, the subject&#x27;s partner"
            in client.get(reverse("subject_adverse_events", args=[subject.key])).content.decode()
        )
