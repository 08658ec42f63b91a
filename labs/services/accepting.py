"""The site imports the good rows of a laboratory's file: each sample through the service that the grid uses."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from labs.mapping import Part
from labs.models import ImportRow, LabImport, Laboratory, LabResult
from labs.selectors.imports import GOOD, Neighbour, neighbours
from labs.selectors.messages import messages_with_good_rows, waiting_in_messages
from labs.services.imports import AT_ONCE, leave_to_job, lock_import
from labs.services.judging import NEW_VISIT, NOT_OF_A_ROW, Sample, judge_rows
from labs.services.panels import record_panel
from labs.services.settling import are_many, check_open, close_if_settled, open_rows, save_rows, told, unsettled
from labs.services.understanding import Understood
from trialsite.access import Actor, Duty
from trialsite.context import writing
from trialsite.days import in_words
from trialsite.services.subjects import Refused, next_unscheduled_code

logger = logging.getLogger(__name__)

D, Decision = ImportRow.Disposition, ImportRow.Decision


@dataclass(frozen=True)
class Accepted:
    """How many rows an import settled, by what became of them, and how many wait.

    by_job: good rows that a job imports from now on, since they are many.
    """

    settled: Mapping[str, int]
    waiting: int
    by_job: int = 0


def accept_rows(*, by: Actor, at: datetime, site_id: int, import_id: int, only: int | None = None) -> Accepted:
    """Import every good row, or every one of the subject with the id `only`; the others stay in quarantine.

    Each sample is one transaction of `record_panel`: values, queries, broken signatures, derived response, news.
    A sample that is refused keeps no other one back. Nothing is left to do for what was imported before. Where the
    open rows are many, a job does it in the name of this person; asking again while it does changes nothing.
    """
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Rows imported"):
        imported = lock_import(import_id, site_id)
        if imported.state == LabImport.State.IMPORTING:
            return Accepted({}, _waiting(imported), by_job=_good(imported))
        which = Q() if only is None else Q(subject=only)
        if are_many(imported, which) and _good(imported):
            return _accept_by_job(imported, by, at)
        rows = open_rows(imported, which)
        settled = record_rows(imported, rows, by, at, neighbours(imported, rows) if only else ())
        close_if_settled(imported)
        return Accepted(settled, len(rows) - settled.total())


def accept_messages(*, by: Actor, at: datetime, site_id: int, laboratory_id: int) -> Accepted:
    """Import the good rows of every message of a laboratory that waits, the oldest first, as accept_rows does of one.

    A correction comes after what it corrects. What goes beyond the rows that are done at once is left to a job.
    """
    settled, by_job = Counter[str](), 0
    with writing(by=by, duty=Duty.ENTER_DATA, site_id=site_id, at=at, reason="Rows imported"):
        Laboratory.objects.select_for_update().get(pk=laboratory_id, site_id=site_id)
        for pk in messages_with_good_rows(laboratory_id):
            if settled.total() < AT_ONCE:
                accepted = accept_rows(by=by, at=at, site_id=site_id, import_id=pk)
            else:
                accepted = _accept_by_job(lock_import(pk, site_id), by, at)
            settled += Counter(accepted.settled)
            by_job += accepted.by_job
        waiting = waiting_in_messages([site_id]).get(laboratory_id)
    return Accepted(settled, waiting.to_fix if waiting else 0, by_job)


def record_rows(
    imported: LabImport, rows: Sequence[ImportRow], by: Actor, at: datetime, others: Sequence[Neighbour] = ()
) -> Counter[str]:
    """Import what is good among these open rows, and settle it; how many rows, by what became of them.

    rows: every open row of each subject among them; others: see judge_rows. Runs inside the caller's `writing`.
    """
    before = {row.pk: told(row) for row in rows}
    for sample in judge_rows(imported, rows, at, others):
        _record(sample, rows, imported, by, at)
    good = [row for row in rows if row.disposition in GOOD]
    for row in good:
        row.settled_by_id, row.settled_at = by.user_id, at
    _link_results(good)
    save_rows([row for row in rows if row.settled_at or told(row) != before[row.pk]])
    if good:
        LabImport.objects.filter(pk=imported.pk).exclude(content="").update(content="")
    return Counter(row.disposition for row in good)


# ---------------------------------------------------------------- many rows
def _good(imported: LabImport) -> int:
    return unsettled(imported).filter(disposition__in=GOOD).count()


def _waiting(imported: LabImport) -> int:
    return unsettled(imported).exclude(disposition__in=GOOD).count()


def _accept_by_job(imported: LabImport, by: Actor, at: datetime) -> Accepted:
    check_open(imported)
    imported.state, imported.content, imported.stopped_because = LabImport.State.IMPORTING, "", ""
    imported.accepted_by_id, imported.accepted_at = by.user_id, at
    imported.save(update_fields=["state", "content", "stopped_because", "accepted_by", "accepted_at"])
    leave_to_job(imported, at)
    return Accepted({}, _waiting(imported), by_job=_good(imported))


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
    except Refused as refusal:
        _put_aside(wanted, str(refusal))
        return
    except NOT_OF_A_ROW:
        raise
    except Exception:  # whatever it is, it keeps no other sample back; its cause is in the log
        logger.exception("A sample of subject %s in import %s cannot be stored.", sample.subject.pk, imported.pk)
        _put_aside(wanted, NOT_STORED)
        return
    for row in rows:
        if row.subject_id == sample.subject.pk and row.fixes.get("visit") == NEW_VISIT:
            _move_to(row, code, sample)


NOT_STORED = "This row cannot be stored. Enter it by hand."


def _put_aside(wanted: Sequence[Understood], words: str) -> None:
    for one in wanted:
        one.row.disposition, one.row.words, one.row.field = D.REJECTED, words[:400], ""


def _record_part(
    sample: Sample, code: str, reason: str, chosen: tuple[Understood, ...], imported: LabImport, by: Actor, at: datetime
) -> None:
    part = replace(sample, visit_code=code, rows=chosen)
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
