"""Why a laboratory form was not saved, with what the form needs to say so beside each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labs.entries import Collection
from protocol.vocabulary import Analyte, PanelCode
from trialsite.services.subjects import Refused, Stale


class RowsRefused(Refused):
    """Results that cannot be stored. `problems`: analyte -> sentence."""

    def __init__(self, problems: Mapping[Analyte, str]) -> None:
        count = len(problems)
        super().__init__(f"There is a problem with {count} result{'' if count == 1 else 's'}.")
        self.problems = dict(problems)


class FieldsRefused(Refused):
    """Fields that cannot be stored. `problems`: name of the field -> sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


class ReasonMissing(Refused):
    """Recorded values would change, and nobody has said why. `changes`: what would change, in words."""

    def __init__(self, changes: tuple[str, ...]) -> None:
        super().__init__("Say why the recorded values change.")
        self.changes = changes


@dataclass(frozen=True)
class Conflict:
    """One field with what was saved meanwhile and what was typed."""

    field: str
    label: str
    theirs: str
    yours: str


class SavedMeanwhile(Stale):
    """Somebody else saved this form after it was opened. Nothing was stored, nothing is lost.

    conflicts: fields that both changed, each differently. taken: field -> what the other person saved, where only
    that person changed it; the same for the collection of whole panels.
    """

    def __init__(
        self,
        *,
        by: str,
        at: datetime,
        conflicts: tuple[Conflict, ...],
        taken: Mapping[str, Any] | None = None,
        collections: Mapping[PanelCode, Collection] | None = None,
    ) -> None:
        super().__init__(f"{by} saved this while you were editing. Your entries are kept below.")
        self.by, self.at, self.conflicts = by, at, conflicts
        self.taken, self.collections = dict(taken or {}), dict(collections or {})
