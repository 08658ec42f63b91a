"""Builders of the road from consent to registration, by the services that people use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import uuid4

from enrollment.models import Consent, ConsentForm, EligibilitySnapshot
from enrollment.selectors import site_day
from enrollment.services import (
    Answer,
    ConsentGiven,
    FormVersion,
    Screening,
    add_consent_form,
    record_reconsent,
    record_screening_answers,
    register_subject,
    screen_subject,
    send_eligibility,
    sign_eligibility,
)
from labs.models import Laboratory
from labs.services import Assessed, record_disease_assessment
from protocol.vocabulary import Analyte
from tests.world import World
from tests.world_labs import laboratory, limits, record
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Signature, Subject

#: Blood and urine of somebody who is eligible.
GOOD_LABS: Mapping[Analyte, str] = {
    Analyte.SERUM_M: "2.6",
    Analyte.URINE_M: "0",
    Analyte.FLC_KAPPA: "15",
    Analyte.FLC_LAMBDA: "12",
    Analyte.WBC: "5.1",
    Analyte.ANC: "2.14",
    Analyte.CREATININE: "0.88",
    Analyte.HCG_SERUM: "neg",
}
#: Every answer that speaks for the subject.
GOOD_ANSWERS: Mapping[str, str] = {
    "diagnosis": "SMM",
    "heavy_chain": "IgG",
    "needs_chemo": "no",
    "ecog": "0",
    "self_inject": "yes",
    "caregiver": "no",
    "wocbp": "yes",
    "active_myeloma": "no",
    "amyloidosis": "no",
    "tnf_or_thalidomide": "no",
    "pregnant": "no",
    "nursing": "no",
    "active_infection": "no",
    "iv_antibiotics": "no",
    "active_malignancy": "no",
    "nyha": "0",
    "immunosuppressive_disease": "no",
    "asthma_ibd": "no",
    "debilitating_illness": "no",
    "ecoli_hypersensitivity": "no",
}
OF_WOMEN = ("wocbp", "pregnant", "nursing")


def screening(
    world: World, site: str = "01", *, birth_year: int = 1960, sex: str = "F", on: date | None = None
) -> Screening:
    day = on or site_day(world.at, world.sites[site])
    return Screening(day, time(0, 1), "2.0", birth_year, is_adult=True, sex=sex)


def form_in_force(world: World, site: str = "01") -> None:
    """Version 2.0 of the consent form, used since the day before the site opened; made once.

    In Chicago a site of the tests may have opened today, and another version may come into force on that day.
    """
    since = world.sites[site].opened_on - timedelta(days=1)
    _add_form(world, site, FormVersion("2.0", since, since, needs_reconsent=False, changes="First version"))


def new_form(
    world: World, site: str = "01", version: str = "3.0", *, on: date | None = None, needs_reconsent: bool = True
) -> ConsentForm:
    """A newer version, approved and in force today or from another day."""
    today = site_day(world.at, world.sites[site])
    in_force = on or today
    new = FormVersion(version, min(today, in_force), in_force, needs_reconsent=needs_reconsent, changes="New risk")
    return _add_form(world, site, new)


def _add_form(world: World, site: str, new: FormVersion) -> ConsentForm:
    manager = world.person(Role.DATA_MANAGER)
    return add_consent_form(by=manager, at=world.at, site_id=world.sites[site].pk, new=new)


def consented_again(
    world: World, subject: Subject, version: str = "3.0", *, on: date | None = None, at: time = time(0, 1)
) -> Consent:
    return record_reconsent(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        token=uuid4(),
        subject_id=subject.pk,
        site_id=subject.site_id,
        given=ConsentGiven(version, on or site_day(world.at, subject.site), at),
    )


def screened(world: World, site: str = "01", *, birth_year: int = 1960, sex: str = "F") -> Subject:
    """Consent today: a subject in screening."""
    form_in_force(world, site)
    return screen_subject(
        by=world.person(Role.COORDINATOR, site),
        at=world.at,
        token=uuid4(),
        site_id=world.sites[site].pk,
        screening=screening(world, site, birth_year=birth_year, sex=sex),
        another_person_because="Two persons, seen on one day",
    )


def central_laboratory(world: World, site: str = "01") -> Laboratory:
    """The site's laboratory with an upper limit for creatinine, made once."""
    with reading(system_actor("verification"), world.at):
        known = Laboratory.objects.filter(site=world.sites[site], name="Central laboratory").first()
    if known is None:
        known = laboratory(world, site)
        limits(world, known, Analyte.CREATININE, "0.5", "1.04")
    return known


def with_labs(world: World, subject: Subject, changed: Mapping[Analyte, str] | None = None, marrow: str = "14") -> None:
    """Screening results of today; `changed` replaces single ones, an empty text leaves one out."""
    day = site_day(world.at, subject.site)
    typed = {analyte: text for analyte, text in {**GOOD_LABS, **(changed or {})}.items() if text}
    record(world, subject, "scr", day, typed, lab=central_laboratory(world, subject.site.code))
    if marrow:
        record_disease_assessment(
            by=world.person(Role.COORDINATOR, subject.site.code),
            at=world.at,
            subject_id=subject.pk,
            site_id=subject.site_id,
            visit_code="scr",
            assessed=Assessed(marrow_on=day, bm_pc=Decimal(marrow)),
        )


def answered(
    world: World, subject: Subject, changed: Mapping[str, Answer | str] | None = None, reason: str = ""
) -> None:
    """Every question answered in the subject's favour; `changed` replaces single answers, empty leaves one out."""
    day = site_day(world.at, subject.site)
    wanted = {**GOOD_ANSWERS, **(changed or {})}
    given = {item: one if isinstance(one, Answer) else Answer(one, day) for item, one in wanted.items() if one}
    record_screening_answers(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        answers={item: one for item, one in given.items() if subject.sex == "F" or item not in OF_WOMEN},
        reason=reason,
    )


def correct(world: World, subject: Subject, item: str, answer: Answer, reason: str = "Read the chart again") -> None:
    """One answer is corrected."""
    record_screening_answers(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        answers={item: answer},
        reason=reason,
    )


def complete(world: World, site: str = "01", *, birth_year: int = 1960, sex: str = "F") -> Subject:
    """In screening, with every result and every answer."""
    subject = screened(world, site, birth_year=birth_year, sex=sex)
    with_labs(world, subject)
    answered(world, subject)
    return subject


def sent(world: World, subject: Subject) -> EligibilitySnapshot:
    return send_eligibility(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
    )


def signed(world: World, subject: Subject, snapshot: EligibilitySnapshot) -> Signature:
    investigator = world.person(Role.INVESTIGATOR, subject.site.code)
    return sign_eligibility(
        by=investigator,
        at=world.at,
        proof=world.proof(investigator),
        subject_id=subject.pk,
        site_id=subject.site_id,
        snapshot_id=snapshot.pk,
    )


def register(world: World, subject: Subject) -> Subject:
    return register_subject(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        token=uuid4(),
        subject_id=subject.pk,
        site_id=subject.site_id,
    )


def registered(world: World, site: str = "01", *, birth_year: int = 1960, sex: str = "F") -> Subject:
    """The whole road in one day: consent, results, answers, signature, registration."""
    subject = complete(world, site, birth_year=birth_year, sex=sex)
    signed(world, subject, sent(world, subject))
    return register(world, subject)
