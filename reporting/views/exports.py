"""Exports: one data set, all of them in an archive, or the manifest alone. Streamed, and logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reporting.datasets import BY_NAME, NEEDS, datasets_for
from reporting.exporting.archive import MANIFEST, archive, manifest, measured
from reporting.exporting.leaving import Make, leaving
from reporting.exporting.spreadsheets import RULE
from reporting.exporting.streams import Tally, pieces
from reporting.views.door import requires
from trialsite import clock
from trialsite.access import Actor, Duty, can
from trialsite.http import SignedInRequest
from trialsite.models import AccessEntry, Site


@require_GET
@requires(Duty.EXPORT)
def exports(request: SignedInRequest) -> HttpResponse:
    made = AccessEntry.objects.filter(what__startswith="Export: ").select_related("user")[:20]
    context = {"datasets": datasets_for(request.actor, clock.now()), "made": made, "rule": RULE}
    return render(request, "reporting/exports.html", context)


@require_GET
@requires(Duty.EXPORT)
def dataset(request: SignedInRequest, name: str) -> HttpResponseBase:
    if name not in BY_NAME:
        raise Http404(name)
    if BY_NAME[name] not in datasets_for(request.actor, clock.now()):
        raise PermissionDenied(f"Your role does not include this: {NEEDS[name].value.lower()}.")
    return _sent(request, f"{name}.csv", "text/csv; charset=utf-8", lambda tally: pieces(BY_NAME[name], tally))


@require_GET
@requires(Duty.EXPORT)
def everything(request: SignedInRequest) -> HttpResponseBase:
    actor, at = request.actor, clock.now()
    chosen = datasets_for(actor, at)
    return _sent(
        request,
        f"trialsite-{at:%Y%m%d-%H%M}.zip",
        "application/zip",
        lambda tally: archive(chosen, actor, at, tally),
    )


@require_GET
@requires(Duty.EXPORT)
def manifest_alone(request: SignedInRequest) -> HttpResponseBase:
    actor, at = request.actor, clock.now()

    def make(tally: Tally) -> Iterator[bytes]:
        made = measured(datasets_for(actor, at))
        tally.rows = len(made)
        yield tally.count(manifest(made, actor, at))

    return _sent(request, MANIFEST, "application/json; charset=utf-8", make)


def _sent(request: SignedInRequest, filename: str, content_type: str, make: Make) -> StreamingHttpResponse:
    by, at = request.actor, clock.now()
    body = leaving(make, what=filename, by=by, at=at, request_id=request.request_id, site=_where(by, at))
    response = StreamingHttpResponse(body, content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    if content_type == "application/zip":
        response.headers["Content-Encoding"] = "identity"  # packed already: packing it again costs and gains nothing
    return response


def _where(by: Actor, at: datetime) -> Site | None:
    """Where the person's duty to export is: None at the coordinating centre, else the first of the sites."""
    if can(by, Duty.EXPORT, None, at):
        return None
    held = [site_id for site_id in by.site_ids(at.date()) if can(by, Duty.EXPORT, site_id, at)]
    return Site.objects.filter(pk__in=held).order_by("code").first()
