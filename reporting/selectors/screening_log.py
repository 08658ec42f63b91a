"""The screening log: everybody who consented, and how screening ended; on the page and as a file the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from enrollment.models import Consent, ScreenFailure
from protocol.trial import TRIAL
from protocol.vocabulary import Phase
from reporting.selectors.computed import Cell, Computed
from trialsite.exporting import Column
from trialsite.models import Subject

#: How screening ended, or that it goes on: code in the file and in addresses -> words.
OUTCOMES = {
    "IN_SCREENING": "In screening",
    "REGISTERED": "Registered",
    "SCREEN_FAILURE": "Screen failure",
    "CONSENT_WITHDRAWN": "Consent withdrawn",
    "IN_ERROR": "Entered in error",
}


@dataclass(frozen=True)
class LogLine:
    """One person who consented. `ended_on`: of registration or failure; `reason`: why screening failed, in words."""

    subject: Subject
    consent: Consent | None
    outcome: str
    ended_on: date | None
    criteria: tuple[tuple[str, str], ...]
    reason: str

    @property
    def words(self) -> str:
        return OUTCOMES[self.outcome]


def screening_log(site_code: str = "") -> list[LogLine]:
    """Lines by site and screening number; a fixed number of queries. Row security has hidden other sites."""
    subjects = Subject.objects.select_related("site").order_by("screening_number")
    subjects = subjects.filter(site__code=site_code) if site_code else subjects
    consents: dict[int, Consent] = {}
    for consent in Consent.objects.select_related("obtained_by").order_by("-id"):
        consents[consent.subject_id] = consent
    failures = {one.subject_id: one for one in ScreenFailure.objects.all()}
    return [_line(one, consents.get(one.pk), failures.get(one.pk)) for one in subjects]


def _line(subject: Subject, consent: Consent | None, failure: ScreenFailure | None) -> LogLine:
    words = {criterion.id: criterion.words for criterion in TRIAL.criteria}
    return LogLine(
        subject=subject,
        consent=consent,
        outcome=_outcome(subject, failure),
        ended_on=failure.failed_on if failure else subject.registered_on,
        criteria=tuple((one, words.get(one, "")) for one in failure.criteria) if failure else (),
        reason=failure.reason if failure else "",
    )


def _outcome(subject: Subject, failure: ScreenFailure | None) -> str:
    if subject.entered_in_error_at is not None:
        return "IN_ERROR"
    if failure is not None:
        return "SCREEN_FAILURE" if failure.criteria else "CONSENT_WITHDRAWN"
    return "IN_SCREENING" if subject.state == Phase.SCREENING else "REGISTERED"


def _rows(site_code: str) -> Iterator[Sequence[Cell]]:
    for line in screening_log(site_code):
        consent = line.consent
        yield (
            line.subject.site.code,
            line.subject.screening_number,
            line.subject.subject_number,
            line.subject.birth_year,
            line.subject.sex,
            consent.consented_on if consent else line.subject.screened_on,
            f"{consent.consented_time:%H:%M}" if consent and consent.consented_time else None,
            consent.form_version if consent else None,
            consent.get_signed_by_display() if consent else None,
            consent.obtained_by.printed_name if consent and consent.obtained_by else None,
            line.outcome,
            line.ended_on,
            " ".join(one for one, _ in line.criteria) or None,
            line.reason or None,
            (consent.another_person_because or None) if consent else None,
        )


COLUMNS = (
    Column("site", "Site code"),
    Column("screening_number", "Screening number"),
    Column("subject_number", "Subject number; empty unless registered"),
    Column("birth_year", "Year of birth; the date is not collected"),
    Column("sex", "F or M"),
    Column("consented_on", "Date of the first consent"),
    Column("consented_time", "Time of that consent, site's local time"),
    Column("form_version", "Version of the consent form"),
    Column("signed_by", "Who signed: the subject or a legally authorised representative"),
    Column("obtained_by", "Who obtained consent"),
    Column("outcome", ", ".join(OUTCOMES)),
    Column("ended_on", "Date of registration or screen failure; empty in screening"),
    Column("criteria", "Criteria not met, parted by spaces"),
    Column("reason", "Reason of a screen failure in words"),
    Column("another_person_because", "Why a likely duplicate is another person"),
)


def screening_file(site_code: str = "") -> Computed:
    """The log as a file; of one site, or of all in reach."""
    return Computed(
        name=f"screening_log_{site_code}" if site_code else "screening_log",
        title="Screening log: everybody who consented, and how screening ended",
        columns=COLUMNS,
        rows=partial(_rows, site_code),
    )


SCREENING_LOG = screening_file()
