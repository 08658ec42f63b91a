"""Two people at one form of single answers: what lay under it, whose answer is taken, and the question itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from labs.forms import as_text
from labs.services import SavedMeanwhile

#: Prefix of the hidden boxes that say what stood in each box when the form was opened.
WAS = "was"
Stored = Mapping[str, object]


def laid_under(stored: Stored, given: Mapping[str, Any]) -> dict[str, str]:
    """The hidden boxes of a form: as posted or as in its draft, else as stored now. Of several ticks one list."""
    boxes = {
        f"{WAS}-{name}": ",".join(value) if isinstance(value, list) else as_text(value)
        for name, value in stored.items()
    }
    return {name: str(given.get(name, text)) for name, text in boxes.items()}


def with_choices(posted: QueryDict, stored: Stored, boxes: Mapping[str, tuple[str, ...]]) -> QueryDict:
    """What was posted; where a question was settled for the other person, their answer stands in its boxes."""
    names = [box for answer, own in boxes.items() if posted.get(f"keep-{answer}") == "theirs" for box in own]
    return _put(posted, stored, names)


def with_theirs(
    posted: QueryDict, stored: Stored, boxes: Mapping[str, tuple[str, ...]], refusal: SavedMeanwhile
) -> QueryDict:
    """What was posted, with the other person's answers where only that person changed them."""
    return _put(posted, stored, [box for answer in refusal.taken for box in boxes[answer]])


def _put(posted: QueryDict, stored: Stored, names: list[str]) -> QueryDict:
    merged = posted.copy()
    for name in names:
        value = stored[name]
        merged.setlist(name, value if isinstance(value, list) else [as_text(value)])
    return merged


def conflict_of(refusal: SavedMeanwhile | None, what: str, kind: str) -> dict[str, object] | None:
    """What edc/conflict.html asks. what: was saved meanwhile; kind: of thing that a value is chosen for."""
    if refusal is None:
        return None
    rows = [
        {"label": one.label, "theirs": one.theirs, "yours": one.yours, "name": f"keep-{one.field}"}
        for one in refusal.conflicts
    ]
    return {"by": refusal.by, "at": refusal.at, "rows": rows, "what": what, "kind": kind}
