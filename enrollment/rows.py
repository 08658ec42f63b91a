"""The checklist's rows as the page needs them: words, linked evidence, questions, outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.forms.boundfield import BoundField
from django.urls import reverse

from enrollment.checklist import from_data
from enrollment.evidence import Facts
from enrollment.forms import ChecklistForm
from enrollment.questions import Question
from protocol.vocabulary import CriterionOutcome
from trialsite.models import Subject

#: Kind of source record -> page on which it is corrected.
_PAGES: Mapping[str, str] = {"lab_result": "visit_labs", "disease_assessment": "visit_disease", "visit": "visit"}
_ANSWER = "screening_answer"
Part = str | tuple[str, str]


@dataclass(frozen=True)
class Asked:
    """A question with its controls. `outs`: answers that rule the subject out."""

    question: Question
    field: BoundField
    day: BoundField | None
    outs: tuple[str, ...]


@dataclass(frozen=True)
class CriterionRow:
    """One criterion. `open`: nothing decides it yet."""

    id: str
    words: str
    note: str
    outcome: str
    from_data: bool
    open: bool
    evidence: list[Part]
    asked: tuple[Asked, ...] = ()
    waiver: Mapping[str, Any] | None = None


def shown_rows(rows: Sequence[Mapping[str, Any]], links: Mapping[str, str]) -> list[CriterionRow]:
    """Rows to read: every piece of evidence in words."""
    return [_row(row, links, row["evidence"], ()) for row in rows]


def answered_rows(
    rows: Sequence[Mapping[str, Any]], links: Mapping[str, str], form: ChecklistForm
) -> list[CriterionRow]:
    """Rows to answer: evidence from data in words, the rest as questions."""
    return [
        _row(
            row,
            links,
            [piece for piece in row["evidence"] if not piece["source"].startswith(_ANSWER)],
            tuple(_asked(question, form) for question in form.questions if question.criterion == row["criterion"]),
        )
        for row in rows
    ]


def questions_left(rows: Sequence[Mapping[str, Any]], questions: Sequence[Question]) -> list[Question]:
    """Questions that the data have not answered already."""
    told = {piece["name"] for row in rows for piece in row["evidence"] if not piece["source"].startswith(_ANSWER)}
    return [question for question in questions if question.evidence not in told]


def source_links(facts: Facts) -> dict[str, str]:
    """Address of the page on which each source record was entered."""
    measured = [(one.source, one.visit) for one in facts.course.measurements]
    found = [(one.source, one.visit) for one in facts.course.findings]
    links = {source: _address(facts.subject, source, code) for source, code in measured + found if code}
    if facts.screening_visit is not None:
        source = f"visit:{facts.screening_visit.pk}"
        links[source] = _address(facts.subject, source, facts.screening_visit.code)
    links[f"subject:{facts.subject.pk}"] = reverse("subject_identity", args=[facts.subject.key])
    medications = reverse("subject_medications", args=[facts.subject.key])
    links |= {one.source: f"{medications}#{one.source.replace(':', '-')}" for one in facts.medicines}
    if facts.consent is not None:
        links[f"consent:{facts.consent.pk}"] = reverse("subject_consent", args=[facts.subject.key])
    return links


def _address(subject: Subject, source: str, code: str) -> str:
    return reverse(_PAGES[source.partition(":")[0]], args=[subject.key, code])


def _row(
    row: Mapping[str, Any], links: Mapping[str, str], pieces: Sequence[Mapping[str, Any]], asked: tuple[Asked, ...]
) -> CriterionRow:
    return CriterionRow(
        id=row["criterion"],
        words=row["words"],
        note=_note(row),
        outcome=row["outcome"].lower(),
        from_data=from_data(row),
        open=row["outcome"] == CriterionOutcome.INDETERMINATE,
        evidence=_parts(pieces, links),
        asked=asked,
        waiver=row.get("waiver"),
    )


def _note(row: Mapping[str, Any]) -> str:
    words = [row["note"], "" if row["confirmed"] else "Not confirmed by the study owner"]
    if row["outcome"] == CriterionOutcome.INDETERMINATE and any(p["value"][:1] in ("<", ">") for p in row["evidence"]):
        words.append("A value with < or > does not decide this; an exact one does")
    return ". ".join(word for word in words if word)


def _parts(pieces: Sequence[Mapping[str, Any]], links: Mapping[str, str]) -> list[Part]:
    """Label and linked value of each piece. A date that all share stands once, at the end."""
    told = list({(piece["source"], piece["value"]): piece for piece in reversed(pieces)}.values())[::-1]
    days = {_dated(piece) for piece in told}
    parts: list[Part] = []
    for piece in told:
        parts += ["; "] if parts else []
        parts += [_label(piece), (piece["value"], links.get(piece["source"], ""))]
        parts += [_dated(piece)] if len(days) > 1 else []
    return [part for part in (*parts, *(days if len(days) == 1 else ())) if part]


def _dated(piece: Mapping[str, Any]) -> str:
    """The day of the evidence, and until when it counts where it grows old; empty without a day."""
    until = piece.get("until", "")
    return f", {piece['on']}" + (f", counts until {until}" if until else "") if piece["on"] else ""


def _label(piece: Mapping[str, Any]) -> str:
    return f"{piece['label']}: " if piece["source"].startswith(_ANSWER) else f"{piece['label']} "


def _asked(question: Question, form: ChecklistForm) -> Asked:
    day = form[f"{question.item}_on"] if question.day else None
    return Asked(question, form[question.item], day, question.rules_out)
