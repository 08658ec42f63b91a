"""Open rows of an import: which there are, judged again, saved, and the import closed when none is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from labs.models import ImportRow, LabImport
from labs.selectors.imports import Neighbour
from labs.services.imports import AT_ONCE, BUSY, close_import
from labs.services.judging import judge_rows
from trialsite.context import because
from trialsite.services.subjects import Refused


def check_open(imported: LabImport) -> None:
    """Refused for a closed import and while a job works on it."""
    if imported.state in BUSY:
        raise Refused(BUSY[LabImport.State(imported.state)])
    if imported.state != LabImport.State.REVIEW:
        raise Refused("This import is closed. Nothing more of it can be imported.")


def open_rows(imported: LabImport, which: Q) -> list[ImportRow]:
    """Those rows that nobody has settled; Refused where check_open is."""
    check_open(imported)
    return list(unsettled(imported).filter(which).select_related("subject__site"))


def unsettled(imported: LabImport) -> QuerySet[ImportRow]:
    """Rows that nobody has settled; `accession` can be asked for."""
    rows = ImportRow.objects.filter(lab_import=imported, settled_at=None)
    return rows.alias(accession=KT("received__parts__accession"))


def are_many(imported: LabImport, which: Q) -> bool:
    """True for more open rows than are done while a person waits."""
    return unsettled(imported).filter(which).count() > AT_ONCE


def judge_again(imported: LabImport, rows: Sequence[ImportRow], at: datetime, others: Sequence[Neighbour] = ()) -> None:
    """Write on open rows what would become of them now, where that has changed."""
    before = {row.pk: told(row) for row in rows}
    judge_rows(imported, rows, at, others)
    save_rows([row for row in rows if told(row) != before[row.pk]])


def close_if_settled(imported: LabImport) -> None:
    if not unsettled(imported).exists():
        close_import(imported, LabImport.State.DONE)


def told(row: ImportRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in JUDGED)


JUDGED = (
    "subject_id", "analyte", "collected_on", "visit_code", "disposition", "field", "words", "would_save", "recorded",
    "fixes",
)  # fmt: skip
SAVED = [
    "subject", "analyte", "collected_on", "visit_code", "disposition", "field", "words", "would_save", "recorded",
    "fixes", "decision", "decision_reason", "result", "settled_by", "settled_at",
]  # fmt: skip


def save_rows(rows: Sequence[ImportRow], reason: str = "Judged against what is recorded") -> None:
    """One statement; every row is there already, so each conflict is an update, and audited as one."""
    with because(reason):
        ImportRow.objects.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=SAVED)
