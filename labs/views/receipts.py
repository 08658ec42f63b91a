"""The receipt of a laboratory file: what became of every row, and which import a person may see."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from labs.files import written
from labs.mapping import Part
from labs.models import ImportRow, LabImport
from labs.views.import_rows import chosen_rows, outcome, visit_words
from trialsite import clock
from trialsite.access import Actor, Duty, can_anywhere, check_may
from trialsite.context import reading
from trialsite.days import in_words
from trialsite.http import SignedInRequest
from trialsite.templatetags.edc import moment

#: Rows of a receipt that are held at once.
RECEIPT_PIECE = 1_000
HEADINGS = (
    "row", "subject", "collected", "visit", "accession", "test_in_file", "analyte", "result_in_file", "unit_in_file",
    "would_be_saved", "recorded", "disposition", "outcome", "reason", "settled_by", "settled_at",
)  # fmt: skip


@require_GET
def lab_import_receipt(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """What became of every row, as CSV; ?show=fix for the rows that wait."""
    imported = readable(request, pk)
    show = "fix" if request.GET.get("show") == "fix" else "all"
    pieces = _receipt_pieces(imported, show, request.actor, clock.now())
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="lab-import-{imported.pk}-{show}.csv"'
    return response


def _receipt_pieces(imported: LabImport, show: str, by: Actor, at: datetime) -> Iterator[bytes]:
    """Runs after the request's transaction, so it opens its own; holds a piece at a time."""
    yield BOM_UTF8 + written([list(HEADINGS)])
    last = 0
    with reading(by, at):
        while rows := list(chosen_rows(imported, show).filter(place__gt=last)[:RECEIPT_PIECE]):
            last = rows[-1].place
            yield written([_receipt(row, imported) for row in rows])


def _receipt(row: ImportRow, imported: LabImport) -> list[str]:
    parts: dict[str, str] = row.received["parts"]
    return [
        str(row.line),
        row.subject.number if row.subject else parts.get(Part.SUBJECT, ""),
        in_words(row.collected_on) if row.collected_on else parts.get(Part.COLLECTED_ON, ""),
        visit_words(row.visit_code),
        *(parts.get(part, "") for part in (Part.ACCESSION, Part.TEST)),
        row.analyte,
        *(parts.get(part, "") for part in (Part.VALUE, Part.UNIT)),
        row.would_save,
        row.recorded,
        row.get_disposition_display(),
        outcome(row),
        row.decision_reason or row.words,
        row.settled_by.printed_name if row.settled_by else "",
        moment(row.settled_at, imported.site.time_zone) if row.settled_at else "",
    ]


def readable(request: SignedInRequest, pk: int) -> LabImport:
    """The import, its text only when it is asked for: 403 without the duty, 404 outside the person's sites."""
    if not can_anywhere(request.actor, Duty.IMPORT_LABS, clock.now()):
        raise PermissionDenied("Your role does not include this: import laboratory files.")
    known = LabImport.objects.select_related("site", "laboratory", "uploaded_by", "token", "accepted_by")
    imported = get_object_or_404(known.defer("content"), pk=pk)
    check_may(request.actor, Duty.IMPORT_LABS, imported.site_id, clock.now())
    return imported
