"""Files of laboratories, their rows, and which visit a sample of a day belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from django.db.models import Q

from labs.models import ImportMapping, ImportRow, LabImport, Laboratory, Specimen
from labs.selectors.visits import planned_visits
from trialsite.models import Subject, Visit
from trialsite.selectors import visits

D = ImportRow.Disposition
#: One result of a laboratory: subject, analyte, collection date, accession number.
Taken = tuple[int, str, date, str]
#: Statuses of results that a laboratory could not obtain, and of those that it takes back.
CANCELLED = frozenset({"x", "cancelled", "canceled"})
WITHDRAWN = frozenset({"d", "w", "entered-in-error", "deleted"})
#: What "Import N good rows" settles.
GOOD = (D.NEW, D.CORRECTED, D.UNCHANGED)


def imports_in_reach() -> list[LabImport]:
    """Files of the sites in reach, the newest first; one query."""
    return list(LabImport.objects.select_related("site", "laboratory", "uploaded_by")[:200])


def counts_of(imports: Iterable[LabImport]) -> dict[int, Counter[str]]:
    """Rows of each file by disposition, and how many wait as "open"; one query."""
    counts: dict[int, Counter[str]] = {one.pk: Counter() for one in imports}
    rows = ImportRow.objects.filter(lab_import__in=list(counts))
    for pk, disposition, settled_at in rows.values_list("lab_import_id", "disposition", "settled_at"):
        counts[pk][disposition] += 1
        counts[pk]["open"] += settled_at is None
    return counts


def rows_of(imported: LabImport) -> list[ImportRow]:
    """Every row of a file in its order; one query."""
    return list(ImportRow.objects.filter(lab_import=imported).select_related("subject", "settled_by"))


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
    found: dict[Taken, str] = {}
    told = rows.values_list("subject_id", "analyte", "collected_on", "received", "lab_import__name")
    for subject_id, analyte, on, received, name in told:
        parts = received["parts"]
        if subject_id and on and str(parts.get("status", "")).lower() in CANCELLED | WITHDRAWN:
            found[subject_id, analyte, on, str(parts.get("accession", ""))] = name
    return found


def fitting_visit(subject: Subject, on: date) -> str:
    """The one visit that a sample of that day can belong to; empty if there is none, or more than one.

    A visit that took place or was sampled on that day goes before a planned one whose window holds the day.
    """
    known = visits(subject)
    sampled = set(
        Specimen.objects.filter(subject=subject, collected_on=on, status=Specimen.Status.COMPLETE).values_list(
            "visit__code", flat=True
        )
    )
    of_the_day = sampled | {code for code, one in known.items() if _took_place(one) and one.occurred_on == on}
    if of_the_day:
        return of_the_day.pop() if len(of_the_day) == 1 else ""
    if subject.registered_on is None:
        return "scr" if "scr" not in known or _took_place(known["scr"]) else ""
    fitting = [one.code for one in planned_visits(subject) if one.opens_on <= on <= one.closes_on]
    open_ones = [code for code in fitting if code not in known or _took_place(known[code])]
    return open_ones[0] if len(open_ones) == 1 else ""


def _took_place(visit: Visit) -> bool:
    return visit.status not in {Visit.Status.NOT_DONE, Visit.Status.IN_ERROR}
