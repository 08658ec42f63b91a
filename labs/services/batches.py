"""Large files, batch by batch: a batch and the message that asks for the next one are one transaction.

So a worker that is killed leaves whole batches behind, and whoever takes the message up again goes on after them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Max, Min, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Upper

from labs.layout import LARGEST_GROUP, MOST_SUBJECTS, layout_of
from labs.models import ImportRow, LabImport
from labs.selectors.imports import GOOD, neighbours
from labs.services.accepting import record_rows
from labs.services.imports import leave_to_job, lock_import, store_rows
from labs.services.settling import close_if_settled, judge_again, unsettled
from labs.services.tokens import INTERFACE
from trialsite.access import Actor, Duty, system_actor
from trialsite.actors import actor_for
from trialsite.context import because, writing

logger = logging.getLogger(__name__)

State = LabImport.State
#: Rows of one transaction: more are faster, and keep a subject's other forms waiting longer while they are imported.
READ = 1_000
CHECK = 1_000
IMPORT = 200


def go_on_with_file(*, at: datetime, site_id: int, import_id: int, after: Mapping[str, str]) -> None:
    """Do the next batch of what the state of an import says, and ask for the one after it.

    after: where to go on, as the last batch said; nothing at the start. Nothing is done for an import that no longer
    waits for a job. Running it twice does nothing twice.
    """
    with writing(by=system_actor(INTERFACE), duty=Duty.IMPORT_LABS, site_id=site_id, at=at, reason="Read by a job"):
        imported = lock_import(import_id, site_id)
        if imported.state == State.READING:
            _read_batch(imported, at)
        elif imported.state == State.CHECKING:
            _check_batch(imported, at, after)
        elif imported.state == State.IMPORTING:
            _import_batch(imported, at, int(after.get("subject", "0")))


# ---------------------------------------------------------------- reading
def _read_batch(imported: LabImport, at: datetime) -> None:
    """Store the next rows of the file. How many are stored says where to go on, so no row is stored twice."""
    layout = layout_of(imported.content, json.dumps(imported.mapping, sort_keys=True), READ)
    stored = ImportRow.objects.filter(lab_import=imported).count()
    if store_rows(imported, layout.batch_after(stored), at):
        leave_to_job(imported, at)
        return
    layout_of.cache_clear()
    if _are_to_be_compared(imported):
        _go_over_to(imported, State.CHECKING)
        leave_to_job(imported, at)
    else:
        _go_over_to(imported, State.REVIEW)


def _are_to_be_compared(imported: LabImport) -> bool:
    """True if rows of different batches bear on each other: one accession number for two, one subject in parts."""
    rows = unsettled(imported).filter(subject__isnull=False, collected_on__isnull=False).order_by()
    spans = (
        rows.annotate(number=KT("received__parts__accession"))
        .exclude(number="")
        .values("number")
        .annotate(
            first=Min("subject_id"), last=Max("subject_id"), earliest=Min("collected_on"), latest=Max("collected_on")
        )
    )
    torn = spans.exclude(first=F("last"), earliest=F("latest"))
    written = rows.values("subject").annotate(
        rows=Count("pk"), numbers=Count(Upper(KT("received__parts__subject")), distinct=True)
    )
    parted = written.filter(Q(rows__gt=LARGEST_GROUP) | Q(numbers__gt=1))
    return torn.exists() or parted.exists()


def _go_over_to(imported: LabImport, state: LabImport.State) -> None:
    imported.state = state
    imported.save(update_fields=["state"])


# ---------------------------------------------------------------- checking again
def _check_batch(imported: LabImport, at: datetime, after: Mapping[str, str]) -> None:
    """Judge the next open rows again: first those of no known subject, which may have one by now, then by subject."""
    if "subject" not in after:
        lost = unsettled(imported).filter(subject=None, place__gt=int(after.get("row", "0")))
        rows = list(lost.order_by("place")[:CHECK])
        going_on = {"row": str(rows[-1].place)} if rows else {"subject": "0"}
    else:
        rows, last = _rows_after(imported, int(after["subject"]), CHECK, Q())
        going_on = {"subject": str(last)}
    if rows:
        judge_again(imported, rows, at, neighbours(imported, rows))
    elif "subject" in after:
        _go_over_to(imported, State.REVIEW)
        return
    leave_to_job(imported, at, after=going_on)


def _rows_after(imported: LabImport, after: int, most: int, which: Q) -> tuple[list[ImportRow], int]:
    """Every open row of the next subjects that have one of the kind asked for, and the last of those subjects."""
    counted = (
        unsettled(imported)
        .filter(subject_id__gt=after)
        .order_by("subject_id")
        .values("subject_id")
        .annotate(rows=Count("pk"), wanted=Count("pk", filter=which))
        .filter(wanted__gt=0)
        .values_list("subject_id", "rows")
    )
    chosen: list[int] = []
    total = 0
    for subject_id, rows in counted[:MOST_SUBJECTS]:
        if subject_id is None or (chosen and total + rows > most):
            break
        chosen.append(subject_id)
        total += rows
    found = unsettled(imported).filter(subject_id__in=chosen).select_related("subject__site").order_by("place")
    return list(found), max(chosen, default=after)


# ---------------------------------------------------------------- importing
def _import_batch(imported: LabImport, at: datetime, after: int) -> None:
    """Import the good rows of the next subjects in the name of the person who accepted them."""
    rows, last = _rows_after(imported, after, IMPORT, Q(disposition__in=GOOD))
    if not rows:
        _end(imported, "")
        return
    person = _acceptor(imported)
    try:
        with writing(by=person, duty=Duty.ENTER_DATA, site_id=imported.site_id, at=at, reason="Rows imported"):
            record_rows(imported, rows, person, at, neighbours(imported, rows))
    except PermissionDenied as refusal:
        _end(imported, f"{person.printed_name} accepted these rows and may no longer enter data here. {refusal}")
        return
    leave_to_job(imported, at, after={"subject": str(last)})


def _acceptor(imported: LabImport) -> Actor:
    if imported.accepted_by is None:  # the database forbids it
        raise ValueError(f"Import {imported.pk} is imported in nobody's name.")
    return actor_for(imported.accepted_by)


def _end(imported: LabImport, why: str) -> None:
    imported.state, imported.stopped_because = State.REVIEW, why[:300]
    with because("Every good row was imported" if not why else "The import stopped"):
        imported.save(update_fields=["state", "stopped_because"])
        close_if_settled(imported)
