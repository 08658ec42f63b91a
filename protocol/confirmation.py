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
    skip_ne: bool = True,
) -> tuple[Response, ...]:
    """Confirmed status at each time point of a sequence in date order, using every time point of it."""
    own = [_own(sequence, index, new_therapy_on, min_days, skip_ne) for index in range(len(sequence))]
    return tuple(accumulate(own, lambda best, now: max(best, now, key=rank)))


def _own(
    sequence: Sequence[Reported],
    index: int,
    new_therapy_on: date | None,
    min_days: int,
    skip_ne: bool,
) -> Response:
    here = sequence[index]
    later = _confirming(sequence[index:], new_therapy_on, min_days, skip_ne)
    if here.response is Response.PD:
        return Response.PD if _pd_stands(here, sequence[index + 1 :], skip_ne) else Response.NE
    if here.response in RESPONDING:
        return _lower(here.response, later)
    return here.response


def _pd_stands(here: Reported, after: Sequence[Reported], skip_ne: bool) -> bool:
    following = next((r.response for r in _evaluable(after, skip_ne)), None)
    return here.standalone_pd or here.death_due_to_pd or following is Response.PD


def _evaluable(sequence: Sequence[Reported], skip_ne: bool) -> list[Reported]:
    return [r for r in sequence if not (skip_ne and r.response is Response.NE)]


def _confirming(
    sequence: Sequence[Reported],
    new_therapy_on: date | None,
    min_days: int,
    skip_ne: bool,
) -> list[Response]:
    """Responses up to the first later sample that is far enough away to confirm; empty if there is none."""
    first, *rest = sequence
    seen: list[Response] = []
    for later in _evaluable(rest, skip_ne):
        if new_therapy_on is not None and later.on > new_therapy_on:
            return []
        seen.append(later.response)
        if (later.on - first.on).days >= max(min_days, 1):
            return seen
    return []


def _lower(response: Response, later: Sequence[Response]) -> Response:
    """The response that both samples support: SD if progression, nothing or no evaluable value follows."""
    if not later or Response.PD in later or Response.NE in later:
        return Response.SD
    return min((response, *later), key=rank)
