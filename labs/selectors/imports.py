"""Files of laboratories and their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Lower

from labs.models import ImportMapping, ImportRow, LabImport, Laboratory, Specimen
from trialsite.models import Site

D = ImportRow.Disposition
#: One result of a laboratory: subject, analyte, collection date, accession number.
Taken = tuple[int, str, date, str]
#: Statuses of results that a laboratory could not obtain, and of those that it takes back.
CANCELLED = frozenset({"x", "cancelled", "canceled"})
WITHDRAWN = frozenset({"d", "w", "entered-in-error", "deleted"})
_WAITING = Count("pk", filter=Q(settled_at=None))
#: What "Import N good rows" settles.
GOOD = (D.NEW, D.CORRECTED, D.UNCHANGED)


@dataclass(frozen=True)
class Neighbour:
    """A row of a file by its accession number: whose it is, and of which day."""

    accession: str
    subject_id: int
    on: date
    line: int


def neighbour_of(row: ImportRow) -> Neighbour | None:
    """None for a row whose accession number, subject or day is not known."""
    accession = str(row.received["parts"].get("accession", "")).strip()
    if not accession or row.subject_id is None or row.collected_on is None:
        return None
    return Neighbour(accession, row.subject_id, row.collected_on, row.line)


def neighbours(imported: LabImport, rows: Iterable[ImportRow]) -> list[Neighbour]:
    """Open rows of the same file that share an accession number with these and are not among them; one query."""
    mine = {row.place for row in rows}
    shared = {one.accession for row in rows if (one := neighbour_of(row))}
    found = ImportRow.objects.filter(lab_import=imported, settled_at=None, subject__isnull=False).annotate(
        accession=KT("received__parts__accession")
    )
    told = found.filter(accession__in=shared).values_list("place", "accession", "subject_id", "collected_on", "line")
    return [
        Neighbour(accession, subject_id, on, line)
        for place, accession, subject_id, on, line in told
        if place not in mine and subject_id and on
    ]


def imports_in_reach() -> list[LabImport]:
    """Files of the sites in reach, the newest first; one query."""
    return list(LabImport.objects.select_related("site", "laboratory", "uploaded_by").defer("content", "mapping")[:200])


def counts_of(imports: Iterable[LabImport]) -> dict[int, Counter[str]]:
    """Rows of each file by disposition, and how many wait as "open"; one query."""
    counts: dict[int, Counter[str]] = {one.pk: Counter() for one in imports}
    rows = ImportRow.objects.filter(lab_import__in=list(counts)).order_by()
    told = rows.values_list("lab_import_id", "disposition").annotate(n=Count("pk"), waiting=_WAITING)
    for pk, disposition, number, waiting in told:
        counts[pk][disposition] += number
        counts[pk]["open"] += waiting
    return counts


def rows_of(imported: LabImport) -> QuerySet[ImportRow]:
    """Every row of a file in its order."""
    return ImportRow.objects.filter(lab_import=imported).select_related("subject__site", "settled_by")


@dataclass(frozen=True)
class Counts:
    """Rows of a file by disposition: all of them, and those that nobody has settled. subjects: whom they name."""

    rows: Counter[str]
    waiting: Counter[str]
    subjects: int


def counts_in(imported: LabImport) -> Counts:
    """Two queries, however many rows there are."""
    rows, waiting = Counter[str](), Counter[str]()
    found = ImportRow.objects.filter(lab_import=imported).order_by()
    told = found.values_list("disposition").annotate(n=Count("pk"), waiting=_WAITING)
    for disposition, number, open_ones in told:
        rows[disposition], waiting[disposition] = number, open_ones
    return Counts(rows, waiting, found.aggregate(n=Count("subject", distinct=True))["n"])


def drawn_at(subject_ids: Iterable[int]) -> dict[tuple[int, str, str], tuple[str, str]]:
    """Laboratory (its id) and method of what stands, by subject, visit code and panel; one query."""
    standing = Specimen.objects.filter(subject__in=list(subject_ids), status=Specimen.Status.COMPLETE)
    told = standing.values_list("subject_id", "visit__code", "panel", "laboratory_id", "method")
    return {(subject, code, panel): (str(lab or ""), method) for subject, code, panel, lab, method in told}


def has_text(imported: LabImport) -> bool:
    """True while the file's text is kept, so that its columns can be matched again; one query, without the text."""
    return LabImport.objects.filter(pk=imported.pk).exclude(content="").exists()


def mapping_of(laboratory: Laboratory) -> ImportMapping | None:
    return ImportMapping.objects.filter(laboratory=laboratory).first()


def last_laboratory(site_ids: Iterable[int]) -> int | None:
    """The laboratory of the newest file of these sites."""
    newest = LabImport.objects.filter(site_id__in=list(site_ids)).values_list("laboratory_id", flat=True)
    return newest.first()


def specimens_by_accession(laboratory: Laboratory, accessions: Iterable[str]) -> dict[str, list[Specimen]]:
    """Specimens that stand under these accession numbers of a laboratory, or of none that was stated; one query."""
    found: dict[str, list[Specimen]] = {}
    standing = Specimen.objects.filter(
        Q(laboratory=laboratory) | Q(laboratory=None),
        site_id=laboratory.site_id,
        status=Specimen.Status.COMPLETE,
        accession__in=[one for one in accessions if one],
    )
    for specimen in standing.select_related("visit", "subject"):
        found.setdefault(specimen.accession, []).append(specimen)
    return found


def taken_back_later(imported: LabImport, subject_ids: Iterable[int]) -> dict[Taken, str]:
    """Results that later files and messages of the laboratory take back, with the name of each; one query."""
    rows = ImportRow.objects.filter(
        lab_import__laboratory_id=imported.laboratory_id, lab_import_id__gt=imported.pk,
        subject_id__in=set(subject_ids), collected_on__isnull=False,
    ).exclude(decision=ImportRow.Decision.LEAVE_OUT).exclude(lab_import__state=LabImport.State.CANCELLED)  # fmt: skip
    taken = rows.alias(status=Lower(KT("received__parts__status"))).filter(status__in=CANCELLED | WITHDRAWN)
    told = taken.values_list("subject_id", "analyte", "collected_on", "received", "lab_import__name")
    return {
        (subject_id, analyte, on, str(received["parts"].get("accession", ""))): name
        for subject_id, analyte, on, received, name in told
        if subject_id and on
    }


def site_of_file(pk: int) -> Site | None:
    """The site whose subjects a file is about, as far as the person sees it."""
    found = LabImport.objects.select_related("site").only("site").filter(pk=pk).first()
    return found.site if found else None


def settled_files(wanted: Collection[int]) -> set[int]:
    """Of these files, by primary key, those of which no row waits any more, or which were cancelled."""
    closed = [LabImport.State.DONE, LabImport.State.CANCELLED]
    return set(LabImport.objects.filter(pk__in=wanted, state__in=closed).values_list("pk", flat=True))
