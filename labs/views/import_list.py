"""Files and messages of laboratories: the list, the upload, and importing what messages brought."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from labs.files import Unreadable
from labs.import_forms import UploadForm
from labs.models import ImportRow, LabImport, Laboratory
from labs.selectors.imports import counts_of, imports_in_reach, last_laboratory
from labs.selectors.messages import messages_with_good_rows, waiting_in_messages
from labs.services import Foreseen, accept_messages, foresee_import, upload_file
from labs.views.import_words import UNPROCESSABLE, to_look_at, told
from trialsite import clock
from trialsite.access import Duty, can, can_anywhere
from trialsite.http import SignedInRequest
from trialsite.templatetags.edc import moment


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
    if request.method == "POST" and request.POST.get("action") == "messages":
        return _take_messages(request, laboratories)
    form = UploadForm(
        *((request.POST, request.FILES) if request.method == "POST" else ()), laboratories=laboratories,
        initial=_usual(laboratories),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        imported = _upload(request, form, laboratories)
        if imported is not None:
            return redirect(
                "lab_import_map" if imported.state == LabImport.State.MATCHING else "lab_import_review", imported.pk
            )
    context = {**_lists(request, laboratories), "form": form}
    return render(request, "labs/imports.html", context, status=UNPROCESSABLE if form.errors else 200)


def _lists(
    request: SignedInRequest, laboratories: list[Laboratory], foreseen: tuple[int, Foreseen] = (0, Foreseen())
) -> dict[str, Any]:
    """What the page lists, with an upload to fill in. foreseen: of which laboratory's messages, and what follows."""
    known = imports_in_reach()
    counts = counts_of(known)
    return {
        "form": UploadForm(laboratories=laboratories, initial=_usual(laboratories)),
        "laboratories": laboratories,
        "waiting": [
            {
                "of": one,
                "may_import": can(request.actor, Duty.ENTER_DATA, one.laboratory.site_id, clock.now()),
                "foreseen": foreseen[1] if one.laboratory.pk == foreseen[0] else None,
            }
            for one in waiting_in_messages({one.site_id for one in laboratories}).values()
        ],
        "imports": [{"imported": one, "counts": _counted(counts[one.pk])} for one in known],
    }


def _usual(laboratories: list[Laboratory]) -> dict[str, Any]:
    return {"laboratory": last_laboratory({one.site_id for one in laboratories})}


def _take_messages(request: SignedInRequest, laboratories: list[Laboratory]) -> HttpResponse:
    """Every good result of one laboratory's messages, with one button."""
    chosen = next((one for one in laboratories if str(one.pk) == request.POST.get("laboratory")), None)
    if chosen is None:
        raise Http404
    ids = messages_with_good_rows(chosen.pk)
    foreseen = foresee_import(by=request.actor, at=clock.now(), site_id=chosen.site_id, import_ids=ids)
    if to_look_at(request, foreseen):
        return render(request, "labs/imports.html", _lists(request, laboratories, (chosen.pk, foreseen)),
                      status=UNPROCESSABLE)  # fmt: skip
    accepted = accept_messages(by=request.actor, at=clock.now(), site_id=chosen.site_id, laboratory_id=chosen.pk)
    messages.success(request, told(accepted))
    return redirect("lab_imports")


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
