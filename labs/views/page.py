"""One visit's grid while a request lasts: what is due, stored, kept as a draft, posted, and what went wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, cast
from uuid import UUID, uuid4

from labs.entries import Collection, Entry, Reading
from labs.forms import ReasonForm, apart_answers
from labs.models import LabResult, Specimen
from labs.selectors import DuePanel, StoredPanel, laboratories_of, usual_laboratory
from labs.services import SavedMeanwhile
from labs.services.merging import collection_of
from labs.views.correcting import Correction
from labs.views.handed import Handed, apart_form, head_form, seen_words, typed_entries
from labs.views.rows import entries_of
from protocol.visits import PlannedVisit
from protocol.vocabulary import Analyte
from trialsite.drafting import Drafting
from trialsite.http import SignedInRequest
from trialsite.models import Subject, Visit


@dataclass
class Page:
    """`handed` is what was posted; without a post the page shows the draft, and without one what is stored."""

    request: SignedInRequest
    subject: Subject
    code: str
    visit: Visit | None
    due: tuple[DuePanel, ...]
    stored: Mapping[str, StoredPanel]
    planned: PlannedVisit | None
    today: date
    unsaved: Drafting | None
    handed: Handed | None = None
    reason: ReasonForm = field(default_factory=ReasonForm)
    readings: Mapping[Analyte, Reading] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    conflict: SavedMeanwhile | None = None
    correction: Correction = field(default_factory=Correction)
    notice: str = ""
    token: UUID = field(default_factory=uuid4)
    status: int = 200

    @property
    def may_enter(self) -> bool:
        return self.unsaved is not None

    @property
    def draft(self) -> dict[str, Any]:
        """What the person had typed and not saved, box by box; empty where nothing is, or something was posted."""
        return self.unsaved.typed if self.unsaved else {}

    @property
    def results(self) -> dict[Analyte, LabResult]:
        return {analyte: result for one in self.stored.values() for analyte, result in one.results.items()}

    @property
    def typed(self) -> Mapping[Analyte, Entry]:
        """What stands in the boxes."""
        if self.handed:
            return self.handed.entries
        return typed_entries(self.draft, self.due) if self.draft else entries_of(self.results)

    @property
    def handed_in(self) -> Mapping[Analyte, Collection]:
        """How each posted result was collected; empty without a post that can be read."""
        return self.handed.drawn(self.due) if self.handed and self.handed.is_readable() else {}

    @property
    def drawn(self) -> Mapping[Analyte, Collection]:
        """How each result of the page was collected, as posted or as stored."""
        stored = {a: collection_of(one.specimen) for one in self.stored.values() for a in one.results}
        return self.handed_in or stored

    @property
    def on(self) -> date:
        """The day the samples were drawn, as posted, as stored, or as planned."""
        if self.handed is not None and self.handed.head.is_valid():
            return cast("date", self.handed.head.cleaned_data["collected_on"])
        return self.initial["collected_on"] or self.today

    @cached_property
    def initial(self) -> dict[str, Any]:
        """The head as it was first entered; before that the visit's own date, where there is one."""
        if self.stored:
            first = self._first
            return {
                "collected_on": first.collected_on,
                "collected_time": first.collected_time,
                "laboratory": first.laboratory_id or "",
                "accession": first.accession,
            }
        return {
            "collected_on": self.visit.occurred_on if self.visit else None,
            "laboratory": usual_laboratory(self.subject) or "",
        }

    @property
    def head(self) -> Any:
        if self.handed:
            return self.handed.head
        return head_form(None, laboratories_of(self.subject.site_id), self.today, {**self.initial, **self.draft})

    @property
    def apart(self) -> list[Any]:
        """Panels of another sample than the first show it."""
        if self.handed:
            return [self.handed.apart[one.panel] for one in self.due]
        return [
            apart_form(None, one, laboratories_of(self.subject.site_id), self.today, self._apart_initial(one))
            for one in self.due
        ]

    def _apart_initial(self, due: DuePanel) -> dict[str, object]:
        if self.draft:
            start = f"apart-{due.panel}-"
            return {name.removeprefix(start): text for name, text in self.draft.items() if name.startswith(start)}
        known = self.stored.get(due.panel)
        if known is None:
            return {}
        return apart_answers(collection_of(known.specimen), collection_of(self._first))

    @property
    def _first(self) -> Specimen:
        """The sample that stands on top of the page: the one entered first."""
        return min((one.specimen for one in self.stored.values()), key=lambda one: one.pk)

    def version(self, due: DuePanel) -> str:
        """What lay under the form when it was opened; under a conflict the newer version, which is now shown."""
        if self.handed is not None and self.conflict is None:
            seen = self.handed.seen[due.panel]
            return f"{seen.specimen_id}:{seen.version}:{seen.newest}"
        return str(self.draft.get(f"seen-{due.panel}", seen_words(self.stored.get(due.panel))))
