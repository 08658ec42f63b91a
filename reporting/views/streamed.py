"""The rows behind a dashboard page as a streamed CSV file, written into the access log like every export."""

from __future__ import annotations

from django.http import HttpResponseBase, StreamingHttpResponse

from reporting.exporting.leaving import leaving
from reporting.exporting.streams import pieces
from reporting.selectors.computed import Computed
from trialsite import clock
from trialsite.access import ALL_SITES, Actor, Duty, can
from trialsite.http import SignedInRequest
from trialsite.models import Site


def csv_of(request: SignedInRequest, dataset: Computed, duty: Duty = Duty.VIEW_DASHBOARD) -> HttpResponseBase:
    """For whoever holds the duty; only rows of the person's sites leave."""
    name = f"{dataset.name}.csv"
    body = leaving(
        lambda tally: pieces(dataset, tally),
        what=name,
        by=request.actor,
        at=clock.now(),
        request_id=request.request_id,
        duty=duty,
        site=_own_site(request.actor, duty),
    )
    response = StreamingHttpResponse(body, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def places(actor: Actor) -> list[int | None]:
    """Sites in reach today; None for the coordinating centre."""
    return [None if site == ALL_SITES else site for site in actor.site_ids(clock.now().date())]


def _own_site(actor: Actor, duty: Duty) -> Site | None:
    """The first site at which the person holds the duty; None for the coordinating centre."""
    held = [site for site in places(actor) if can(actor, duty, site, clock.now())]
    return None if None in held else Site.objects.get(pk=min(site for site in held if site is not None))
