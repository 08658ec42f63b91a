"""Follow-up information of a serious event: it follows the report to the authority within 15 days of its receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from protocol.safety_clocks import ClockName, news_clock
from safety.exports import SAFETY_REPORTS
from safety.models import ClockEscalation, SafetyReport
from safety.services import (
    Details,
    Told,
    correct_report,
    record_report_sent,
    report_news,
    sweep_clocks,
    take_back_report_sent,
)
from tests.reporting.test_next_step import all_words
from tests.safety.test_reports import PANCREATITIS, PNEUMONIA, report_of, told
from tests.world import World, log_in
from tests.world_followup import who
from tests.world_labs import morning, treated_subject
from tests.world_safety import corrected, reported
from trialsite import clock
from trialsite.models import Mail, Role, Subject
from trialsite.services.subjects import Refused

DAY1 = date(2024, 3, 4)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def movable_clock(settings: Any, tmp_path: Path) -> None:
    settings.CLOCK_FILE = str(tmp_path / "offset")


@pytest.fixture
def first(world: World) -> SafetyReport:
    """A serious event that the authority was told of today; nothing runs any more."""
    subject = treated_subject(world, day1=DAY1)
    world.at = morning(date(2024, 4, 2))
    world.person(Role.DATA_MANAGER)
    report = told(world, report_of(reported(world, subject, PANCREATITIS)))
    return told(world, report, ClockName.AUTHORITY)


def news(world: World, first: SafetyReport, **more: Any) -> SafetyReport:
    given = {"token": uuid4(), "number": first.number, "received_at": world.at, "narrative": "Echo: normal"}
    return report_news(**who(world, first.subject), **{**given, **more})


def fresh(report: SafetyReport) -> SafetyReport:
    return SafetyReport.objects.select_related("event", "follows__event", "subject__site").get(pk=report.pk)


def test_the_clock_ends_fifteen_days_after_receipt() -> None:
    received = datetime(2024, 4, 5, 12, tzinfo=UTC)
    one = news_clock(received_at=received, authority_at=None)
    assert (one.name, one.due_at, one.is_open) == (ClockName.AUTHORITY, received + 15 * DAY, True)
    assert news_clock(received_at=received, authority_at=received + 16 * DAY).was_late


def test_information_has_a_report_and_a_clock_of_its_own(world: World, first: SafetyReport) -> None:
    world.at += 3 * DAY
    token = uuid4()
    made = fresh(news(world, first, token=token))
    assert news(world, first, token=token).pk == made.pk
    assert (made.number, made.words, made.about) == (2, "Follow-up to report 1", first.event)
    assert [(one.name, one.due_at) for one in made.clocks()] == [(ClockName.AUTHORITY, world.at + 15 * DAY)]
    assert fresh(first).running() is None
    assert "Report the follow-up to the authority" in all_words(world, first.subject)
    world.at += 16 * DAY
    with pytest.raises(Refused, match="late"):
        told(world, made, ClockName.AUTHORITY)
    with pytest.raises(PermissionDenied):
        record_report_sent(**who(world, first.subject), number=2, told=Told(ClockName.AUTHORITY, world.at, "Late"))
    done = told(world, made, ClockName.AUTHORITY, late_because="Portal was closed")
    assert fresh(done).running() is None
    assert "Report the follow-up to the authority" not in all_words(world, first.subject)


def test_what_cannot_be_followed_is_refused(world: World, first: SafetyReport) -> None:
    untold = report_of(reported(world, first.subject, PNEUMONIA))
    with pytest.raises(Refused, match="no report yet"):
        news(world, untold)
    with pytest.raises(Refused, match="what became known"):
        news(world, first, narrative=" ")
    with pytest.raises(Refused, match="after that"):
        news(world, first, received_at=world.at - DAY)
    with pytest.raises(Refused, match="future"):
        news(world, first, received_at=world.at + DAY)
    with pytest.raises(Refused, match="Only the report"):
        news(world, news(world, first))
    corrected(world, first.subject, first.event, replace(PANCREATITIS, serious=frozenset()))
    with pytest.raises(Refused, match="not serious"):
        news(world, first)
    assert [one.clocks() for one in SafetyReport.objects.filter(follows=first)] == [()]


def test_a_corrected_receipt_moves_the_clock_and_the_sponsor_needs_no_telling(
    world: World, first: SafetyReport
) -> None:
    world.at += 5 * DAY
    made = news(world, first)
    given = {**who(world, first.subject), "number": made.number}
    earlier = world.at - DAY
    stored = correct_report(
        **given, version=1, aware_at=earlier, details=Details("Echo: normal"), reason="Fax of yesterday"
    )
    assert fresh(stored).clocks()[0].due_at == earlier + 15 * DAY
    with pytest.raises(Refused, match="with the entry"):
        take_back_report_sent(**given, clock=ClockName.SPONSOR, reason="Not sent")
    with pytest.raises(IntegrityError), transaction.atomic():
        SafetyReport.objects.filter(pk=made.pk).update(sponsor_at=world.at + DAY)


@pytest.mark.req("D16", "J5")
def test_its_steps_are_told_by_mail_that_holds_nothing_clinical(world: World, first: SafetyReport) -> None:
    news(world, first)
    assert sweep_clocks(world.at + 8 * DAY).sent == 1
    assert ClockEscalation.objects.get().report.follows_id == first.pk
    mail = Mail.objects.get(subject=first.subject, recipient_id=world.person(Role.DATA_MANAGER).user_id)
    assert "Echo" not in mail.body + mail.heading
    assert "fibrillation" not in mail.body.lower()


def test_the_page_adds_it_and_the_data_manager_tells_the_authority(
    world: World, first: SafetyReport, client: Client
) -> None:
    subject: Subject = first.subject
    world.at += 2 * DAY
    url = reverse("subject_safety_report", args=[subject.key, 1])
    local = world.at - timedelta(hours=6)
    moment = {"moment_on": f"{local:%-d %b %Y}", "moment_time": f"{local:%H:%M}"}
    with clock.holding(world.at):
        log_in(client, world.person(Role.COORDINATOR))
        assert "New information" in client.get(url).content.decode()
        assert client.post(url, {"action": "news", **moment, "narrative": "", "token": uuid4()}).status_code == 422
        sent = {"action": "news", **moment, "narrative": "Echo: normal", "token": str(uuid4())}
        assert client.post(url, sent).status_code == 302
        assert "Report 2" in client.get(url).content.decode()
        page = client.get(reverse("subject_safety_report", args=[subject.key, 2])).content.decode()
        assert "Follow-up to report 1" in page
        assert "Stop the clock" not in page
        log_in(client, world.person(Role.DATA_MANAGER))
        made = SafetyReport.objects.get(follows=first)
        told_at = reverse("authority_report", args=[made.pk])
        assert client.post(told_at, {"action": "sent", **moment}).status_code == 302
    assert SafetyReport.objects.get(follows=first).authority_at is not None
    assert "follows" in [one.name for one in SAFETY_REPORTS.columns]
