"""The site settles the rows of a laboratory's file: mends them, decides conflicts, imports what is good."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DataError, transaction

from labs.mapping import IMPORTABLE, FileMapping, Part
from labs.models import ImportRow, LabImport, LabResult
from labs.selectors.imports import GOOD
from labs.services.imports import close_import, lock_import, remember_mapping
from labs.services.judging import NEW_VISIT, Sample, judge_rows
from labs.services.panels import record_panel
from labs.services.refusals import FieldsRefused
from labs.services.understanding import Understood
from protocol.units import accepted_units
from protocol.vocabulary import Analyte
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.days import in_words
from trialsite.services.subjects import Refused, next_unscheduled_code

D, Decision = ImportRow.Disposition, ImportRow.Decision
#: What may stand in a row's place of what was received.
MENDABLE = frozenset({"subject", "test", "unit", "collected_on", "visit"})


@dataclass(frozen=True)
class RowAnswer:
    """What a person says of one row. remember: read this unit or test so from now on."""

    fixes: Mapping[str, str] = field(default_factory=dict)
    remember: bool = False
    decision: str = ""
    reason: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.fixes and not self.decision


@dataclass(frozen=True)
class Accepted:
    """How many rows an import settled, by what became of them, and how many wait."""

    settled: Mapping[str, int]
    waiting: int


def mend_rows(*, by: Actor, at: datetime, site_id: int, import_id: int, answers: Mapping[int, RowAnswer]) -> int:
    """Take the answers to rows (by place) and judge every open row again; how many rows were answered.

    Raises FieldsRefused with the key "place-field" of what cannot be taken; then nothing is stored.
    """
    given = {place: one for place, one in answers.items() if not one.is_empty}
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Row mended"):
        imported = lock_import(import_id, site_id)
        rows = {one.place: one for one in open_rows(imported)}
        _check_answers(given, rows)
        mapping = FileMapping.from_json(imported.mapping)
        for place, answer in given.items():
            mapping = _taught(mapping, rows[place], answer)
            _take(rows[place], answer, by, at)
        if mapping.as_json() != imported.mapping:
            remember_mapping(imported, mapping, by, at)
        _judge_again(imported, list(rows.values()), at)
        _close_if_settled(imported)
        return len(given)


def accept_rows(*, by: Actor, at: datetime, site_id: int, import_id: int) -> Accepted:
    """Import every good row; the others stay in quarantine.

    Each sample is one transaction of `record_panel`: values, queries, broken signatures, derived response, news.
    A sample that is refused keeps no other one back. Nothing is left to do for what was imported before.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Rows imported"):
        imported = lock_import(import_id, site_id)
        rows = open_rows(imported)
        before = {row.pk: _told(row) for row in rows}
        samples = judge_rows(imported, rows, at)
        for sample in samples:
            _record(sample, rows, imported, by, at)
        good = [row for row in rows if row.disposition in GOOD]
        for row in good:
            row.settled_by_id, row.settled_at = by.user_id, at
        _link_results(good)
        _save([row for row in rows if row.settled_at or _told(row) != before[row.pk]])
        if good and imported.content:
            imported.content = ""
            imported.save(update_fields=["content"])
        _close_if_settled(imported)
        return Accepted(Counter(row.disposition for row in good), len(rows) - len(good))


def open_rows(imported: LabImport) -> list[ImportRow]:
    """Rows that nobody has settled; none of a cancelled import."""
    if imported.state != LabImport.State.REVIEW:
        raise Refused("This import is closed. Nothing more of it can be imported.")
    return list(ImportRow.objects.filter(lab_import=imported, settled_at=None).select_related("subject__site"))


# ---------------------------------------------------------------- answers
def _check_answers(given: Mapping[int, RowAnswer], rows: Mapping[int, ImportRow]) -> None:
    problems: dict[str, str] = {}
    for place, answer in given.items():
        row = rows.get(place)
        if row is None:
            problems[f"{place}-row"] = f"Row {place} was settled already."
            continue
        problems |= {f"{place}-{name}": f"Row {row.line}: {words}" for name, words in _wrong(row, answer).items()}
    if problems:
        raise FieldsRefused(problems)


def _wrong(row: ImportRow, answer: RowAnswer) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if set(answer.fixes) - MENDABLE:
        wrong["row"] = "this cannot be changed here."
    unit = answer.fixes.get("unit")
    if unit is not None and (not row.analyte or unit not in accepted_units(Analyte(row.analyte))):
        wrong["unit"] = "choose one of the units offered."
    test = answer.fixes.get("test")
    if test is not None and test not in {one.value for one in IMPORTABLE}:
        wrong["test"] = "choose one of the tests offered."
    if answer.decision == Decision.REPLACE and row.field != "value":
        wrong["decision"] = "this can be kept or left out, not replaced."
    if answer.decision == Decision.REPLACE and not answer.reason.strip():
        wrong["reason"] = "say why the recorded value is replaced."
    if answer.decision == Decision.KEEP and row.disposition != D.CONFLICTING:
        wrong["decision"] = "there is nothing to keep."
    return wrong


def _taught(mapping: FileMapping, row: ImportRow, answer: RowAnswer) -> FileMapping:
    """The mapping, with what is to be remembered for this laboratory."""
    parts = row.received["parts"]
    if answer.remember and "unit" in answer.fixes:
        mapping = mapping.with_unit(Analyte(row.analyte), parts.get(Part.UNIT, ""), answer.fixes["unit"])
    if answer.remember and "test" in answer.fixes:
        mapping = mapping.with_test(parts.get(Part.TEST, ""), answer.fixes["test"])
    return mapping


def _take(row: ImportRow, answer: RowAnswer, by: Actor, at: datetime) -> None:
    row.fixes = {**row.fixes, **answer.fixes}
    row.decision, row.decision_reason = answer.decision, answer.reason.strip()[:200]
    if row.decision in {Decision.KEEP, Decision.LEAVE_OUT}:
        row.settled_by_id, row.settled_at = by.user_id, at
    _save([row], reason=row.decision_reason or "Row mended")


def _judge_again(imported: LabImport, rows: Sequence[ImportRow], at: datetime) -> None:
    waiting = [row for row in rows if row.settled_at is None]
    before = {row.pk: _told(row) for row in waiting}
    judge_rows(imported, waiting, at)
    _save([row for row in waiting if _told(row) != before[row.pk]])


def _close_if_settled(imported: LabImport) -> None:
    if not ImportRow.objects.filter(lab_import=imported, settled_at=None).exists():
        close_import(imported, LabImport.State.DONE)


# ---------------------------------------------------------------- recording
def _record(sample: Sample, rows: Sequence[ImportRow], imported: LabImport, by: Actor, at: datetime) -> None:
    """One sample in one transaction; if it is refused, its rows say why and stay."""
    wanted = [one for one in sample.rows if one.row.disposition in {D.NEW, D.CORRECTED}]
    if not wanted:
        return
    try:
        with transaction.atomic():
            code = _visit_code(sample)
            for reason, chosen in _by_reason(wanted).items():
                _record_part(sample, code, reason, chosen, imported, by, at)
    except (Refused, DataError) as refusal:
        words = str(refusal) if isinstance(refusal, Refused) else "This row cannot be stored. Enter it by hand."
        for one in wanted:
            one.row.disposition, one.row.words, one.row.field = D.REJECTED, words[:400], ""
        return
    for row in rows:
        if row.subject_id == sample.subject.pk and row.fixes.get("visit") == NEW_VISIT:
            _move_to(row, code, sample)


def _record_part(
    sample: Sample, code: str, reason: str, chosen: tuple[Understood, ...], imported: LabImport, by: Actor, at: datetime
) -> None:
    part = Sample(sample.subject, sample.on, sample.accession, code, chosen, sample.stored)
    what = f"Laboratory report of {in_words(sample.on)} {sample.accession}".strip()
    record_panel(
        by=by, at=at, subject_id=sample.subject.pk, site_id=imported.site_id, visit_code=code,
        panels=part.panels(imported.laboratory_id), reason=reason,
        visit_reason=what if code.startswith(NEW_VISIT) else "",
    )  # fmt: skip


def _visit_code(sample: Sample) -> str:
    return next_unscheduled_code(sample.subject) if sample.visit_code == NEW_VISIT else sample.visit_code


def _move_to(row: ImportRow, code: str, sample: Sample) -> None:
    """Rows of the same sample that wait go to the visit that was made, not to another new one."""
    is_of_sample = row.collected_on == sample.on and row.received["parts"].get(Part.ACCESSION, "") == sample.accession
    if is_of_sample:
        row.fixes = {**row.fixes, "visit": code}
        row.visit_code = row.visit_code and code


def _by_reason(wanted: Sequence[Understood]) -> dict[str, tuple[Understood, ...]]:
    """New results need no reason; changes are recorded apart for each reason."""
    grouped: dict[str, list[Understood]] = defaultdict(list)
    for one in wanted:
        grouped[one.row.words.strip() if one.row.disposition == D.CORRECTED else ""].append(one)
    return {reason: tuple(grouped[reason]) for reason in sorted(grouped)}


def _link_results(rows: Sequence[ImportRow]) -> None:
    """Each row to the version that says what it says; one query."""
    standing = {
        (one.subject_id, one.specimen.visit.code, one.analyte): one
        for one in LabResult.objects.filter(
            subject__in={row.subject_id for row in rows}, superseded_at=None
        ).select_related("specimen__visit")
    }
    for row in rows:
        row.result = standing.get((row.subject_id or 0, row.visit_code, row.analyte))


def _told(row: ImportRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in JUDGED)


JUDGED = (
    "subject_id", "analyte", "collected_on", "visit_code", "disposition", "field", "words", "would_save", "recorded",
    "fixes",
)  # fmt: skip
SAVED = [
    "subject", "analyte", "collected_on", "visit_code", "disposition", "field", "words", "would_save", "recorded",
    "fixes", "decision", "decision_reason", "result", "settled_by", "settled_at",
]  # fmt: skip


def _save(rows: Sequence[ImportRow], reason: str = "Judged against what is recorded") -> None:
    with because(reason):
        for row in rows:
            row.save(update_fields=SAVED)
