"""Laboratory files: upload, match columns, review, import, receipt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from labs.files import Table, Unreadable, read_table, written
from labs.forms import CHANGE_REASONS, OTHER
from labs.import_forms import MappingForm, UploadForm
from labs.mapping import FileMapping, Part, Shape, refreshed, suggested
from labs.models import ImportRow, LabImport, Laboratory
from labs.selectors.imports import GOOD, counts_of, imports_in_reach, last_laboratory, mapping_of, rows_of
from labs.services import (
    Accepted,
    FieldsRefused,
    accept_rows,
    cancel_import,
    match_columns,
    mend_rows,
    upload_file,
)
from labs.views.import_rows import SHOWS, Answers, chosen_rows, is_to_fix, outcome, read_answers, shown, visit_words
from labs.views.visits import put
from protocol.trial import TRIAL
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere, check_may
from trialsite.days import in_words
from trialsite.http import SignedInRequest
from trialsite.models import Visit
from trialsite.services.subjects import Refused
from trialsite.templatetags.edc import moment

UNPROCESSABLE = 422
State = LabImport.State
REASONS = tuple(one for one in CHANGE_REASONS if one != OTHER)


# ---------------------------------------------------------------- list and upload
@require_http_methods(["GET", "POST"])
def lab_imports(request: SignedInRequest) -> HttpResponse:
    """Every file with the state of its rows; a file is uploaded here."""
    if not can_anywhere(request.actor, Duty.IMPORT_LABS, clock.now()):
        raise PermissionDenied("Your role does not include this: import laboratory files.")
    laboratories = [
        one
        for one in Laboratory.objects.filter(closed_on=None).select_related("site").order_by("site__code", "name")
        if can(request.actor, Duty.IMPORT_LABS, one.site_id, clock.now())
    ]
    form = UploadForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()), laboratories=laboratories,
        initial={"laboratory": last_laboratory({one.site_id for one in laboratories})},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        imported = _upload(request, form, laboratories)
        if imported is not None:
            return redirect("lab_import_map" if imported.state == State.MATCHING else "lab_import_review", imported.pk)
    known = imports_in_reach()
    counts = counts_of(known)
    context = {
        "form": form,
        "laboratories": laboratories,
        "imports": [{"imported": one, "counts": _counted(counts[one.pk])} for one in known],
    }
    return render(request, "labs/imports.html", context, status=UNPROCESSABLE if form.errors else 200)


def _upload(request: SignedInRequest, form: UploadForm, laboratories: list[Laboratory]) -> LabImport | None:
    laboratory = next(one for one in laboratories if str(one.pk) == form.cleaned_data["laboratory"])
    file = form.cleaned_data["file"]
    try:
        uploaded = upload_file(
            by=request.actor, at=clock.now(), site_id=laboratory.site_id, laboratory_id=laboratory.pk,
            name=file.name, content=file.read(),
        )  # fmt: skip
    except Unreadable as problem:
        form.add_error("file", str(problem))
        return None
    if uploaded.repeated:
        when = moment(uploaded.imported.uploaded_at, laboratory.site.time_zone)
        messages.info(request, f"This file was uploaded on {when} already. Nothing was changed.")
    return uploaded.imported


def _counted(counts: Counter[str]) -> list[tuple[str, int]]:
    """New 3, Changed 1 ...: what there is, in the order of the receipt."""
    return [(one.label, counts[one.value]) for one in ImportRow.Disposition if counts[one.value]]


# ---------------------------------------------------------------- columns
@require_http_methods(["GET", "POST"])
def lab_import_map(request: SignedInRequest, pk: int) -> HttpResponse:
    """Which column is what; kept for the laboratory's next files."""
    imported = _readable(request, pk)
    if not imported.content:
        messages.info(request, "Rows of this file were settled. The next file can be matched anew.")
        return redirect("lab_import_review", imported.pk)
    table = read_table(imported.content)
    shape = request.POST.get("shape") or request.GET.get("shape") or ""
    known = _known_mapping(imported, table, Shape(shape) if shape in set(Shape) else None)
    form = MappingForm(request.POST if request.method == "POST" else None, table=table, known=known)
    if request.method == "POST" and form.is_valid():
        try:
            matched = match_columns(
                by=request.actor, at=clock.now(), site_id=imported.site_id, import_id=imported.pk,
                mapping=form.mapping(),
            )  # fmt: skip
        except Refused as refusal:
            put(form, refusal)
        else:
            messages.success(request, f"Columns matched and kept for {imported.laboratory.name}.")
            return redirect("lab_import_review", matched.pk)
    context = {
        "imported": imported,
        "form": form,
        "is_wide": known.shape is Shape.WIDE,
        "shape": known.shape.value,
        "steps": _steps(imported, f"{len(table.lines)} rows", "choose what each column is", "", place=1),
    }
    return render(request, "labs/import_map.html", context, status=UNPROCESSABLE if form.errors else 200)


def _known_mapping(imported: LabImport, table: Table, shape: Shape | None) -> FileMapping:
    """What is saved for the laboratory; for a first file, what its heading suggests."""
    saved = mapping_of(imported.laboratory)
    return refreshed(FileMapping.from_json(saved.mapping), table, shape) if saved else suggested(table, shape)


# ---------------------------------------------------------------- review
@require_http_methods(["GET", "POST"])
def lab_import_review(request: SignedInRequest, pk: int) -> HttpResponse:
    """Every row with what would become of it; what is wrong is mended here, what is good is imported."""
    imported = _readable(request, pk)
    if imported.state == State.MATCHING and request.method == "GET":
        return redirect("lab_import_map", imported.pk)
    rows = rows_of(imported)
    problems: Mapping[str, str] = {}
    if request.method == "POST":
        answers = read_answers(request.POST, rows, clock.today(imported.site.time_zone))
        problems = answers.problems or _done(request, imported, answers)
        if not problems:
            return redirect("lab_import_review", imported.pk)
    context = _review(request, imported, rows, problems)
    return render(request, "labs/import_review.html", context, status=UNPROCESSABLE if problems else 200)


def _done(request: SignedInRequest, imported: LabImport, answers: Answers) -> Mapping[str, str]:
    """Do what the button says; the sentences of a refusal."""
    act: dict[str, Any] = {
        "by": request.actor, "at": clock.now(), "site_id": imported.site_id, "import_id": imported.pk,
    }  # fmt: skip
    try:
        if request.POST.get("action") == "cancel":
            cancel_import(**act)
            messages.info(request, "Import cancelled. What was imported before stands.")
        elif request.POST.get("action") == "import" and not answers.given:
            messages.success(request, _told(accept_rows(**act)))
        else:
            count = mend_rows(**act, answers=answers.given)
            messages.info(request, f"{_rows(count)} answered. Look at what would be saved, then import.")
    except FieldsRefused as refusal:
        return refusal.problems
    except Refused as refusal:
        return {"": str(refusal)}
    return {}


def _told(accepted: Accepted) -> str:
    words = f"{_rows(accepted.settled.get('new', 0) + accepted.settled.get('corrected', 0))} imported."
    if accepted.settled.get("unchanged"):
        words += f" {_rows(accepted.settled['unchanged'])} recorded already."
    return words + (f" {_rows(accepted.waiting)} still to fix." if accepted.waiting else "")


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"


def _review(
    request: SignedInRequest, imported: LabImport, rows: list[ImportRow], problems: Mapping[str, str]
) -> dict[str, Any]:
    to_fix = [row for row in rows if is_to_fix(row)]
    good = Counter(row.disposition for row in rows if row.settled_at is None and row.disposition in GOOD)
    show = request.GET.get("show", "")
    if show not in {name for name, _, _ in SHOWS}:
        show = "fix" if to_fix else "all"
    visits = _visit_choices(to_fix)
    subjects = len({row.subject_id for row in rows if row.subject_id})
    read = f"{_rows(len(rows))}, {subjects} subject{'' if subjects == 1 else 's'}"
    return {
        "imported": imported,
        "rows": [shown(row, request.POST, visits) for row in chosen_rows(rows, show)],
        "segments": [
            {"label": words, "url": f"?show={name}", "active": name == show, "count": len(chosen_rows(rows, name))}
            for name, words, _ in SHOWS
        ],
        "problems": [(f"f{key}", words) for key, words in problems.items()]
        or [(f"r{row.place}", f"Row {row.line}: {row.words}") for row in to_fix[:20]],
        "more": max(0, len(to_fix) - 20) if not problems else 0,
        "to_fix": len(to_fix),
        "good": good,
        "importable": good["new"] + good["corrected"],
        "is_open": imported.state == State.REVIEW,
        "may_import": can(request.actor, Duty.ENTER_DATA, imported.site_id, clock.now()),
        "reasons": REASONS,
        "steps": _steps(imported, read, "matched", _waiting(len(to_fix)), place=2),
    }


def _waiting(count: int) -> str:
    return f"{_rows(count)} need{'s' if count == 1 else ''} you" if count else "nothing to fix"


def _visit_choices(rows: list[ImportRow]) -> list[tuple[str, str]]:
    """Visits of the protocol, unscheduled ones that there are, and a new one."""
    subjects = {row.subject_id for row in rows if row.field == "visit"}
    unscheduled = (
        Visit.objects.filter(subject__in=subjects, code__startswith="uns").values_list("code", flat=True).distinct()
    )
    codes = [*(slot.code for slot in TRIAL.schedule), *sorted(unscheduled), "uns"]
    return [(code, visit_words(code)) for code in codes]


def _steps(imported: LabImport, upload: str, match: str, review: str, *, place: int) -> list[dict[str, str]]:
    closed = imported.state in {State.DONE, State.CANCELLED}
    last = {State.DONE: "every row settled", State.CANCELLED: "cancelled"}.get(State(imported.state), "")
    told = (("Upload", upload), ("Match", match), ("Review", review), ("Import", last or "what is good"))
    now = 4 if closed else place
    states = ["done" if step < now else "now" if step == now else "todo" for step in range(4)]
    return [{"title": title, "note": note, "state": state} for (title, note), state in zip(told, states, strict=True)]


# ---------------------------------------------------------------- receipt
HEADINGS = (
    "row", "subject", "collected", "visit", "accession", "test_in_file", "analyte", "result_in_file", "unit_in_file",
    "would_be_saved", "recorded", "disposition", "outcome", "reason", "settled_by", "settled_at",
)  # fmt: skip


@require_GET
def lab_import_receipt(request: SignedInRequest, pk: int) -> HttpResponse:
    """What became of every row, as CSV; ?show=fix for the rows that wait."""
    imported = _readable(request, pk)
    show = "fix" if request.GET.get("show") == "fix" else "all"
    rows = [list(HEADINGS), *(_receipt(row, imported) for row in chosen_rows(rows_of(imported), show))]
    response = HttpResponse(written(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="lab-import-{imported.pk}-{show}.csv"'
    return response


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


def _readable(request: SignedInRequest, pk: int) -> LabImport:
    """The import: 403 without the duty, 404 outside the person's sites."""
    if not can_anywhere(request.actor, Duty.IMPORT_LABS, clock.now()):
        raise PermissionDenied("Your role does not include this: import laboratory files.")
    imported = get_object_or_404(LabImport.objects.select_related("site", "laboratory", "uploaded_by", "token"), pk=pk)
    check_may(request.actor, Duty.IMPORT_LABS, imported.site_id, clock.now())
    return imported
