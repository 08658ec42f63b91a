"""A person's answers to rows of a laboratory's file: mended, kept, replaced, left out. Judged again at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from labs.mapping import IMPORTABLE, FileMapping, Part
from labs.models import ImportRow, LabImport
from labs.selectors.imports import neighbours
from labs.services.imports import leave_to_job, lock_import, remember_mapping
from labs.services.refusals import FieldsRefused
from labs.services.settling import are_many, close_if_settled, judge_again, open_rows, save_rows
from protocol.units import accepted_units
from protocol.vocabulary import Analyte
from trialsite.access import Actor, Duty
from trialsite.context import writing

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
class Mended:
    """How many rows were answered. by_job: the open rows are many, and a job checks them again."""

    answered: int
    by_job: bool = False


def mend_rows(*, by: Actor, at: datetime, site_id: int, import_id: int, answers: Mapping[int, RowAnswer]) -> Mended:
    """Take the answers to rows (by place) and judge again every open row on which they bear.

    Raises FieldsRefused with the key "place-field" of what cannot be taken; then nothing is stored.
    """
    given = {place: one for place, one in answers.items() if not one.is_empty}
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Row mended"):
        imported = lock_import(import_id, site_id)
        answered = open_rows(imported, Q(place__in=given))
        rows = {one.place: one for one in answered}
        _check_answers(given, rows)
        touched = _touched(answered, given)
        mapping = FileMapping.from_json(imported.mapping)
        for place, answer in given.items():
            mapping = _taught(mapping, rows[place], answer)
            _take(rows[place], answer, by, at)
        taught = mapping.as_json() != imported.mapping
        if taught:
            remember_mapping(imported, mapping, by, at)
        everything = taught or not given
        if not are_many(imported, Q()):
            judge_again(imported, open_rows(imported, Q()), at)
        elif everything or are_many(imported, touched):
            _check_by_job(imported, at)
        else:
            near = open_rows(imported, touched)
            judge_again(imported, near, at, neighbours(imported, near))
        close_if_settled(imported)
        return Mended(len(given), by_job=imported.state == LabImport.State.CHECKING)


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
    save_rows([row], reason=row.decision_reason or "Row mended")


def _touched(rows: Sequence[ImportRow], answers: Mapping[int, RowAnswer]) -> Q:
    """Rows on which these answers bear: of the subjects before and after, and of the same accession numbers."""
    numbers = {answers[row.place].fixes.get("subject", "").upper() for row in rows} - {""}
    accessions = {str(row.received["parts"].get(Part.ACCESSION, "")) for row in rows} - {""}
    subjects = {row.subject_id for row in rows if row.subject_id}
    return (
        Q(place__in=[row.place for row in rows])
        | Q(subject_id__in=subjects)
        | Q(subject__subject_number__in=numbers)
        | Q(subject__screening_number__in=numbers)
        | Q(accession__in=accessions)
    )


def _check_by_job(imported: LabImport, at: datetime) -> None:
    imported.state = LabImport.State.CHECKING
    imported.save(update_fields=["state"])
    leave_to_job(imported, at)
