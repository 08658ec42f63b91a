"""Consent after the first: given again to a newer version, and corrected where it was entered wrongly."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from enrollment.models import Consent
from enrollment.selectors import consent_forms, consents_of, form_in_force, site_day, staff_of
from enrollment.services.consent_gaps import refresh_gaps
from labs.services import FieldsRefused, adopt_protocol_version
from labs.services.answers import Answers, last_save, merged
from labs.services.answers import in_words as answer_in_words
from protocol.versions import is_later
from protocol.vocabulary import TERMINAL_PHASES
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.models import Query, Site, Subject
from trialsite.services.queries import (
    Anchor,
    Question,
    close_automatic_query,
    raise_automatic_query,
    reopen_automatic_query,
)
from trialsite.services.signatures import break_signatures_resting_on
from trialsite.services.subjects import Refused, first_submission, lock_open_subject, note_consent, note_outcome

CHECK = "consent_version"
FUTURE = "The date of consent is in the future. Check the year."


@dataclass(frozen=True)
class ConsentGiven:
    """What the signed form says. obtained_by_id: who explained it; the time is the site's."""

    form_version: str
    consented_on: date
    consented_time: time | None
    signed_by: str = Consent.Signer.SUBJECT.value
    obtained_by_id: int | None = None


def check_given(site: Site, given: ConsentGiven, at: datetime) -> None:
    """FieldsRefused for a day, a time, a version or a person that cannot be."""
    problems = {}
    today = site_day(at, site)
    if given.consented_on > today:
        problems["consented_on"] = FUTURE
    elif given.consented_on < site.opened_on:
        problems["consented_on"] = f"The date of consent is before {in_words(site.opened_on)}, when the site opened."
    now = at.astimezone(ZoneInfo(site.time_zone)).time()
    if given.consented_on == today and given.consented_time and given.consented_time > now:
        problems["consented_time"] = "The time of consent is still to come."
    versions = [form.version for form in consent_forms(site)]
    if given.form_version not in versions:
        listed = f"It has {', '.join(versions)}." if versions else "It has none yet: a data manager adds the first."
        problems["form_version"] = f"Site {site.code} has no version {given.form_version} of the form. {listed}"
    if given.obtained_by_id is not None and given.obtained_by_id not in {one.pk for one in staff_of(site)}:
        problems["obtained_by"] = "Choose a coordinator or investigator of the site."
    if problems:
        raise FieldsRefused(problems)


def store_consent(
    *,
    by: Actor,
    at: datetime,
    subject: Subject,
    given: ConsentGiven,
    is_adult: object,
    another_person_because: str = "",
) -> Consent:
    """A new consent, and what follows from it. Runs inside the caller's `writing`."""
    consent = Consent.objects.create(
        subject=subject,
        site_id=subject.site_id,
        form_version=given.form_version,
        consented_on=given.consented_on,
        consented_time=given.consented_time,
        signed_by=given.signed_by,
        obtained_by_id=given.obtained_by_id or by.user_id,
        is_adult=bool(is_adult),
        another_person_because=another_person_because,
        recorded_by_id=by.user_id,
        recorded_at=at,
    )
    _ask_about_version(by, at, subject, consent)
    refresh_gaps(by=by, at=at, subject=subject, why=f"Consent to version {given.form_version} was recorded")
    return consent


def record_reconsent(
    *, by: Actor, at: datetime, token: UUID, subject_id: int, site_id: int, given: ConsentGiven
) -> Consent:
    """The subject consents again, to another version: what waited for it waits no more.

    The same token again gives the first one. FieldsRefused for what cannot be, for a version consented to already
    and a day before the first consent; Refused once the subject has left.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at):
        before = first_submission(token=token, by=by, at=at)
        if before is not None:
            return Consent.objects.get(pk=int(before))
        subject = lock_open_subject(subject_id, site_id)
        if subject.state in TERMINAL_PHASES:
            raise Refused("This subject has left the study. No new consent is recorded.")
        check_given(subject.site, given, at)
        _check_beside(subject, given, None)
        first = consents_of(subject)[0]
        stored = store_consent(by=by, at=at, subject=subject, given=given, is_adult=first.is_adult)
        _adopt(at, subject, stored)
        note_outcome(token=token, outcome=str(stored.pk))
        return stored


def _adopt(at: datetime, subject: Subject, consent: Consent) -> None:
    """Consent to a form of a later protocol version: the subject is judged by that version from the day of consent."""
    form = next((one for one in consent_forms(subject.site) if one.version == consent.form_version), None)
    version = form.protocol_version if form else ""
    if version and is_later(version, subject.protocol_version):
        why = f"Consent to version {consent.form_version} of the form, which agrees to protocol version {version}"
        adopt_protocol_version(subject=subject, version=version, on=consent.consented_on, why=why, at=at)


def _check_beside(subject: Subject, given: ConsentGiven, corrected: Consent | None) -> None:
    """What the subject's other consents leave possible."""
    consents = consents_of(subject)
    if not consents:
        raise Refused("The first consent is recorded when screening starts.")
    problems = {}
    others = [one for one in consents if corrected is None or one.pk != corrected.pk]
    if any(one.form_version == given.form_version for one in others):
        problems["form_version"] = f"Consent to version {given.form_version} is recorded already."
    first = consents[0]
    if corrected is None or corrected.pk != first.pk:
        if given.consented_on < first.consented_on:
            problems["consented_on"] = f"The first consent was given on {in_words(first.consented_on)}."
    elif any(given.consented_on > day for day in _later_days(subject, others)):
        problems["consented_on"] = "Registration or a later consent is dated before that day. Correct that first."
    if problems:
        raise FieldsRefused(problems)


def _later_days(subject: Subject, others: list[Consent]) -> list[date]:
    registered = [subject.registered_on] if subject.registered_on else []
    return [one.consented_on for one in others] + registered


def correct_consent(
    *,
    by: Actor,
    at: datetime,
    subject_id: int,
    site_id: int,
    consent_id: int,
    given: ConsentGiven,
    reason: str,
    seen: Answers | None = None,
) -> Consent:
    """What the signed form says was entered wrongly; the audit trail keeps what stood before.

    seen: the answers that lay under the form when it was opened, None if the caller held no older view.
    Signatures under a checklist that rested on it break, and questions about earlier procedures are judged anew.
    SavedMeanwhile for what another person corrected since then, and differently.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason=reason):
        subject = lock_open_subject(subject_id, site_id)
        consent = Consent.objects.get(pk=consent_id, subject=subject)
        given = _merged(subject.site, consent, given, seen)
        if _stands(consent) == given:
            return consent
        if not reason.strip():
            raise FieldsRefused({"reason": "Say why the consent is corrected."})
        check_given(subject.site, given, at)
        _check_beside(subject, given, consent)
        _overwrite(consent, given)
        if consents_of(subject)[0].pk == consent.pk:
            note_consent(subject=subject, on=given.consented_on, time=given.consented_time, why=reason)
        _ask_about_version(by, at, subject, consent)
        refresh_gaps(by=by, at=at, subject=subject, why=reason)
        _adopt(at, subject, consent)
        words = f"The consent under it was corrected. {reason}"[:300]
        break_signatures_resting_on([f"consent:{consent.pk}"], reason=words, at=at)
        return consent


def _stands(consent: Consent) -> ConsentGiven:
    return ConsentGiven(
        consent.form_version, consent.consented_on, consent.consented_time, consent.signed_by, consent.obtained_by_id
    )


LABELS = {
    "form_version": "Version of the consent form",
    "consented_on": "Date of consent",
    "consented_time": "Time of consent",
    "signed_by": "Who signed",
    "obtained_by_id": "Consent obtained by",
}


def _merged(site: Site, consent: Consent, mine: ConsentGiven, seen: Answers | None) -> ConsentGiven:
    """Mine, with what only another person corrected since the form was opened."""
    if seen is None:
        return mine
    named: dict[str, dict[object, str]] = {
        "signed_by": dict(Consent.Signer.choices),
        "obtained_by_id": {one.pk: one.printed_name for one in staff_of(site)},
    }
    settled = merged(
        opened=seen, theirs=asdict(_stands(consent)), mine=asdict(mine),
        saved=lambda: last_save("consent", consent.pk), label=LABELS.__getitem__,
        words=lambda name, value: named.get(name, {}).get(value) or answer_in_words(value),
    )  # fmt: skip
    return ConsentGiven(**settled)


def _overwrite(consent: Consent, given: ConsentGiven) -> None:
    consent.form_version = given.form_version
    consent.consented_on, consent.consented_time = given.consented_on, given.consented_time
    consent.signed_by, consent.obtained_by_id = given.signed_by, given.obtained_by_id
    consent.save(update_fields=["form_version", "consented_on", "consented_time", "signed_by", "obtained_by"])


def _ask_about_version(by: Actor, at: datetime, subject: Subject, consent: Consent) -> None:
    """A version that was not in force that day is saved and asked about; the question closes with the correction."""
    in_force = form_in_force(subject.site, consent.consented_on)
    fits = in_force is not None and in_force.version == consent.form_version
    asked = Query.objects.filter(record_type="consent", record_id=consent.pk, check_code=CHECK).first()
    if fits:
        if asked is not None and asked.state != Query.State.CLOSED:
            close_automatic_query(query=asked, at=at, reason="The consent was corrected.")
        return
    used = f"version {in_force.version}" if in_force else "no version"
    text = (
        f"Version {consent.form_version} was signed on {in_words(consent.consented_on)}; {used} was in force at the "
        "site that day. Correct version or date, or explain."
    )
    if asked is None:
        question = Question(text, CHECK)
        anchor = Anchor("consent", consent.pk, "form_version")
        raise_automatic_query(by=by, at=at, subject=subject, anchor=anchor, question=question)
    elif asked.state == Query.State.CLOSED:
        with because(text):
            reopen_automatic_query(query=asked, at=at, reason=text)
