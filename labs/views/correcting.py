"""A correction before it is saved: what it changes in what was recorded, and all that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trialsite import clock
from trialsite.foresight import Effect, foresee, mark_of
from trialsite.http import SignedInRequest
from trialsite.models import Subject

#: Stands for the reason while nobody has given one; it is rolled back with the rest.
NOT_YET = "Not yet given"
LOOK_FIRST = "Look at what this correction changes, then save again."
LOOK_AT_WHAT_FOLLOWS = "Look at what follows from this, then mark it again."


@dataclass(frozen=True)
class Correction:
    """changes: recorded values that would change, in words. effects: what would follow from them."""

    changes: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()

    @property
    def mark(self) -> str:
        return mark_of(self.effects)

    def was_shown(self, request: SignedInRequest) -> bool:
        """True if the page that was sent had shown exactly these effects, or there are none."""
        return request.POST.get("foreseen", "") == self.mark

    def needs_an_answer(self, request: SignedInRequest, reason: str) -> bool:
        """True while something is to be looked at or said before this is saved."""
        return bool(self.changes) and not (reason and self.was_shown(request))


def correction(subject: Subject, changes: tuple[str, ...], act: Callable[[], object]) -> Correction:
    """The effects of a change of what was recorded. A first entry changes nothing, so nothing is tried."""
    if not changes:
        return Correction()
    return Correction(changes, foresee(subject_id=subject.pk, at=clock.now(), act=act))


def once_shown(
    request: SignedInRequest,
    subject: Subject,
    act: Callable[[], object],
    is_told: Callable[[Effect], bool] = lambda effect: False,
) -> tuple[Effect, ...]:
    """Do it if the page had shown all that follows, or nothing does; else what follows, and nothing is done.

    is_told: True for what the page says anyway before anybody acts.
    """
    found = foresee(subject_id=subject.pk, at=clock.now(), act=act)
    effects = tuple(one for one in found if not is_told(one))
    if not effects or request.POST.get("foreseen", "") == mark_of(effects):
        act()
        return ()
    return effects
