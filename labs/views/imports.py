"""A laboratory file: match its columns, review its rows, import them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from labs.files import Table, read_table
from labs.forms import CHANGE_REASONS, OTHER
from labs.import_forms import MappingForm
from labs.mapping import FileMapping, Shape, refreshed, suggested
from labs.models import ImportRow, LabImport
from labs.selectors.imports import (
    counts_in,
    has_text,
    mapping_of,
    rows_of,
)
from labs.selectors.progress import progress_of
from labs.services import (
    FieldsRefused,
    Foreseen,
    accept_rows,
    cancel_import,
    foresee_import,
    match_columns,
    mend_rows,
)
from labs.views.assays import measured_otherwise_of
from labs.views.import_rows import (
    SHOWS,
    TO_FIX,
    Answers,
    chosen_rows,
    is_to_fix,
    posted_places,
    read_answers,
    segments,
    shown,
    visit_words,
)
from labs.views.import_words import UNPROCESSABLE, rows_in_words, to_look_at, told
from labs.views.receipts import readable
from labs.views.visits import put
from protocol.trial import TRIAL
from trialsite import clock
from trialsite.access import Duty, can
from trialsite.draft_forms import page_of
from trialsite.drafting import drafting_of, is_saved_at, typed_in_draft
from trialsite.http import SignedInRequest
from trialsite.models import Visit
from trialsite.services.subjects import Refused

ROWS_PER_PAGE = 200
#: Rows to fix that stand by their sentence at the head of the page.
MOST_LISTED = 8
State = LabImport.State
REASONS = tuple(one for one in CHANGE_REASONS if one != OTHER)


# ---------------------------------------------------------------- columns
@require_http_methods(["GET", "POST"])
def lab_import_map(request: SignedInRequest, pk: int) -> HttpResponse:
    """Which column is what; kept for the laboratory's next files."""
    imported = readable(request, pk)
    if not has_text(imported):
        messages.info(request, "Rows of this file were settled. The next file can be matched anew.")
        return redirect("lab_import_review", imported.pk)
    table = read_table(imported.content)
    shape = request.POST.get("shape") or request.GET.get("shape") or ""
    known = _known_mapping(imported, table, Shape(shape) if shape in set(Shape) else None)
    unsaved = drafting_of(request, imported.site, None, _page(request))
    posted = request.POST if request.method == "POST" else None
    form = MappingForm(posted, initial=typed_in_draft(unsaved), table=table, known=known)
    if request.method == "POST" and form.is_valid():
        try:
            matched = match_columns(
                by=request.actor, at=clock.now(), site_id=imported.site_id, import_id=imported.pk,
                mapping=form.mapping(),
            )  # fmt: skip
        except Refused as refusal:
            put(form, refusal)
        else:
            is_saved_at(request, imported.site_id, _page(request))
            messages.success(request, f"Columns matched and kept for {imported.laboratory.name}.")
            return redirect("lab_import_review", matched.pk)
    context = {
        "imported": imported,
        "form": form,
        "drafting": unsaved,
        "is_wide": known.shape is Shape.WIDE,
        "shape": known.shape.value,
        "steps": _steps(imported, f"{table.count:,} rows", "choose what each column is", "", place=1),
    }
    return render(request, "labs/import_map.html", context, status=UNPROCESSABLE if form.errors else 200)


def _page(request: SignedInRequest) -> str:
    """The name of the draft: the address with the shape, which says what boxes there are."""
    return page_of(request.path, f"shape={request.GET['shape']}" if "shape" in request.GET else "")


def _known_mapping(imported: LabImport, table: Table, shape: Shape | None) -> FileMapping:
    """What is saved for the laboratory; for a first file, what its heading suggests."""
    saved = mapping_of(imported.laboratory)
    return refreshed(FileMapping.from_json(saved.mapping), table, shape) if saved else suggested(table, shape)


# ---------------------------------------------------------------- review
@require_http_methods(["GET", "POST"])
def lab_import_review(request: SignedInRequest, pk: int) -> HttpResponse:
    """Every row with what would become of it; what is wrong is mended here, what is good is imported."""
    imported = readable(request, pk)
    if imported.state == State.MATCHING and request.method == "GET":
        return redirect("lab_import_map", imported.pk)
    problems: Mapping[str, str] = {}
    foreseen = Foreseen()
    if request.method == "POST":
        rows = rows_of(imported).filter(place__in=posted_places(request.POST))
        answers = read_answers(request.POST, rows, clock.today(imported.site.time_zone))
        foreseen = _foreseen(request, imported, answers)
        problems = answers.problems or to_look_at(request, foreseen) or _done(request, imported, answers)
        if not problems:
            if _may_import(request, imported):
                is_saved_at(request, imported.site_id, page_of(request.path))
            return redirect("lab_import_review", imported.pk)
    context = {**_review(request, imported, problems), "foreseen": foreseen}
    return render(request, "labs/import_review.html", context, status=UNPROCESSABLE if problems else 200)


def _may_import(request: SignedInRequest, imported: LabImport) -> bool:
    """True for who answers and imports rows; others may match columns and cancel."""
    return can(request.actor, Duty.ENTER_DATA, imported.site_id, clock.now())


def _foreseen(request: SignedInRequest, imported: LabImport, answers: Answers) -> Foreseen:
    """What importing would change in what stands; nothing for any other button."""
    if request.POST.get("action") != "import" or answers.given or imported.state != State.REVIEW:
        return Foreseen()
    return foresee_import(by=request.actor, at=clock.now(), site_id=imported.site_id, import_ids=[imported.pk])


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
            messages.success(request, told(accept_rows(**act)))
        else:
            mended = mend_rows(**act, answers=answers.given)
            now = "They are many, and are" if mended.by_job else "Look at what would be saved, then import."
            words = f"{rows_in_words(mended.answered)} answered. {now}"
            messages.info(request, f"{words} checked again now." if mended.by_job else words)
    except FieldsRefused as refusal:
        return refusal.problems
    except Refused as refusal:
        return {"": str(refusal)}
    return {}


def _review(request: SignedInRequest, imported: LabImport, problems: Mapping[str, str]) -> dict[str, Any]:
    counts = counts_in(imported)
    to_fix = sum(counts.waiting[one] for one in TO_FIX)
    show = request.GET.get("show", "")
    if show not in {name for name, _, _ in SHOWS}:
        show = "fix" if to_fix else "all"
    page = Paginator(chosen_rows(imported, show), ROWS_PER_PAGE).get_page(request.GET.get("page"))
    waiting = [row for row in page if is_to_fix(row)]
    unsaved = drafting_of(request, imported.site, None, page_of(request.path))
    typed = request.POST or typed_in_draft(unsaved)
    visits = _visit_choices(waiting)
    otherwise = measured_otherwise_of(imported, page)
    read = f"{rows_in_words(counts.rows.total())}, {counts.subjects} subject{'' if counts.subjects == 1 else 's'}"
    if imported.state == State.READING:
        read = rows_in_words(imported.result_count or 0)
    listed = waiting[:MOST_LISTED] if imported.state == State.REVIEW and not problems else []
    return {
        "imported": imported,
        "has_text": has_text(imported),
        "progress": progress_of(imported),
        "drafting": unsaved if imported.state == State.REVIEW else None,
        "rows": [shown(row, typed, visits, otherwise.get(row.place, "")) for row in page],
        "page_obj": page,
        "segments": segments(counts, show),
        "problems": [(f"f{key}", words) for key, words in problems.items()]
        or [(f"r{row.place}", f"Row {row.line}: {row.words}") for row in listed],
        "more": to_fix - len(listed) if listed else 0,
        "to_fix": to_fix,
        "good": counts.waiting,
        "importable": counts.waiting["new"] + counts.waiting["corrected"],
        "is_open": imported.state == State.REVIEW,
        "may_import": _may_import(request, imported),
        "reasons": REASONS,
        "steps": _steps(imported, read, "matched", _waiting(to_fix), place=2),
    }


def _waiting(count: int) -> str:
    return f"{rows_in_words(count)} need{'s' if count == 1 else ''} you" if count else "nothing to fix"


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
    working = {
        State.READING: "being read", State.CHECKING: "being checked again", State.IMPORTING: "being imported",
    }.get(State(imported.state), "")  # fmt: skip
    is_importing = imported.state == State.IMPORTING
    told = (
        ("Upload", upload),
        ("Match", match),
        ("Review", review if is_importing else working or review),
        ("Import", working if is_importing else last or "what is good"),
    )
    now = 4 if closed else 3 if is_importing else place
    states = ["done" if step < now else "now" if step == now else "todo" for step in range(4)]
    return [{"title": title, "note": note, "state": state} for (title, note), state in zip(told, states, strict=True)]
