"""Files of laboratories for tests: written line by line, uploaded and matched by the people of the site."""

from __future__ import annotations

from datetime import date

from labs.files import read_table, text_of
from labs.mapping import FileMapping, refreshed, suggested
from labs.models import ImportRow, LabImport, Laboratory
from labs.selectors.imports import mapping_of
from labs.services import Accepted, Mended, RowAnswer, accept_rows, match_columns, mend_rows, upload_file
from tests.world import World
from tests.world_labs import morning
from trialsite.context import reading
from trialsite.models import Role, Subject

HEADING = "Subject,Birth year,Sex,Collected,Accession,Test,Result,Unit,Status"


def line(
    subject: Subject | str,
    test: str,
    result: str,
    unit: str = "",
    *,
    on: str = "2024-04-04",
    accession: str = "A1",
    status: str = "F",
    born: str = "1958",
    sex: str = "F",
) -> str:
    """One result of a file with one row for each."""
    number = subject if isinstance(subject, str) else subject.number
    return f"{number},{born},{sex},{on},{accession},{test},{result},{unit},{status}"


def csv_of(*lines: str, heading: str = HEADING) -> bytes:
    return "\r\n".join((heading, *lines, "")).encode()


def read_as(content: bytes) -> FileMapping:
    """What the heading suggests."""
    return suggested(read_table(text_of(content)))


def upload(
    world: World, lab: Laboratory, content: bytes, *, name: str = "results.csv", role: Role = Role.COORDINATOR
) -> LabImport:
    """Upload a file, and match its columns as suggested where the laboratory has no mapping."""
    world.at = max(world.at, morning(date(2024, 4, 10)))
    person = world.person(role, lab.site.code)
    who = {"by": person, "at": world.at, "site_id": lab.site_id}
    imported = upload_file(**who, laboratory_id=lab.pk, name=name, content=content).imported
    if imported.state == LabImport.State.MATCHING:
        with reading(person, world.at):
            saved = mapping_of(lab)
        table = read_table(text_of(content))
        mapping = refreshed(FileMapping.from_json(saved.mapping), table) if saved else suggested(table)
        imported = match_columns(**who, import_id=imported.pk, mapping=mapping)
    return imported


def acting(world: World, imported: LabImport) -> dict[str, object]:
    """The coordinator of the file's site as arguments of a service."""
    coordinator = world.person(Role.COORDINATOR, imported.site.code)
    return {"by": coordinator, "at": world.at, "site_id": imported.site_id, "import_id": imported.pk}


def accept(world: World, imported: LabImport) -> Accepted:
    return accept_rows(**acting(world, imported))


def mend(world: World, imported: LabImport, answers: dict[int, RowAnswer]) -> Mended:
    return mend_rows(**acting(world, imported), answers=answers)


def rows(world: World, imported: LabImport) -> list[ImportRow]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        return list(ImportRow.objects.filter(lab_import=imported).select_related("subject", "result"))


def dispositions(world: World, imported: LabImport) -> list[str]:
    return [row.disposition for row in rows(world, imported)]
