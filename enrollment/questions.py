"""The questions of the eligibility checklist that no laboratory answers: one row, one answer, one criterion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from protocol.schema import Protocol
from trialsite.models import Sex

YES, NO, UNKNOWN = "yes", "no", "unk"
_YES_NO = ((YES, "Yes"), (NO, "No"), (UNKNOWN, "Unknown"))
_UNKNOWN = ((UNKNOWN, "Unknown"),)


class Reads(Enum):
    """How the stored answer becomes evidence."""

    FLAG = "yes or no"
    WORD = "a code"
    NUMBER = "a grade"
    DAYS_SINCE = "days since the date given, or never"


@dataclass(frozen=True)
class Question:
    """One question. `item` is the stored name; `evidence` the name that the rule reads.

    rules_out: answers with which the criterion cannot be met, so that the page can say so at once.
    day: label of the question's own date box; without one the date of the assessment counts.
    """

    item: str
    evidence: str
    criterion: str
    words: str
    choices: tuple[tuple[str, str], ...] = _YES_NO
    reads: Reads = Reads.FLAG
    rules_out: tuple[str, ...] = ()
    day: str = ""
    hint: str = ""
    of_women: bool = False


def _flag(item: str, criterion: str, words: str, *rules_out: str, hint: str = "") -> Question:
    return Question(item, item, criterion, words, rules_out=rules_out, hint=hint)


def _of_women(item: str, criterion: str, words: str, *rules_out: str) -> Question:
    return Question(item, item, criterion, words, rules_out=rules_out, of_women=True)


_ALL = (
    Question(
        "diagnosis",
        "diagnosis",
        "I02",
        "Diagnosis",
        (("SMM", "Smoldering"), ("IMM", "Indolent"), ("OTHER", "Other"), *_UNKNOWN),
        Reads.WORD,
        ("OTHER",),
        day="Date of diagnosis",
    ),
    Question(
        "heavy_chain",
        "heavy_chain",
        "I03",
        "Heavy chain of the M-protein",
        (("IgG", "IgG"), ("IgA", "IgA"), ("OTHER", "Other"), ("NONE", "None"), *_UNKNOWN),
        Reads.WORD,
        hint="Needed where the M-spike of 3.0 g/dL decides.",
    ),
    _flag("needs_chemo", "I05", "Needs chemotherapy now, in the physician's judgement", YES),
    Question(
        "ecog",
        "ecog",
        "I06",
        "ECOG performance status",
        (*((str(grade), str(grade)) for grade in range(5)), *_UNKNOWN),
        Reads.NUMBER,
        ("1", "2", "3", "4"),
    ),
    _flag("self_inject", "I10", "Can inject the drug"),
    _flag("caregiver", "I10", "Has a caregiver who can"),
    _of_women("wocbp", "I11", "Can bear children"),
    _flag("active_myeloma", "E01", "Active myeloma that needs chemotherapy", YES),
    _flag("amyloidosis", "E01", "AL amyloidosis that needs chemotherapy", YES),
    _flag("tnf_or_thalidomide", "E01", "Takes etanercept, infliximab or thalidomide", YES),
    _of_women("pregnant", "E02", "Pregnant", YES),
    _of_women("nursing", "E02", "Nursing", YES),
    _flag("active_infection", "E03", "Infection or open wound now", YES),
    Question(
        "iv_antibiotics",
        "iv_antibiotic_days",
        "E03",
        "Intravenous antibiotics for an infection, ever",
        reads=Reads.DAYS_SINCE,
        day="Last day of them",
    ),
    _flag("active_malignancy", "E04", "Other active cancer in the past 5 years", YES),
    Question(
        "nyha",
        "nyha",
        "E05",
        "NYHA class of heart failure",
        (("0", "None"), ("1", "I"), ("2", "II"), ("3", "III"), ("4", "IV"), *_UNKNOWN),
        Reads.NUMBER,
        ("3", "4"),
    ),
    _flag("immunosuppressive_disease", "E06", "Disease that needs immunosuppression", YES),
    _flag("asthma_ibd", "E07", "Asthma or inflammatory bowel disease", YES),
    _flag("debilitating_illness", "E07", "Debilitating illness that would interfere", YES),
    _flag("washout_ok", "E08", "Every earlier therapy ended long enough before", NO),
    _flag("ecoli_hypersensitivity", "E09", "Hypersensitive to E. coli-derived protein", YES),
)
QUESTIONS: Mapping[str, Question] = {question.item: question for question in _ALL}

#: Criteria that a protocol switches on: their question is asked only then.
_SWITCHED = {"E08": lambda trial: bool(trial.washouts)}


def questions_for(sex: str, trial: Protocol) -> tuple[Question, ...]:
    """The questions that are asked of this subject under this protocol, in the order of the criteria."""
    return tuple(
        question
        for question in _ALL
        if (sex == Sex.FEMALE or not question.of_women) and _SWITCHED.get(question.criterion, lambda _: True)(trial)
    )
