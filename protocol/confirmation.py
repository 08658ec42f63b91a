"""Confirmation of responses and progression (R-CONF, clinical specification 2.3).

Drop what is not evaluable, look at the next sample, then take the running maximum in which progression absorbs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from protocol.vocabulary import RESPONDING, Response, rank


@dataclass(frozen=True)
class Reported:
    """One time-point response with what makes a progression stand alone."""

    on: date
    response: Response
    standalone_pd: bool = False
    death_due_to_pd: bool = False


def confirm(
    sequence: Sequence[Reported],
    new_therapy_on: date | None = None,
    min_days: int = 0,
    *,
    skip_ne: bool = True,
) -> tuple[Response, ...]:
    """Confirmed status at each time point of a sequence in date order, using every time point of it."""
    kept = [r for r in sequence if not (skip_ne and r.response is Response.NE)]
    own = [_own(here, [r for r in kept if r.on > here.on], new_therapy_on, min_days) for here in sequence]
    return tuple(accumulate(own, lambda best, now: max(best, now, key=rank)))


def _own(here: Reported, after: Sequence[Reported], new_therapy_on: date | None, min_days: int) -> Response:
    """What one time point supports, given those after it."""
    if here.response is Response.PD:
        confirmed = here.standalone_pd or here.death_due_to_pd or (after and after[0].response is Response.PD)
        return Response.PD if confirmed else Response.NE
    if here.response in RESPONDING:
        return _lower(here.response, _confirming(here, after, new_therapy_on, min_days))
    return here.response


def _confirming(
    here: Reported,
    after: Sequence[Reported],
    new_therapy_on: date | None,
    min_days: int,
) -> list[Response]:
    """Responses up to the first later sample that is far enough away to confirm; empty if there is none."""
    seen: list[Response] = []
    for later in after:
        if new_therapy_on is not None and later.on > new_therapy_on:
            return []
        seen.append(later.response)
        if (later.on - here.on).days >= min_days:
            return seen
    return []


def _lower(response: Response, later: Sequence[Response]) -> Response:
    """The response that both samples support: SD if progression, nothing or no evaluable value follows."""
    if not later or Response.PD in later or Response.NE in later:
        return Response.SD
    return min((response, *later), key=rank)
