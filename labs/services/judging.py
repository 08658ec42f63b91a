"""What would become of each row of a laboratory's file if it were imported now. Stores nothing."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, transaction

from labs.entries import Collection, PanelEntry
from labs.mapping import FileMapping
from labs.models import ImportRow, LabImport, LabResult, Specimen
from labs.selectors import StoredPanel, visit_label
from labs.selectors.imports import Neighbour, Taken, specimens_by_accession, taken_back_later
from labs.selectors.standing import Calendar, Standing, calendar_of, standing_at
from labs.services.comparing import NOTHING_TAKEN_BACK, compare, say
from labs.services.consent import consent_problem, with_gaps
from labs.services.contradictions import torn_samples, typed_words, without_contradictions
from labs.services.dates import date_problem, site_day
from labs.services.panels import judge_against
from labs.services.understanding import Ground, NotUsable, Understood, understand
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, PanelCode
from trialsite.days import in_words
from trialsite.models import Subject, Visit

logger = logging.getLogger(__name__)

D = ImportRow.Disposition
NEW_VISIT = "uns"
PANEL_OF = {analyte: panel.code for panel in TRIAL.panels.values() for analyte in panel.analytes}


@dataclass(frozen=True)
class Sample:
    """The usable rows of one sample, and the visit that it belongs to."""

    subject: Subject
    on: date
    accession: str
    visit_code: str
    visit: Visit | None
    rows: tuple[Understood, ...]
    stored: Mapping[str, StoredPanel]

    def panels(self, laboratory_id: int) -> list[PanelEntry]:
        """What the grid would hand in."""
        grouped: dict[PanelCode, list[Understood]] = defaultdict(list)
        for one in self.rows:
            grouped[PANEL_OF[one.analyte]].append(one)
        return [
            PanelEntry(panel, self._collection(panel, laboratory_id), {one.analyte: one.entry for one in rows})
            for panel, rows in grouped.items()
        ]

    def _collection(self, panel: PanelCode, laboratory_id: int) -> Collection:
        """Of what is recorded, where there is something: an import adds results, it redraws no sample."""
        if panel in self.stored:
            known = self.stored[panel].specimen
            return Collection(
                known.collected_on, known.collected_time, known.laboratory_id, known.accession, known.method
            )
        first = self.rows[0]
        return Collection(self.on, first.time, laboratory_id, self.accession, first.method)

    def standing(self, analyte: Analyte) -> LabResult | None:
        known = self.stored.get(PANEL_OF[analyte])
        return known.results.get(analyte) if known else None


def ground_of(imported: LabImport) -> Ground:
    """The site's subjects under both of their numbers; one query."""
    subjects: dict[str, Subject] = {}
    for one in Subject.objects.filter(site_id=imported.site_id).select_related("site"):
        subjects[one.screening_number] = one
        if one.subject_number:
            subjects[one.subject_number] = one
    return Ground(imported.laboratory, FileMapping.from_json(imported.mapping), subjects)


def judge_rows(
    imported: LabImport, rows: Sequence[ImportRow], at: datetime, others: Sequence[Neighbour] = ()
) -> list[Sample]:
    """Write on each row what would become of it; the samples that can be recorded.

    rows: every open row of each subject among them. others: rows of the same file that are not among these, and share
    an accession number with them. The rows are changed in memory only. One that cannot be used keeps no other back,
    not even one over which the judging itself fails.
    """
    ground = ground_of(imported)
    understood = [one for row in rows if (one := _understood(row, ground)) is not None]
    torn = torn_samples(rows, others)
    try:
        with transaction.atomic():
            return _samples(imported, without_contradictions(understood, torn), at)
    except NOT_OF_A_ROW:
        raise
    except Exception:
        logger.exception("Rows of import %s could not be judged together.", imported.pk)
    return [sample for group in _by_subject(understood) for sample in _samples_or_none(imported, group, torn, at)]


#: What is wrong with the database or the person, not with a row.
NOT_OF_A_ROW = (OperationalError, InterfaceError, PermissionDenied)
POISONED = "This row could not be judged. Enter its result in the visit's grid, and tell the data manager."


def _understood(row: ImportRow, ground: Ground) -> Understood | None:
    try:
        return understand(row, ground)
    except NotUsable as problem:
        say(row, D.REJECTED, str(problem), problem.field)
    except Exception:  # a row that nobody foresaw is put aside with its cause in the log
        logger.exception("Row %s of import %s cannot be understood.", row.place, row.lab_import_id)
        say(row, D.REJECTED, POISONED)
    return None


def _by_subject(understood: Sequence[Understood]) -> list[list[Understood]]:
    grouped: dict[int, list[Understood]] = defaultdict(list)
    for one in understood:
        grouped[one.subject.pk].append(one)
    return list(grouped.values())


def _samples_or_none(
    imported: LabImport, understood: Sequence[Understood], torn: Mapping[str, str], at: datetime
) -> list[Sample]:
    """The samples of one subject; none where judging them fails, and then its rows say so."""
    try:
        with transaction.atomic():
            return _samples(imported, without_contradictions(understood, torn), at)
    except NOT_OF_A_ROW:
        raise
    except Exception:
        logger.exception("Rows of subject %s in import %s are put aside.", understood[0].subject.pk, imported.pk)
    for one in understood:
        say(one.row, D.REJECTED, POISONED)
    return []


# ---------------------------------------------------------------- samples against what is recorded
def _samples(imported: LabImport, understood: Sequence[Understood], at: datetime) -> list[Sample]:
    known = specimens_by_accession(imported.laboratory, {one.accession for one in understood})
    later = taken_back_later(imported, {one.subject.pk for one in understood})
    grouped: dict[tuple[int, date, str], list[Understood]] = defaultdict(list)
    for one in understood:
        if not _is_contradicted(one, known.get(one.accession, ())) and not _is_taken_back(one, later):
            grouped[one.sample].append(one)
    subjects = {one.subject.pk: one.subject for one in understood}.values()
    with_gaps(subjects)
    calendar = calendar_of(subjects)
    at_visits = [
        (calendar.visit(rows[0].subject, code), code, rows)
        for group in grouped.values()
        for code, rows in _by_visit(group, known.get(group[0].accession, ()), calendar, at).items()
    ]
    visits = {visit.pk: visit for visit, _, _ in at_visits if visit is not None}
    standing = standing_at(visits.values(), subjects, {one.analyte.value for one in understood})
    claimed: dict[tuple[int, str, PanelCode], str] = {}
    samples = []
    for visit, code, rows in at_visits:
        sample = _placed(visit, code, rows, standing.panels_of(visit), claimed, at)
        if sample is not None:
            samples.append(_judged(sample, standing, imported.laboratory_id))
    return [one for one in samples if one.rows]


def _is_contradicted(one: Understood, standing: Iterable[Specimen]) -> bool:
    """True for an accession number that is recorded for another subject or another day."""
    for specimen in standing:
        if specimen.subject_id != one.subject.pk:
            words = f"Accession {one.accession} is recorded for subject {specimen.subject.number}."
            say(one.row, D.CONFLICTING, words, "subject", would=typed_words(one))
            return True
        if specimen.collected_on != one.on:
            recorded, told = in_words(specimen.collected_on), in_words(one.on)
            words = f"Accession {one.accession} is recorded as collected on {recorded}, the file says {told}."
            words += " Keep what is recorded, or correct the date in the visit's grid first."
            say(one.row, D.CONFLICTING, words, "date", would=typed_words(one), recorded=f"collected {recorded}")
            return True
    return False


def _is_taken_back(one: Understood, later: Mapping[Taken, str]) -> bool:
    """True if a later file or message of the laboratory takes this result back, whether or not that was imported."""
    message = later.get((one.subject.pk, one.analyte.value, one.on, one.accession), "")
    if not message or one.takes_back:
        return False
    say(one.row, D.CONFLICTING, f"{message} takes this result back. Leave it out.", "twice", would=typed_words(one))
    return True


def _by_visit(
    group: Sequence[Understood], standing: Sequence[Specimen], calendar: Calendar, at: datetime
) -> dict[str, list[Understood]]:
    """Rows of a sample by visit: where its accession number is recorded, else where a person put it, else by date."""
    recorded = standing[0].visit.code if standing else ""
    by_date = "" if recorded else calendar.fitting_visit(group[0].subject, group[0].on)
    found: dict[str, list[Understood]] = defaultdict(list)
    for one in group:
        code = recorded or str(one.row.fixes.get("visit", "")) or by_date
        if code:
            one.row.visit_code = code
            found[code].append(one)
        else:
            impossible = date_problem(one.subject, NEW_VISIT, one.on, site_day(one.subject, at), "Collection date")
            words = impossible or f"No single visit of {one.subject.number} fits {in_words(one.on)}. Choose the visit."
            say(one.row, D.REJECTED, words, "collected_on" if impossible else "visit", would=typed_words(one))
    return found


def _placed(
    visit: Visit | None,
    code: str,
    rows: Sequence[Understood],
    stored: Mapping[str, StoredPanel],
    claimed: dict[tuple[int, str, PanelCode], str],
    at: datetime,
) -> Sample | None:
    """The sample at its visit, without the rows whose panel there is of another sample."""
    first = rows[0]
    problem = date_problem(first.subject, code, first.on, site_day(first.subject, at), "Collection date")
    if visit is not None and visit.status == Visit.Status.NOT_DONE:
        problem = problem or "This visit was stated not done."
    if problem:
        for one in rows:
            say(one.row, D.REJECTED, problem, "collected_on" if "date" in problem else "visit", would=typed_words(one))
        return None
    fitting = [one for one in rows if not (_is_uncovered(one, stored) or _is_taken(one, code, stored, claimed))]
    return Sample(first.subject, first.on, first.accession, code, visit, tuple(fitting), stored) if fitting else None


def _is_uncovered(one: Understood, stored: Mapping[str, StoredPanel]) -> bool:
    """True for a new sample of a day that consent does not cover; what is recorded may be corrected at any time."""
    known = stored.get(PANEL_OF[one.analyte])
    if known is not None and known.specimen.collected_on == one.on:
        return False
    problem = consent_problem(one.subject, one.on, "Collection date")
    if problem:
        say(one.row, D.REJECTED, problem, would=typed_words(one))
    return bool(problem)


def _is_taken(
    one: Understood,
    code: str,
    stored: Mapping[str, StoredPanel],
    claimed: dict[tuple[int, str, PanelCode], str],
) -> bool:
    """True if the visit has this panel of another sample: two samples are never mixed, and none is overwritten."""
    panel = PANEL_OF[one.analyte]
    mine = " ".join(str(part) for part in one.sample)
    key = one.subject.pk, code, panel
    claims = claimed.get if one.takes_back else claimed.setdefault
    holder = claims(key, mine) if code != NEW_VISIT else mine
    known = stored[panel].specimen if panel in stored else None
    if holder == mine and (known is None or _is_of(one, known)):
        return False
    if one.takes_back:
        say(one.row, D.UNCHANGED, NOTHING_TAKEN_BACK)
        return True
    label, where = TRIAL.panels[panel].label, visit_label(code)
    words = f"{where} has {label} of another sample already. Choose the visit of this one."
    say(one.row, D.REJECTED, words, "visit", would=typed_words(one))
    return True


def _is_of(one: Understood, specimen: Specimen) -> bool:
    """True if the row can be of this specimen: same day, and nothing that both of them state differs."""
    if one.accession and specimen.accession:
        return one.accession == specimen.accession and one.on == specimen.collected_on
    return specimen.collected_on == one.on and specimen.collected_time in {None, one.time or specimen.collected_time}


def _judged(sample: Sample, standing: Standing, laboratory_id: int) -> Sample:
    """Every row against the checks of the grid and against what stands."""
    panels = sample.panels(laboratory_id)
    assessed = standing.assessments.get(sample.visit.pk) if sample.visit else None
    readings = judge_against(panels, sample.stored, assessed, _previous(sample, panels, standing))
    usable = []
    for one in sample.rows:
        reading = readings[one.analyte]
        if reading.problem:
            say(one.row, D.REJECTED, reading.problem)
            continue
        older = standing.earlier_versions(sample.visit, one.analyte.value) if sample.visit else ()
        compare(one, reading, sample.standing(one.analyte), older)
        usable.append(one)
    return replace(sample, rows=tuple(usable))


def _previous(sample: Sample, panels: Sequence[PanelEntry], standing: Standing) -> dict[date, dict[Analyte, Decimal]]:
    code = sample.visit.code if sample.visit else ""
    days = {one.collection.on for one in panels}
    found = {
        (on, one.analyte): standing.previous(sample.subject, one.analyte, on, code)
        for on in days
        for one in sample.rows
    }
    return {on: {a: value for (day, a), value in found.items() if day == on and value is not None} for on in days}
