"""Files of laboratories: uploaded, matched to columns, cancelled. Until the site imports them they are no data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from labs.files import MOST_ROWS, Table, Unreadable, read_table, text_of
from labs.mapping import FileMapping, Received, Shape, received_rows
from labs.models import ImportMapping, ImportRow, LabImport, Laboratory
from labs.selectors.imports import mapping_of
from labs.services.judging import judge_rows
from trialsite.access import Actor, Duty
from trialsite.context import because, writing
from trialsite.outbox import News, publish_for_site
from trialsite.services.subjects import Refused

State = LabImport.State
#: Rows that are read or imported while the person waits. A job does what is more, batch by batch.
AT_ONCE = 2_000
#: What a job does with a file, as told to a person who wants to do something else with it.
BUSY = {
    State.READING: "This file is being read. Wait until every row has been.",
    State.CHECKING: "The rows of this file are being checked again. Wait until every row has been.",
    State.IMPORTING: "This file is being imported. Wait until every good row has been.",
}


@dataclass(frozen=True)
class Uploaded:
    """The import of a file. `repeated`: this very file had been uploaded before, and nothing was done again."""

    imported: LabImport
    repeated: bool = False


def upload_file(*, by: Actor, at: datetime, site_id: int, laboratory_id: int, name: str, content: bytes) -> Uploaded:
    """Take in a laboratory's file. Where the laboratory's columns are matched, its rows are judged: at once, or by a
    job if they are many.

    Raises labs.files.Unreadable for a file that is not plain CSV; then nothing is stored.
    """
    text = text_of(content)
    table = read_table(text)
    digest = sha256(content).hexdigest()
    with writing(by=by, duty=Duty.IMPORT_LABS, site_id=site_id, at=at):
        laboratory = Laboratory.objects.select_for_update().get(pk=laboratory_id, site_id=site_id)
        before = LabImport.objects.filter(laboratory=laboratory, sha256=digest).exclude(state=State.CANCELLED).first()
        if before is not None:
            return Uploaded(before, repeated=True)
        imported = LabImport.objects.create(
            site_id=site_id, laboratory=laboratory, name=name[:120] or "file", sha256=digest, content=text,
            state=State.MATCHING, uploaded_by_id=by.user_id, uploaded_at=at,
        )  # fmt: skip
        saved = mapping_of(laboratory)
        mapping = FileMapping.from_json(saved.mapping) if saved else None
        if mapping is not None and mapping.fits(table):
            _read_rows(imported, table, mapping, at)
        return Uploaded(imported)


def match_columns(*, by: Actor, at: datetime, site_id: int, import_id: int, mapping: FileMapping) -> LabImport:
    """Say how the file is read, and keep that for the laboratory's next files.

    A file whose rows were judged under another mapping is read again as a new import; the old one is cancelled.
    Refused once rows of the file were settled.
    """
    with writing(by=by, duty=Duty.IMPORT_LABS, site_id=site_id, at=at, reason="Columns matched"):
        imported = lock_import(import_id, site_id)
        if not imported.content:
            raise Refused("Rows of this file were settled. Upload the next file to match its columns.")
        if imported.state != State.MATCHING:
            imported = _start_again(imported, by, at)
        _save_mapping(imported.laboratory, mapping, by, at)
        try:
            _read_rows(imported, read_table(imported.content), mapping, at)
        except Unreadable as problem:
            raise Refused(str(problem)) from None
        return imported


def cancel_import(*, by: Actor, at: datetime, site_id: int, import_id: int) -> LabImport:
    """Nothing more of this file is imported; what was imported stands. The same file may then come again."""
    with writing(by=by, duty=Duty.IMPORT_LABS, site_id=site_id, at=at, reason="Import cancelled"):
        imported = lock_import(import_id, site_id)
        if imported.state in {State.DONE, State.CANCELLED}:
            raise Refused("This import is closed already.")
        return close_import(imported, State.CANCELLED)


def lock_import(import_id: int, site_id: int) -> LabImport:
    """The import, locked until the transaction ends. Its text is fetched only where it is asked for."""
    return (
        LabImport.objects.select_for_update(of=("self",))
        .select_related("laboratory__site")
        .defer("content")
        .get(pk=import_id, site_id=site_id)
    )


def close_import(imported: LabImport, state: LabImport.State) -> LabImport:
    imported.state, imported.content = state, ""
    imported.save(update_fields=["state", "content"])
    return imported


def remember_mapping(imported: LabImport, mapping: FileMapping, by: Actor, at: datetime) -> None:
    """This file and the laboratory's next ones are read so. Runs inside the caller's `writing`."""
    imported.mapping = mapping.as_json()
    imported.save(update_fields=["mapping"])
    if imported.source != LabImport.Source.CSV:
        saved = mapping_of(imported.laboratory)
        known = FileMapping.from_json(saved.mapping) if saved else FileMapping(Shape.LONG)
        mapping = known.with_what_was_learnt(mapping)
    _save_mapping(imported.laboratory, mapping, by, at)


def _start_again(imported: LabImport, by: Actor, at: datetime) -> LabImport:
    text = imported.content
    close_import(imported, State.CANCELLED)
    return LabImport.objects.create(
        site_id=imported.site_id, laboratory=imported.laboratory, name=imported.name, sha256=imported.sha256,
        content=text, state=State.MATCHING, uploaded_by_id=by.user_id, uploaded_at=at,
    )  # fmt: skip


def _save_mapping(laboratory: Laboratory, mapping: FileMapping, by: Actor, at: datetime) -> None:
    saved = mapping_of(laboratory)
    if saved is None:
        ImportMapping.objects.create(
            site_id=laboratory.site_id, laboratory=laboratory, mapping=mapping.as_json(), saved_by_id=by.user_id,
            saved_at=at,
        )  # fmt: skip
    elif saved.mapping != mapping.as_json():
        saved.mapping, saved.saved_by_id, saved.saved_at = mapping.as_json(), by.user_id, at
        with because("Columns matched"):
            saved.save(update_fields=["mapping", "saved_by", "saved_at"])


def _read_rows(imported: LabImport, table: Table, mapping: FileMapping, at: datetime) -> None:
    """Read a file that was matched: now, or by a job if it is large."""
    count = sum(1 for _ in received_rows(table, mapping))
    if count > MOST_ROWS:
        raise Unreadable(f"The file has {count:,} results; {MOST_ROWS:,} can be imported at once. Split it.")
    imported.mapping, imported.result_count = mapping.as_json(), count
    imported.state = State.READING if count > AT_ONCE else State.REVIEW
    with because("Columns matched"):
        imported.save(update_fields=["mapping", "result_count", "state"])
    if imported.state == State.READING:
        leave_to_job(imported, at)
    else:
        store_rows(imported, enumerate(received_rows(table, mapping), start=1), at)


def store_rows(imported: LabImport, received: Iterable[tuple[int, Received]], at: datetime) -> int:
    """Store results (with their places) as received, each with what would become of it; how many there were."""
    rows = [
        ImportRow(
            site_id=imported.site_id, lab_import=imported, place=place, line=one.line,
            received={"parts": dict(one.parts), "problem": one.problem},
        )
        for place, one in received
    ]  # fmt: skip
    judge_rows(imported, rows, at)
    ImportRow.objects.bulk_create(rows)
    return len(rows)


def leave_to_job(imported: LabImport, at: datetime, *, after: dict[str, str] | None = None) -> None:
    """Ask for the next batch of what the import's state says, in the caller's transaction. after: where it goes on."""
    payload = {"import": str(imported.pk), **(after or {})}
    publish_for_site(kind=News.LAB_FILE_WAITS, site_id=imported.site_id, payload=payload, at=at)
