"""What importing would change in what stands: the same preview that the grid shows before a correction is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Lower

from labs.models import ImportRow, LabImport
from labs.services.accepting import accept_rows
from labs.services.settling import are_many, unsettled
from labs.services.understanding import CORRECTED, TAKEN_BACK
from trialsite.access import Actor
from trialsite.context import reading
from trialsite.foresight import NOTHING, Effect, foresee, mark_of
from trialsite.models import Subject

#: Subjects whose corrections are tried while a person waits; each costs about as much as a save of the grid.
MOST_TRIED = 12


@dataclass(frozen=True)
class Foreseen:
    """effects: what would stand differently, each with its subject. not_tried: subjects whose recorded results change
    too, and that were too many to try."""

    effects: tuple[Effect, ...] = ()
    not_tried: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Empty where nothing has to be looked at."""
        return mark_of((*self.effects, *(Effect(number, "", "") for number in self.not_tried)))


def foresee_import(*, by: Actor, at: datetime, site_id: int, import_ids: Sequence[int]) -> Foreseen:
    """What would follow for each subject of whom these imports change a recorded result; new results change nothing.

    Every such subject's rows are imported and that is undone. What importing refuses is raised.
    """
    with reading(by, at):
        imports = list(LabImport.objects.filter(pk__in=import_ids, site_id=site_id).defer("content").order_by("id"))
        subjects = _corrected(imports)
        tried = [one for one in subjects if not any(are_many(of, Q(subject=one)) for of in imports)][:MOST_TRIED]
        effects = [
            Effect(f"{subject.number}: {one.label}", one.before, one.after)
            for subject in tried
            for one in _what_changes(
                foresee(subject_id=subject.pk, at=at, act=partial(_import, by, at, imports, subject))
            )
        ]
    return Foreseen(tuple(effects), tuple(one.number for one in subjects if one not in tried))


def _what_changes(effects: Sequence[Effect]) -> Sequence[Effect]:
    """All of them, if anything that stood would stand otherwise; what only comes to be is no reason to stop."""
    return effects if any(one.before != NOTHING for one in effects) else ()


def _corrected(imports: Sequence[LabImport]) -> list[Subject]:
    """Subjects of whom a recorded result would change, or may: a correction may have been judged before its result."""
    waiting = ImportRow.objects.filter(lab_import__in=imports, settled_at=None)
    corrects = Q(disposition=ImportRow.Disposition.CORRECTED) | Q(status__in=[*CORRECTED, *TAKEN_BACK])
    changing = waiting.alias(status=Lower(KT("received__parts__status"))).filter(corrects)
    return list(Subject.objects.filter(pk__in=changing.order_by().values("subject")).order_by("id"))


def _import(by: Actor, at: datetime, imports: Sequence[LabImport], subject: Subject) -> None:
    for one in imports:
        if unsettled(one).filter(subject=subject).exists():
            accept_rows(by=by, at=at, site_id=one.site_id, import_id=one.pk, only=subject.pk)
