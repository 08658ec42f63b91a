"""Reads of enrollment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.module_loading import import_string

from enrollment.checklist import Checklist, checklist
from enrollment.evidence import Facts
from enrollment.models import (
    Consent,
    ConsentForm,
    EligibilitySnapshot,
    Registration,
    ScreenFailure,
    ScreeningAnswer,
    Waiver,
)
from labs.selectors import course_for
from protocol.eligibility import Judgement
from protocol.measurements import Course
from protocol.medicines import Recorded
from trialsite.days import day_at
from trialsite.models import Delegation, Role, Site, Subject, User, Visit
from trialsite.selectors import free_number, protocol_of, visits
from trialsite.services.signatures import is_intact


def site_day(at: datetime, site: Site) -> date:
    """The date at the site."""
    return day_at(at, site.time_zone)


def consent_of(subject: Subject) -> Consent | None:
    """The first consent: the one that screening rests on."""
    return Consent.objects.filter(subject=subject).order_by("id").first()


def consents_of(subject: Subject) -> list[Consent]:
    """Every consent, the first one first."""
    return list(Consent.objects.filter(subject=subject).select_related("obtained_by", "recorded_by").order_by("id"))


def consent_forms(site: Site) -> list[ConsentForm]:
    """Versions of the consent form that stand at the site, by the day from which they are in force."""
    return list(ConsentForm.objects.filter(site=site, in_error_at=None).order_by("effective_on", "id"))


def versions_of(sites: Iterable[Site]) -> list[ConsentForm]:
    """Versions that stand at any of the sites, by the day from which they are in force."""
    return list(ConsentForm.objects.filter(site__in=list(sites), in_error_at=None).order_by("effective_on", "id"))


def form_in_force(site: Site, on: date) -> ConsentForm | None:
    """The version that is used at the site on that day."""
    return next((one for one in reversed(consent_forms(site)) if one.effective_on <= on), None)


def staff_of(site: Site) -> list[User]:
    """Coordinators and investigators whom the delegation log has at this very site, at any time, by name."""
    lines = Delegation.objects.filter(site=site, role__in=[Role.COORDINATOR, Role.INVESTIGATOR])
    return list(User.objects.filter(pk__in=lines.values("user_id")).order_by("printed_name"))


def current_answers(subject: Subject) -> dict[str, ScreeningAnswer]:
    """Standing answers by item."""
    rows = ScreeningAnswer.objects.filter(subject=subject, superseded_at=None).select_related("entered_by")
    return {row.item: row for row in rows}


def answers_at(subject: Subject, newest: int) -> dict[str, ScreeningAnswer]:
    """Answers by item as they stood when `newest` (a primary key, 0 for none) was the newest one."""
    rows = ScreeningAnswer.objects.filter(subject=subject, pk__lte=newest).order_by("pk")
    return {row.item: row for row in rows}


#: Who knows the recorded medications, in a room above: takes subjects, gives those that stand by primary key.
MEDICINES = "safety.selectors.medications.recorded_for"


def medicines_for(subjects: Iterable[Subject]) -> Mapping[int, tuple[Recorded, ...]]:
    """The recorded medications that stand, of many subjects by primary key; one query."""
    found: Mapping[int, tuple[Recorded, ...]] = import_string(MEDICINES)(subjects)
    return found


def facts_of(subject: Subject) -> Facts:
    return Facts(
        subject=subject,
        consent=consent_of(subject),
        answers=current_answers(subject),
        course=course_for(subject),
        screening_visit=visits(subject).get("scr"),
        waivers=tuple(waivers_of(subject)),
        medicines=medicines_for([subject])[subject.pk],
    )


def facts_for(subjects: Iterable[Subject], courses: Mapping[int, Course]) -> dict[int, Facts]:
    """What the criteria are judged by, of many subjects by primary key; four queries beside their courses.

    Waivers are left out: they let a criterion pass and never change what it says.
    """
    wanted = list(subjects)
    mine = Q(subject_id__in=[one.pk for one in wanted])
    consents = {one.subject_id: one for one in Consent.objects.filter(mine).order_by("-id")}
    visited = Visit.objects.filter(mine, code="scr").exclude(status=Visit.Status.IN_ERROR)
    screened = {one.subject_id: one for one in visited}
    answers: dict[int, dict[str, ScreeningAnswer]] = defaultdict(dict)
    for answer in ScreeningAnswer.objects.filter(mine, superseded_at=None):
        answers[answer.subject_id][answer.item] = answer
    medicines = medicines_for(wanted)
    return {
        one.pk: Facts(
            one,
            consents.get(one.pk),
            answers[one.pk],
            courses[one.pk],
            screened.get(one.pk),
            medicines=medicines[one.pk],
        )
        for one in wanted
    }


def waivers_of(subject: Subject) -> list[Waiver]:
    """Every waiver that was asked for, the first one first."""
    found = Waiver.objects.filter(subject=subject).select_related("requested_by", "decided_by", "signature")
    return list(found.order_by("id"))


def who_decides(on: date) -> QuerySet[Delegation]:
    """For a query of what belongs to a site: investigators who work there on that day and may decide its waivers."""
    lines = Delegation.objects.filter(site=OuterRef("site"), role=Role.INVESTIGATOR, starts_on__lte=on)
    return lines.exclude(ends_on__lt=on).filter(user__is_active=True)


def waiting_waivers(subject_ids: Iterable[int], at: datetime) -> QuerySet[Waiver]:
    """Waivers that nobody decided; `others_decide`: another investigator than the one who asked works at the site."""
    others = who_decides(at.date()).exclude(user=OuterRef("requested_by"))
    waiting = Waiver.objects.filter(subject_id__in=subject_ids, decision="").order_by("id")
    return waiting.annotate(others_decide=Exists(others))


def checklist_of(subject: Subject, as_of: date) -> Checklist:
    """Every criterion as it stands now, judged for a registration on that day."""
    return checklist(facts_of(subject), protocol_of(subject), as_of)


def judgements(subject: Subject, as_of: date) -> tuple[Judgement, ...]:
    """The bare judgements of `checklist_of`."""
    return checklist_of(subject, as_of).judgements


def latest_snapshot(subject: Subject) -> EligibilitySnapshot | None:
    """The newest checklist that was sent to an investigator."""
    return (
        EligibilitySnapshot.objects.filter(subject=subject)
        .select_related("signature", "sent_by")
        .order_by("-id")
        .first()
    )


def is_signed(snapshot: EligibilitySnapshot | None) -> bool:
    """True if an investigator signed it and nothing under the signature has changed."""
    return snapshot is not None and snapshot.signature is not None and is_intact(snapshot.signature)


def may_register(snapshot: EligibilitySnapshot | None, now: Checklist) -> bool:
    """True if the newest sent checklist is signed and current, and all is met or waived on the day of `now`."""
    return snapshot is not None and is_signed(snapshot) and snapshot.fingerprint == now.fingerprint and now.is_clear


def registration_of(subject: Subject) -> Registration | None:
    return Registration.objects.filter(subject=subject).select_related("snapshot", "registered_by").first()


def failure_of(subject: Subject) -> ScreenFailure | None:
    return ScreenFailure.objects.filter(subject=subject).select_related("recorded_by").first()


def likely_duplicates(*, site_id: int, birth_year: int, sex: str, consented_on: date) -> QuerySet[Subject]:
    """Subjects of the site with the same year of birth, sex and day of consent."""
    consents = Consent.objects.filter(site_id=site_id, consented_on=consented_on)
    return Subject.objects.filter(
        site_id=site_id,
        birth_year=birth_year,
        sex=sex,
        entered_in_error_at=None,
        pk__in=consents.values("subject_id"),
    )


def next_screening_numbers(sites: Iterable[Site]) -> dict[int, str]:
    """The number that the next subject of each site would get; another browser may still take it first."""
    return {site.pk: free_number(site, screening=True) for site in sites}
