"""The laboratory grid as it was posted: boxes by analyte, collection by panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from labs.entries import Collection, Entry, PanelEntry, Seen
from labs.forms import ApartForm, CollectionForm
from labs.models import Laboratory, LabResult
from labs.selectors import DuePanel, StoredPanel
from protocol.vocabulary import Analyte, PanelCode

Posted = Mapping[str, str]


@dataclass(frozen=True)
class Handed:
    """The forms of one posted page and the entries in its boxes."""

    head: CollectionForm
    apart: Mapping[PanelCode, ApartForm]
    entries: Mapping[Analyte, Entry]
    seen: Mapping[PanelCode, Seen]

    def is_readable(self) -> bool:
        """True if every date and time can be read; all forms are asked, so that every problem is shown."""
        return all([self.head.is_valid(), *(form.is_valid() for form in self.apart.values())])

    def panels(self, due: Iterable[DuePanel]) -> list[PanelEntry]:
        """What the service takes. Only of readable forms."""
        return [self._panel(one) for one in due]

    def _panel(self, due: DuePanel) -> PanelEntry:
        apart = self.apart[due.panel].cleaned_data
        gap = apart["not_done"]
        entries = {analyte: self.entries[analyte] for analyte in due.analytes}
        if gap:
            entries = {a: e if e.typed.strip() else Entry("nd", reason=gap) for a, e in entries.items()}
        collection = Collection(
            on=apart["on"] or self.head.cleaned_data["collected_on"],
            time=None if apart["on"] else self.head.time,
            laboratory_id=self.head.laboratory_id,
            accession=apart["accession"] or self.head.cleaned_data["accession"],
            method=apart["method"],
        )
        return PanelEntry(due.panel, collection, entries, self.seen[due.panel])

    def dates(self, due: Iterable[DuePanel]) -> dict[Analyte, date]:
        return {analyte: one.collection.on for one in self.panels(due) for analyte in one.entries}


def head_form(
    posted: Posted | None, laboratories: list[Laboratory], today: date, initial: Mapping[str, object]
) -> CollectionForm:
    return CollectionForm(posted, laboratories=laboratories, today=today, initial=dict(initial))


def read_page(
    posted: Posted,
    due: tuple[DuePanel, ...],
    stored: Mapping[str, StoredPanel],
    laboratories: list[Laboratory],
    today: date,
) -> Handed:
    """Everything that was posted; where a conflict was settled for the other person, their value is taken."""
    recorded = {analyte: result for one in stored.values() for analyte, result in one.results.items()}
    entries = {analyte: _entry(posted, analyte, recorded) for one in due for analyte in one.analytes}
    return Handed(
        head=head_form(posted, laboratories, today, {}),
        apart={one.panel: apart_form(posted, one, today) for one in due},
        entries=entries,
        seen={one.panel: _seen(posted.get(f"seen-{one.panel}", "")) for one in due},
    )


def apart_form(
    posted: Posted | None, due: DuePanel, today: date, initial: Mapping[str, object] | None = None
) -> ApartForm:
    return ApartForm(posted, prefix=f"apart-{due.panel}", label=due.label, today=today, initial=dict(initial or {}))


def _entry(posted: Posted, analyte: Analyte, recorded: Mapping[Analyte, LabResult]) -> Entry:
    name = analyte.value
    entry = Entry(
        typed=posted.get(name, ""),
        unit=posted.get(f"{name}-unit", ""),
        reason=posted.get(f"{name}-reason", "").strip(),
        confirmed=f"{name}-ok" in posted,
    )
    if posted.get(f"keep-{name}") == "theirs" and analyte in recorded:
        theirs = recorded[analyte]
        return replace(entry, typed=theirs.typed, unit=theirs.typed_unit, reason=theirs.missing_reason)
    return entry


def _seen(text: str) -> Seen:
    """ "12:3" as specimen 12 in version 3; anything else as nothing seen."""
    specimen, _, version = text.partition(":")
    return Seen(int(specimen), int(version)) if specimen.isdigit() and version.isdigit() else Seen()
