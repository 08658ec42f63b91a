"""Messages of laboratories whose results wait for the site."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from labs.models import ImportRow, LabImport, Laboratory
from labs.selectors.imports import GOOD

D = ImportRow.Disposition
_GOOD = Q(disposition__in=GOOD)


@dataclass(frozen=True)
class Waiting:
    """Of one laboratory: messages that are open, new and changed results, those recorded already, and those to fix."""

    laboratory: Laboratory
    messages: int
    importable: int
    recorded: int
    to_fix: int

    @property
    def good(self) -> int:
        return self.importable + self.recorded


def waiting_in_messages(site_ids: Iterable[int]) -> dict[int, Waiting]:
    """By laboratory, of these sites; two queries."""
    counted = (
        _open_rows()
        .filter(site_id__in=list(site_ids))
        .values("lab_import__laboratory")
        .annotate(
            messages=Count("lab_import", distinct=True),
            importable=Count("pk", filter=Q(disposition__in=(D.NEW, D.CORRECTED))),
            recorded=Count("pk", filter=Q(disposition=D.UNCHANGED)),
            to_fix=Count("pk", filter=~_GOOD),
        )
    )
    found = {one.pop("lab_import__laboratory"): one for one in counted}
    laboratories = Laboratory.objects.filter(pk__in=list(found)).select_related("site").order_by("site__code", "name")
    return {one.pk: Waiting(one, **found[one.pk]) for one in laboratories}


def messages_with_good_rows(laboratory_id: int) -> list[int]:
    """Their ids, the oldest first; one query."""
    rows = _open_rows().filter(_GOOD, lab_import__laboratory=laboratory_id)
    return sorted(set(rows.values_list("lab_import_id", flat=True)))


def _open_rows() -> QuerySet[ImportRow]:
    waits = ImportRow.objects.filter(settled_at=None, lab_import__state=LabImport.State.REVIEW).order_by()
    return waits.exclude(lab_import__source=LabImport.Source.CSV)
