"""Words that the pages of laboratory files and messages share: what was imported, and what to look at first."""

from __future__ import annotations

from labs.services import Accepted, Foreseen
from trialsite.http import SignedInRequest

UNPROCESSABLE = 422
LOOK_FIRST = "Look at what these rows change, then import again."


def to_look_at(request: SignedInRequest, foreseen: Foreseen) -> dict[str, str]:
    """The sentence of an import whose consequences the page had not shown; empty if it had, or there are none."""
    return {} if request.POST.get("foreseen", "") == foreseen.mark else {"foreseen": LOOK_FIRST}


def told(accepted: Accepted) -> str:
    if accepted.by_job and not accepted.settled:
        return f"{rows_in_words(accepted.by_job)} will be imported. You can go on working and come back."
    words = f"{rows_in_words(accepted.settled.get('new', 0) + accepted.settled.get('corrected', 0))} imported."
    if accepted.settled.get("unchanged"):
        words += f" {rows_in_words(accepted.settled['unchanged'])} recorded already."
    if accepted.by_job:
        words += f" {rows_in_words(accepted.by_job)} more will be imported; you can go on working and come back."
    return words + (f" {rows_in_words(accepted.waiting)} still to fix." if accepted.waiting else "")


def rows_in_words(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
