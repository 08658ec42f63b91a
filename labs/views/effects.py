"""A save of any room whose page shows first what would follow from it: response, proposal, doses, signatures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms

from labs.services import SavedMeanwhile
from labs.views.correcting import LOOK_FIRST, once_shown
from labs.views.visits import put
from trialsite.foresight import Effect, mark_of
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.services.subjects import Refused


@dataclass(frozen=True)
class Tried:
    """What came of a save; labs/what_follows.html shows the effects in the form, which carries them along as seen.

    made: what the service gave, once it is done.
    """

    done: bool = False
    effects: tuple[Effect, ...] = ()
    made: Any = None

    @property
    def mark(self) -> str:
        return mark_of(self.effects)


def save_once_shown(
    request: SignedInRequest,
    subject: Subject,
    form: forms.Form,
    act: Callable[[], object],
    is_told: Callable[[Effect], bool] = lambda effect: False,
) -> Tried:
    """Save if the page that was sent had shown all that follows, or nothing does; else the form says why not.

    is_told: True for what the page says anyway before anybody acts. SavedMeanwhile is left to the page, which has to
    ask.
    """
    made: list[object] = []
    try:
        effects = once_shown(request, subject, lambda: made.append(act()), is_told)
    except SavedMeanwhile:
        raise
    except Refused as refusal:
        put(form, refusal)
        return Tried()
    if effects:
        form.add_error(None, LOOK_FIRST)
        return Tried(effects=effects)
    return Tried(done=True, made=made[-1])


def save_at_once(form: forms.Form, act: Callable[[], object]) -> Tried:
    """The same for what changes nothing that stands."""
    try:
        return Tried(done=True, made=act())
    except SavedMeanwhile:
        raise
    except Refused as refusal:
        put(form, refusal)
        return Tried()
