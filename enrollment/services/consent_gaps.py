"""Which times a subject's consent does not cover, worked out anew after every change of a form or a consent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from enrollment.models import Consent, ConsentForm
from enrollment.selectors import consent_forms, consents_of
from labs.services import ask_about_consent
from trialsite.access import Actor
from trialsite.context import because
from trialsite.models import ConsentGap, Subject

Ending = tuple[date | None, time | None]


def refresh_gaps(*, by: Actor, at: datetime, subject: Subject, why: str) -> None:
    """Open, end and take back gaps so that they say what forms and consents say. Runs inside the caller's `writing`.

    A form that needs a new consent opens a gap for who had signed an older one; the first consent to it, or to a
    later one, ends the gap.
    """
    consents = consents_of(subject)
    if not consents:
        return
    forms = consent_forms(subject.site)
    known = {gap.form_version: gap for gap in ConsentGap.objects.filter(subject=subject)}
    needed = {form.version: form for form in forms if form.needs_reconsent and _is_newer(form, consents[0], forms)}
    with because(why):
        for version, form in needed.items():
            _set(at, subject, form, known.get(version), _ending(form, consents, forms))
        for version, gap in known.items():
            if version not in needed:
                _change(gap, gap.starts_on, (gap.starts_on - timedelta(days=1), None))
    subject.__dict__.pop("consent_gaps", None)
    ask_about_consent(by=by, at=at, subject=subject)


def _in_force_on(consent: Consent, forms: Sequence[ConsentForm]) -> date:
    """From when the version was in force that this consent was given to; an unlisted one counts by the day."""
    return next((form.effective_on for form in forms if form.version == consent.form_version), consent.consented_on)


def _is_newer(form: ConsentForm, consent: Consent, forms: Sequence[ConsentForm]) -> bool:
    return form.effective_on > _in_force_on(consent, forms)


def _ending(form: ConsentForm, consents: Sequence[Consent], forms: Sequence[ConsentForm]) -> Ending:
    """When somebody first consented to this form or a later one; nothing while nobody has."""
    new = [one for one in consents if not _is_newer(form, one, forms)]
    first = min(new, key=lambda one: (one.consented_on, one.consented_time or time.min), default=None)
    return (first.consented_on, first.consented_time) if first else (None, None)


def _set(at: datetime, subject: Subject, form: ConsentForm, gap: ConsentGap | None, ending: Ending) -> None:
    starts_on = max(form.effective_on, subject.screened_on)
    if gap is not None:
        _change(gap, starts_on, ending)
        return
    ConsentGap.objects.create(
        subject=subject,
        site_id=subject.site_id,
        form_version=form.version,
        starts_on=starts_on,
        ends_on=ending[0],
        ends_time=ending[1],
        opened_at=at,
    )


def _change(gap: ConsentGap, starts_on: date, ending: Ending) -> None:
    wanted = (starts_on, *ending)
    if (gap.starts_on, gap.ends_on, gap.ends_time) == wanted:
        return
    gap.starts_on, gap.ends_on, gap.ends_time = wanted
    gap.save(update_fields=["starts_on", "ends_on", "ends_time"])
