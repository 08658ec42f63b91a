"""The laboratory grid as it was posted: boxes by analyte, collection by panel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.http import QueryDict

from labs.entries import Collection, Entry, PanelEntry, Seen
from labs.forms import NOT_STATED, ApartForm, CollectionForm
from labs.models import Laboratory
from labs.selectors import DuePanel, StoredPanel
from labs.services.merging import as_typed, collection_of
from protocol.vocabulary import Analyte, PanelCode
from trialsite.days import in_words

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
        gap = self.apart[due.panel].cleaned_data["not_done"]
        entries = {analyte: self.entries[analyte] for analyte in due.analytes}
        if gap:
            entries = {a: e if e.typed.strip() else Entry("nd", reason=gap) for a, e in entries.items()}
        return PanelEntry(due.panel, self.apart[due.panel].collection(self.head), entries, self.seen[due.panel])

    def drawn(self, due: Iterable[DuePanel]) -> dict[Analyte, Collection]:
        """When and by which laboratory each result was measured. Only of readable forms."""
        return {analyte: one.collection for one in self.panels(due) for analyte in one.entries}


def head_form(
    posted: Posted | None, laboratories: list[Laboratory], today: date, initial: Mapping[str, object]
) -> CollectionForm:
    return CollectionForm(posted, laboratories=laboratories, today=today, initial=dict(initial))


def read_page(
    posted: Posted,
    due: tuple[DuePanel, ...],
    laboratories: list[Laboratory],
    today: date,
) -> Handed:
    """Everything that was posted."""
    return Handed(
        head=head_form(posted, laboratories, today, {}),
        apart={one.panel: apart_form(posted, one, laboratories, today) for one in due},
        entries=typed_entries(posted, due),
        seen={one.panel: _seen(posted.get(f"seen-{one.panel}", "")) for one in due},
    )


def typed_entries(posted: Posted, due: Iterable[DuePanel]) -> dict[Analyte, Entry]:
    """What stands in the boxes of a posted page or of a draft."""
    return {analyte: _entry(posted, analyte) for one in due for analyte in one.analytes}


def with_choices(posted: QueryDict, stored: Mapping[str, StoredPanel]) -> QueryDict:
    """What was posted; where a conflict was settled for the other person, theirs stands in the boxes."""
    settled = posted.copy()
    for panel, one in stored.items():
        for analyte, result in one.results.items():
            if posted.get(f"keep-{analyte}") == "theirs":
                put_entry(settled, analyte.value, as_typed(result))
        if posted.get(f"keep-collection-{panel}") == "theirs":
            put_collection(settled, PanelCode(panel), collection_of(one.specimen))
    return settled


def put_entry(boxes: QueryDict, name: str, entry: Entry) -> None:
    boxes[name], boxes[f"{name}-unit"], boxes[f"{name}-reason"] = entry.typed, entry.unit, entry.reason


def put_collection(boxes: QueryDict, panel: PanelCode, drawn: Collection) -> None:
    """Into the panel's own boxes where it was drawn apart, else into those of the page."""
    own = f"apart-{panel}-"
    if boxes.get(f"{own}on") or boxes.get(f"{own}laboratory"):
        boxes[f"{own}on"], boxes[f"{own}accession"] = in_words(drawn.on), drawn.accession
        boxes[f"{own}time"] = f"{drawn.time:%H:%M}" if drawn.time else ""
        boxes[f"{own}laboratory"] = str(drawn.laboratory_id or NOT_STATED)
    else:
        boxes["collected_on"], boxes["accession"] = in_words(drawn.on), drawn.accession
        boxes["collected_time"] = f"{drawn.time:%H:%M}" if drawn.time else ""
        boxes["laboratory"] = str(drawn.laboratory_id or "")
    boxes[f"apart-{panel}-method"] = drawn.method


def apart_form(
    posted: Posted | None,
    due: DuePanel,
    laboratories: list[Laboratory],
    today: date,
    initial: Mapping[str, object] | None = None,
) -> ApartForm:
    return ApartForm(
        posted, prefix=f"apart-{due.panel}", label=due.label, laboratories=laboratories, today=today,
        initial=dict(initial or {}),
    )  # fmt: skip


def _entry(posted: Posted, analyte: Analyte) -> Entry:
    name = analyte.value
    return Entry(
        typed=posted.get(name, ""),
        unit=posted.get(f"{name}-unit", ""),
        reason=posted.get(f"{name}-reason", "").strip(),
        confirmed=f"{name}-ok" in posted,
    )


def _seen(text: str) -> Seen:
    """ "12:3:45" as specimen 12 in version 3 with results up to 45; anything else as nothing seen."""
    parts = text.split(":")
    return Seen(*map(int, parts)) if len(parts) == 3 and all(part.isdigit() for part in parts) else Seen()


def seen_words(known: StoredPanel | None) -> str:
    """What the page carries along of what lies under it."""
    if known is None:
        return "0:0:0"
    newest = max((one.pk for one in known.results.values()), default=0)
    return f"{known.specimen.pk}:{known.specimen.version}:{newest}"
