"""What would become of each row of a laboratory's file if it were imported now. Stores nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from labs.entries import MISSING_WORDS, Collection, PanelEntry, Reading
from labs.mapping import FileMapping
from labs.models import ImportRow, LabImport, LabResult, Specimen
from labs.selectors import StoredPanel, earlier_versions, stored_panels, visit_label
from labs.selectors.imports import Taken, fitting_visit, specimens_by_accession, taken_back_later
from labs.services.dates import date_problem, site_day
from labs.services.panels import judge
from labs.services.understanding import Ground, NotUsable, Understood, understand
from labs.words import unit_words
from protocol.explain import plain
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, MissingReason, PanelCode
from trialsite.days import in_words
from trialsite.models import Subject, Visit

D = ImportRow.Disposition
NEW_VISIT = "uns"
PANEL_OF = {analyte: panel.code for panel in TRIAL.panels.values() for analyte in panel.analytes}
#: A result that is stated missing already has nothing to take back.
GAPS = frozenset({MissingReason.ND, MissingReason.NA, MissingReason.UNK})
CORRECTED_WORDS = "Corrected by the laboratory."
NOTHING_TAKEN_BACK = "The laboratory took this result back; nothing of it is recorded."
PENDING_WORDS = "The pending result has come."


@dataclass(frozen=True)
class Sample:
    """The usable rows of one sample, and the visit that it belongs to."""

    subject: Subject
    on: date
    accession: str
    visit_code: str
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


def judge_rows(imported: LabImport, rows: Sequence[ImportRow], at: datetime) -> list[Sample]:
    """Write on each open row what would become of it; the samples that can be recorded.

    The rows are changed in memory only. A row that cannot be used keeps no other row back.
    """
    ground = ground_of(imported)
    understood: list[Understood] = []
    for row in rows:
        try:
            understood.append(understand(row, ground))
        except NotUsable as problem:
            _say(row, D.REJECTED, str(problem), problem.field)
    return _samples(imported, _without_contradictions(understood), at)


def _say(row: ImportRow, disposition: str, words: str, field: str = "", *, would: str = "", recorded: str = "") -> None:
    row.disposition, row.words, row.field = disposition, words[:400], field
    row.would_save, row.recorded = would[:80], recorded[:80]


# ---------------------------------------------------------------- rows of one file against each other
def _without_contradictions(understood: Sequence[Understood]) -> list[Understood]:
    """One row for each result. A repeated row is no second result; rows that disagree are a conflict."""
    same: dict[tuple[object, ...], list[Understood]] = defaultdict(list)
    for one in _without_torn_samples(understood):
        same[one.sample, one.analyte].append(one)
    kept = []
    for group in same.values():
        if len({(one.entry.typed, one.entry.unit) for one in group}) > 1:
            _set_against("are of one sample and give different results", group)
            continue
        kept.append(group[0])
        for one in group[1:]:
            _say(one.row, D.UNCHANGED, f"The same as row {group[0].row.line}.")
    return kept


def _without_torn_samples(understood: Sequence[Understood]) -> list[Understood]:
    """Rows without those whose accession number stands in the file for two subjects or two days."""
    by_accession: dict[str, list[Understood]] = defaultdict(list)
    for one in understood:
        by_accession[one.accession].append(one)
    torn = {
        accession
        for accession, group in by_accession.items()
        if accession and len({(one.subject.pk, one.on) for one in group}) > 1
    }
    for accession in torn:
        _set_against(f"have accession {accession} with different subjects or dates", by_accession[accession])
    return [one for one in understood if one.accession not in torn]


def _set_against(what: str, group: Sequence[Understood]) -> None:
    numbers = ", ".join(dict.fromkeys(str(one.row.line) for one in group))
    for one in group:
        _say(one.row, D.CONFLICTING, f"Rows {numbers} {what}. Leave out what is wrong.", "twice", would=_typed(one))


def _typed(one: Understood) -> str:
    return f"{one.entry.typed} {unit_words(one.entry.unit)}".strip()


# ---------------------------------------------------------------- samples against what is recorded
def _samples(imported: LabImport, understood: Sequence[Understood], at: datetime) -> list[Sample]:
    known = specimens_by_accession(imported.laboratory, {one.accession for one in understood})
    later = taken_back_later(imported, {one.subject.pk for one in understood})
    grouped: dict[tuple[int, date, str], list[Understood]] = defaultdict(list)
    for one in understood:
        if not _is_contradicted(one, known.get(one.accession, ())) and not _is_taken_back(one, later):
            grouped[one.sample].append(one)
    claimed: dict[tuple[int, str, PanelCode], str] = {}
    samples = []
    for group in grouped.values():
        of_accession = known.get(group[0].accession, ())
        for code, rows in _by_visit(group, of_accession, at).items():
            sample = _placed(code, rows, claimed, at)
            if sample is not None:
                samples.append(_judged(sample, imported.laboratory_id))
    return [one for one in samples if one.rows]


def _is_contradicted(one: Understood, standing: Iterable[Specimen]) -> bool:
    """True for an accession number that is recorded for another subject or another day."""
    for specimen in standing:
        if specimen.subject_id != one.subject.pk:
            words = f"Accession {one.accession} is recorded for subject {specimen.subject.number}."
            _say(one.row, D.CONFLICTING, words, "subject", would=_typed(one))
            return True
        if specimen.collected_on != one.on:
            recorded, told = in_words(specimen.collected_on), in_words(one.on)
            words = f"Accession {one.accession} is recorded as collected on {recorded}, the file says {told}."
            words += " Keep what is recorded, or correct the date in the visit's grid first."
            _say(one.row, D.CONFLICTING, words, "date", would=_typed(one), recorded=f"collected {recorded}")
            return True
    return False


def _is_taken_back(one: Understood, later: Mapping[Taken, str]) -> bool:
    """True if a later file or message of the laboratory takes this result back, whether or not that was imported."""
    message = later.get((one.subject.pk, one.analyte.value, one.on, one.accession), "")
    if not message or one.takes_back:
        return False
    _say(one.row, D.CONFLICTING, f"{message} takes this result back. Leave it out.", "twice", would=_typed(one))
    return True


def _by_visit(group: Sequence[Understood], standing: Sequence[Specimen], at: datetime) -> dict[str, list[Understood]]:
    """Rows of a sample by visit: where its accession number is recorded, else where a person put it, else by date."""
    recorded = standing[0].visit.code if standing else ""
    by_date = "" if recorded else fitting_visit(group[0].subject, group[0].on)
    found: dict[str, list[Understood]] = defaultdict(list)
    for one in group:
        code = recorded or str(one.row.fixes.get("visit", "")) or by_date
        if code:
            one.row.visit_code = code
            found[code].append(one)
        else:
            impossible = date_problem(one.subject, NEW_VISIT, one.on, site_day(one.subject, at), "Collection date")
            words = impossible or f"No single visit of {one.subject.number} fits {in_words(one.on)}. Choose the visit."
            _say(one.row, D.REJECTED, words, "collected_on" if impossible else "visit", would=_typed(one))
    return found


def _placed(
    code: str, rows: Sequence[Understood], claimed: dict[tuple[int, str, PanelCode], str], at: datetime
) -> Sample | None:
    """The sample at its visit, without the rows whose panel there is of another sample."""
    first = rows[0]
    problem = date_problem(first.subject, code, first.on, site_day(first.subject, at), "Collection date")
    visit = Visit.objects.filter(subject=first.subject, code=code).exclude(status=Visit.Status.IN_ERROR).first()
    if visit is not None and visit.status == Visit.Status.NOT_DONE:
        problem = problem or "This visit was stated not done."
    if problem:
        for one in rows:
            _say(one.row, D.REJECTED, problem, "collected_on" if "date" in problem else "visit", would=_typed(one))
        return None
    stored = stored_panels(visit)
    fitting = [one for one in rows if not _is_taken(one, code, stored, claimed)]
    return Sample(first.subject, first.on, first.accession, code, tuple(fitting), stored) if fitting else None


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
        _say(one.row, D.UNCHANGED, NOTHING_TAKEN_BACK)
        return True
    label, where = TRIAL.panels[panel].label, visit_label(code)
    words = f"{where} has {label} of another sample already. Choose the visit of this one."
    _say(one.row, D.REJECTED, words, "visit", would=_typed(one))
    return True


def _is_of(one: Understood, specimen: Specimen) -> bool:
    """True if the row can be of this specimen: same day, and nothing that both of them state differs."""
    if one.accession and specimen.accession:
        return one.accession == specimen.accession and one.on == specimen.collected_on
    return specimen.collected_on == one.on and specimen.collected_time in {None, one.time or specimen.collected_time}


def _judged(sample: Sample, laboratory_id: int) -> Sample:
    """Every row against the checks of the grid and against what stands."""
    panels = sample.panels(laboratory_id)
    readings = judge(subject=sample.subject, visit_code=sample.visit_code, panels=panels)
    usable = []
    for one in sample.rows:
        reading = readings[one.analyte]
        if reading.problem:
            _say(one.row, D.REJECTED, reading.problem)
            continue
        _compare(one, reading, sample)
        usable.append(one)
    return Sample(sample.subject, sample.on, sample.accession, sample.visit_code, tuple(usable), sample.stored)


def _compare(one: Understood, reading: Reading, sample: Sample) -> None:
    would, standing = result_words(reading), sample.standing(one.analyte)
    if standing is None and one.takes_back:
        _say(one.row, D.UNCHANGED, NOTHING_TAKEN_BACK)
        return
    if standing is None:
        asks = " ".join(finding.message for finding in reading.findings)
        _say(one.row, D.NEW, f"{asks} A query will ask." if asks else "", would=would)
        return
    recorded = f"{standing.typed} {unit_words(standing.typed_unit)}".strip()
    if _is_same(reading, standing) or (one.takes_back and standing.missing in GAPS):
        _say(one.row, D.UNCHANGED, "", would=would, recorded=recorded)
    elif standing.missing == MissingReason.PEND:
        words = one.entry.reason or PENDING_WORDS
        _say(one.row, D.CORRECTED, words, would=would, recorded=recorded)
    elif one.row.decision == ImportRow.Decision.REPLACE:
        _say(one.row, D.CORRECTED, one.row.decision_reason, would=would, recorded=recorded)
    elif _was_recorded(one, reading, standing):
        words = f"{would} was recorded before and was changed to {recorded} since. Keep {recorded}, or replace it."
        _say(one.row, D.CONFLICTING, words, "value", would=would, recorded=recorded)
    elif one.is_correction or one.takes_back:
        _say(one.row, D.CORRECTED, one.entry.reason or CORRECTED_WORDS, would=would, recorded=recorded)
    else:
        words = f"{recorded} is recorded for this sample. Keep it, or replace it and say why."
        _say(one.row, D.CONFLICTING, words, "value", would=would, recorded=recorded)


def _is_same(reading: Reading, result: LabResult) -> bool:
    """The same result, however it is written: 27 g/L is 2.7 g/dL."""
    mine = (reading.value, reading.comparator, reading.coded, reading.missing)
    return mine == (result.value, result.comparator, result.coded, result.missing)


def _was_recorded(one: Understood, reading: Reading, standing: LabResult) -> bool:
    """True if an earlier version said this: an old file that comes again takes no correction back."""
    panel = PANEL_OF[one.analyte]
    older = earlier_versions(standing.specimen.visit, panel)
    return any(was.analyte == one.analyte.value and _is_same(reading, was) for was in older)


def result_words(reading: Reading) -> str:
    """The result in its canonical unit: <0.1 g/dL; or the word for what is missing."""
    if reading.missing:
        return MISSING_WORDS[MissingReason(reading.missing)].lower()
    if reading.value is None:
        return reading.coded
    unit = unit_words(TRIAL.analytes[reading.analyte].unit)
    return f"{reading.comparator}{plain(reading.value)} {unit}".strip()
