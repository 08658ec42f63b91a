"""Rows of a laboratory's file beside the nadir: whether both were measured in the same way, as the grid says it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labs.mapping import Part
from labs.models import ImportRow, LabImport
from labs.selectors import every_laboratory
from labs.selectors.background import PROGRESSES, background_for, measured_otherwise
from labs.selectors.course import courses_for
from labs.selectors.imports import drawn_at
from labs.services.judging import PANEL_OF
from protocol.vocabulary import Analyte

_FIGURE = re.compile(r"[<>]?\d")


def measured_otherwise_of(imported: LabImport, rows: Iterable[ImportRow]) -> dict[int, str]:
    """By place, what is to be known of open rows whose nadir another laboratory or method measured.

    As many queries for one row as for a page of them; none where no row can make a progression.
    """
    asked = [row for row in rows if _can_progress(row)]
    subjects = {row.subject.pk: row.subject for row in asked if row.subject is not None}
    if not subjects:
        return {}
    courses = courses_for(subjects.values(), analytes=PROGRESSES)
    drawn = drawn_at(subjects)
    laboratories = {str(one.pk): one.name for one in every_laboratory(imported.site_id)}
    found = {}
    for row in asked:
        analyte, on = Analyte(row.analyte), row.collected_on
        if row.subject_id is None or on is None:
            continue
        told = str(imported.laboratory_id), str(row.received["parts"].get(Part.METHOD, ""))
        now = drawn.get((row.subject_id, row.visit_code, PANEL_OF[analyte].value), told)
        lowest = background_for(courses[row.subject_id], row.visit_code, on).lowest.get(analyte)
        found[row.place] = measured_otherwise(lowest, analyte, now, laboratories)
    return {place: words for place, words in found.items() if words}


def _can_progress(row: ImportRow) -> bool:
    """True for a row that waits with a figure which a progression could be made of."""
    is_open = row.settled_at is None and bool(_FIGURE.match(row.would_save))
    return is_open and row.analyte in {one.value for one in PROGRESSES}
