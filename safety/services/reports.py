"""Reports of serious adverse events and of pregnancies: when the site learned of it, and who was told when.

A serious event has its report, and a running clock, from the moment it is saved; nobody has to open another form.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max

from labs.services import FieldsRefused
from protocol.safety_clocks import Clock, ClockName
from safety.models import AdverseEvent, SafetyReport
from safety.services.saved import SavedByAnother
from safety.vocabulary import WhoIsPregnant
from trialsite import mail
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Subject
from trialsite.services.subjects import Refused, first_submission, lock_open_subject, note_outcome

#: Who records that a clock is stopped.
DUTY_OF = {ClockName.SPONSOR: Duty.ENTER_DATA, ClockName.AUTHORITY: Duty.REPORT_TO_AUTHORITY}
STOPPED = "The report was sent"


@dataclass(frozen=True)
class Told:
    """When a report was received, and why so late if it was."""

    clock: ClockName
    at: datetime
    late_because: str = ""


@dataclass(frozen=True)
class Details:
    """What the reporting form asks beside the event itself; empty while it is not known."""

    narrative: str = ""
    admitted_on: date | None = None
    discharged_on: date | None = None
    history: str = ""
    tests: str = ""
    treatment: str = ""
    dechallenge: str = ""
    rechallenge: str = ""
    death_cause: str = ""
    autopsy: str = ""
    due_on: date | None = None
    pregnancy_outcome: str = ""


def open_report(*, by: Actor, at: datetime, subject: Subject, event: AdverseEvent) -> None:
    """The report of an event that became serious; the site learned of it now, until it says otherwise.

    Runs inside the caller's `writing`. An event that has its report keeps it.
    """
    if event.is_serious and not SafetyReport.objects.filter(event=event).exists():
        _add(by=by, at=at, subject=subject, event=event, aware_at=at)


def report_pregnancy(
    *,
    by: Actor,
    at: datetime,
    token: UUID,
    subject_id: int,
    site_id: int,
    pregnant: WhoIsPregnant,
    aware_at: datetime,
    narrative: str,
) -> SafetyReport:
    """A pregnancy of the subject or of a partner; the same token again gives the first one."""
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Pregnancy reported"):
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return SafetyReport.objects.get(pk=int(outcome))
        subject = lock_open_subject(subject_id, site_id)
        _check_aware(aware_at, None, at)
        made = _add(
            by=by, at=at, subject=subject, event=None, aware_at=aware_at, pregnant=pregnant, narrative=narrative
        )
        note_outcome(token=token, outcome=str(made.pk))
        return made


def report_news(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, number: int, received_at: datetime,
    narrative: str,
) -> SafetyReport:  # fmt: skip
    """What became known after the authority was told of a serious event; it follows within 15 days of its receipt.

    Refused while the authority has no report, and without words. The same token again gives the first one.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Follow-up information received"):
        outcome = first_submission(token=token, by=by, at=at)
        if outcome is not None:
            return SafetyReport.objects.get(pk=int(outcome))
        report = _locked(subject_id, site_id, number)
        for is_wrong, sentence in (
            (report.follows_id is not None or report.event is None, "Only the report of a serious event is followed."),
            (report.authority_at is None, "The authority has no report yet: complete the report itself."),
            (not report.clocks(), "The event was entered in error or is not serious any more."),
            (not narrative.strip(), "Say what became known."),
            (report.authority_at and received_at < report.authority_at, "The authority had the report after that."),
        ):
            if is_wrong:
                raise Refused(sentence)
        _check_aware(received_at, None, at)
        made = _add(
            by=by, at=at, subject=report.subject, event=None, aware_at=received_at, narrative=narrative, follows=report
        )
        note_outcome(token=token, outcome=str(made.pk))
        return made


def correct_report(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    number: int,
    version: int,
    aware_at: datetime,
    details: Details,
    reason: str,
) -> SafetyReport:
    """When the site learned of it, and what happened. A change of the moment needs a reason: it moves the clock.

    FieldsRefused for days that cannot be.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason or "Report completed"):
        report = _locked(subject_id, site_id, number)
        _check_unchanged(report, version)
        _check_aware(aware_at, report.authority_at if report.follows_id else report.sponsor_at, at)
        _check_details(report, details, at)
        if aware_at != report.aware_at and not reason.strip():
            raise Refused("Say why the moment changes at which the site learned of it.")
        if (aware_at, details) == (report.aware_at, details_of(report)):
            return report
        report.aware_at = aware_at
        if report.follows_id:  # the sponsor receives it with the entry
            report.sponsor_at = aware_at
        for one in fields(details):
            setattr(report, one.name, getattr(details, one.name))
        return _saved(report, "aware_at", "sponsor_at", *(one.name for one in fields(details)))


def details_of(report: SafetyReport) -> Details:
    """What stands in the report."""
    return Details(**{one.name: getattr(report, one.name) for one in fields(Details)})


def _check_details(report: SafetyReport, details: Details, at: datetime) -> None:
    today = at.astimezone(ZoneInfo(report.subject.site.time_zone)).date()
    problems = {
        name: "This day lies ahead."
        for name, on in (("admitted_on", details.admitted_on), ("discharged_on", details.discharged_on))
        if on is not None and on > today
    }
    if details.discharged_on is not None and not problems:
        if details.admitted_on is None:
            problems["admitted_on"] = "Enter the day of admission as well."
        elif details.discharged_on < details.admitted_on:
            problems["discharged_on"] = "The day of discharge lies before the admission."
    if problems:
        raise FieldsRefused(problems)


def mark_report_in_error(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, number: int, reason: str
) -> SafetyReport:
    """There never was such a pregnancy: its clock stops, its mail is held back, and it stays listed.

    Refused for a serious event, whose report counts no more once the event itself is marked, and without a reason.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        report = _locked(subject_id, site_id, number)
        for is_wrong, sentence in (
            (not report.is_pregnancy, "Mark the adverse event as entered in error: its report goes with it."),
            (report.in_error_at is not None, "This report is marked as entered in error already."),
            (not reason.strip(), "Say why this report was entered in error."),
        ):
            if is_wrong:
                raise Refused(sentence)
        hold_back_mail(report, ClockName.SPONSOR, "The report was entered in error", at)
        report.in_error_at, report.in_error_reason = at, reason.strip()
        return _saved(report, "in_error_at", "in_error_reason")


def record_report_sent(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, number: int, told: Told
) -> SafetyReport:
    """The sponsor, or the authority, received the report: its clock stops, and mail about it is held back.

    A late report is stored with its reason. Refused twice, before the clock began, and for a moment in the future.
    """
    why = f"Report received: {told.clock.value.lower()}"
    with writing(by=by, duty=DUTY_OF[told.clock], site_id=site_id, at=at, reason=why):
        report = _locked(subject_id, site_id, number)
        clock = next((one for one in report.clocks() if one.name is told.clock), None)
        _check_told(clock, told, at)
        name = told.clock.value.lower()
        setattr(report, f"{name}_at", told.at)
        setattr(report, f"{name}_late_because", told.late_because.strip())
        hold_back_mail(report, told.clock, STOPPED, at)
        return _saved(report, f"{name}_at", f"{name}_late_because")


def take_back_report_sent(
    *, by: Actor, at: datetime, subject_id: int, site_id: int, number: int, clock: ClockName, reason: str
) -> SafetyReport:
    """It was not received after all: the clock runs on as if it had never stopped."""
    with writing(by=by, duty=DUTY_OF[clock], site_id=site_id, at=at, reason=reason):
        report, name = _locked(subject_id, site_id, number), clock.value.lower()
        for is_wrong, sentence in (
            (not reason.strip(), "Say why this entry is wrong."),
            (getattr(report, f"{name}_at") is None, "No such report is recorded."),
            (clock is ClockName.SPONSOR and report.follows_id is not None, "The sponsor has it with the entry."),
            (clock is ClockName.SPONSOR and report.authority_at is not None, "The authority was told already."),
        ):
            if is_wrong:
                raise Refused(sentence)
        setattr(report, f"{name}_at", None)
        setattr(report, f"{name}_late_because", "")
        return _saved(report, f"{name}_at", f"{name}_late_because")


def mail_key(report: SafetyReport, clock: ClockName) -> str:
    """How the keys of all mail about one clock begin."""
    return f"clock:{report.pk}:{clock.value}:"


def hold_back_mail(report: SafetyReport, clock: ClockName, because_of: str, at: datetime) -> None:
    mail.skip_waiting(subject=report.subject, key_begins=mail_key(report, clock), because_of=because_of, at=at)


def _check_told(clock: Clock | None, told: Told, at: datetime) -> None:
    if clock is None:
        raise Refused("This report has no such clock now.")
    for is_wrong, sentence in (
        (not clock.is_open, "This was recorded already. Mark it as wrong first to record another moment."),
        (told.at > at, "This moment is in the future."),
        (told.at < clock.starts_at, "This moment lies before the clock began."),
        (told.at > clock.due_at and not told.late_because.strip(), "The report was late. Say why."),
    ):
        if is_wrong:
            raise Refused(sentence)


def _check_aware(aware_at: datetime, sponsor_at: datetime | None, at: datetime) -> None:
    if aware_at > at:
        raise Refused("This moment is in the future.")
    if sponsor_at is not None and aware_at > sponsor_at:
        raise Refused("The report was received before that moment.")


def _check_unchanged(report: SafetyReport, version: int) -> None:
    if report.version != version:
        raise SavedByAnother("Somebody else saved this report while you were editing. Your entries are kept below.")


def _locked(subject_id: int, site_id: int, number: int) -> SafetyReport:
    subject = lock_open_subject(subject_id, site_id)
    found = (
        SafetyReport.objects.select_related("event", "follows__event").filter(subject=subject, number=number).first()
    )
    if found is None:
        raise Refused("There is no such report.")
    return found


def _saved(report: SafetyReport, *names: str) -> SafetyReport:
    report.version += 1
    report.save(update_fields=[*names, "version"])
    return report


def _add(
    *,
    by: Actor,
    at: datetime,
    subject: Subject,
    event: AdverseEvent | None,
    aware_at: datetime,
    pregnant: str = "",
    narrative: str = "",
    follows: SafetyReport | None = None,
) -> SafetyReport:
    highest = SafetyReport.objects.filter(subject=subject).aggregate(highest=Max("number"))["highest"]
    return SafetyReport.objects.create(
        subject=subject,
        site_id=subject.site_id,
        number=(highest or 0) + 1,
        event=event,
        pregnant=pregnant,
        aware_at=aware_at,
        follows=follows,
        sponsor_at=aware_at if follows else None,
        narrative=narrative.strip(),
        recorded_by_id=by.user_id,
        recorded_at=at,
    )
