"""A person consents and becomes a subject in screening."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from enrollment.evidence import ADULT
from enrollment.models import Consent
from enrollment.selectors import likely_duplicates, site_day
from enrollment.services.consents import ConsentGiven, check_given, store_consent
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.models import Site, Subject
from trialsite.services.subjects import Refused, first_submission, note_outcome, start_subject

OLDEST = 120


@dataclass(frozen=True)
class Screening:
    """What is asked when a person consents. The date of birth is not: the year and a statement are enough."""

    consented_on: date
    consented_time: time | None
    form_version: str
    birth_year: int
    is_adult: bool
    sex: str
    signed_by: str = Consent.Signer.SUBJECT.value
    obtained_by_id: int | None = None

    def given(self) -> ConsentGiven:
        return ConsentGiven(
            self.form_version, self.consented_on, self.consented_time, self.signed_by, self.obtained_by_id
        )


class PossibleDuplicate(Refused):
    """The same year of birth, sex and day of consent are at the site already."""


def screen_subject(
    *, by: Actor, at: datetime, token: UUID, site_id: int, screening: Screening, another_person_because: str = ""
) -> Subject:
    """Start screening: the next screening number, the subject and its consent.

    The same token gives the same subject. PossibleDuplicate unless `another_person_because` says why it is none;
    Refused for dates, versions and ages that cannot be.
    """
    with writing(by=by, duty=Duty.SCREEN_SUBJECT, site_id=site_id, at=at):
        before = first_submission(token=token, by=by, at=at)
        if before:
            return Subject.objects.get(key=before)
        # The lock lets no other browser take the number, nor the same person slip in, between check and entry.
        site = Site.objects.select_for_update().get(pk=site_id)
        _check_site(site, screening, at)
        check_age(screening.consented_on, screening.birth_year, is_adult=screening.is_adult)
        if not another_person_because.strip():
            _check_not_there(site, screening)
        subject = start_subject(
            by=by,
            at=at,
            site=site,
            birth_year=screening.birth_year,
            sex=screening.sex,
            screened_on=screening.consented_on,
            consented_time=screening.consented_time,
        )
        store_consent(
            by=by, at=at, subject=subject, given=screening.given(), is_adult=screening.is_adult,
            another_person_because=another_person_because.strip(),
        )  # fmt: skip
        note_outcome(token=token, outcome=subject.key)
        return subject


def _check_site(site: Site, screening: Screening, at: datetime) -> None:
    today = site_day(at, site)
    if site.is_coordinating_centre:
        raise Refused("Subjects are screened at a treating site, not at the coordinating centre.")
    if site.closed_on is not None and site.closed_on <= today:
        raise Refused(f"Site {site.code} is closed. Nobody can be screened there.")
    check_given(site, screening.given(), at)


def check_age(consented_on: date, birth_year: int, *, is_adult: bool) -> None:
    """The year of birth leaves two ages; the statement must be one of them."""
    older = consented_on.year - birth_year
    if not 0 <= older <= OLDEST:
        raise Refused("Check the year of birth: it does not fit the date of consent.")
    if is_adult and older < ADULT:
        raise Refused(f"Somebody born in {birth_year} was not 18 on the day of consent. Check both answers.")
    if not is_adult and older - 1 >= ADULT:
        raise Refused(f"Somebody born in {birth_year} was 18 on the day of consent. Check both answers.")


def _check_not_there(site: Site, screening: Screening) -> None:
    twins = likely_duplicates(
        site_id=site.pk,
        birth_year=screening.birth_year,
        sex=screening.sex,
        consented_on=screening.consented_on,
    )
    numbers = ", ".join(subject.number for subject in twins)
    if numbers:
        raise PossibleDuplicate(
            f"{numbers} has the same year of birth, sex and date of consent. Say below why this is another "
            "person, or cancel."
        )
