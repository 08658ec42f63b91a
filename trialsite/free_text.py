"""Free text that may tell who a subject is: names, numbers of records, telephone, e-mail, dates of birth.

Nothing is refused: what was typed is saved, and a sentence beside the field says what it may hold. The patterns
are heuristics; they look for what a hurried person writes, and a false alarm costs one glance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from django import forms

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_NO = r"(?:no\b\.?|num(?:ber)?\b|id\b)"
_YEAR = r"(?:19|20)\d{2}"
_FULL_DATE = (
    rf"(?:\d{{1,2}}[./ -]\d{{1,2}}[./ -](?:{_YEAR}|\d{{2}})|{_YEAR}-\d{{2}}-\d{{2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[ -,]*{_YEAR}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR})"
)
#: A whole date of these years is a birthday more often than anything that happens in the trial.
_LONG_AGO = (
    r"(?:\d{1,2}[./ -]\d{1,2}[./ -]19[0-8]\d|19[0-8]\d-\d{2}-\d{2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?[ -]{_MONTH}[ -,]*19[0-8]\d|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? 19[0-8]\d)"
)
_FIRST_NAMES = (
    "Aaron Adam Alan Albert Alice Amanda Amy Andrea Andrew Angela Ann Anna Anne Anthony Arthur Barbara Benjamin Betty"
    " Brian Carl Carol Caroline Catherine Charles Charlotte Christine Christopher Daniel David Deborah Dennis Diana"
    " Donald Donna Dorothy Edward Elizabeth Ellen Emily Emma Eric Eva Frances Frank Fred George Gerald Hannah Hans"
    " Harold Harry Heather Helen Henry Ingrid Irene Jack Jacob James Jane Janet Jean Jeffrey Jennifer Jessica Joan Joe"
    " John Jonathan Joseph Joshua Joyce Juan Judith Julia Julie Karen Karl Kathleen Keith Kenneth Kevin Larry Laura"
    " Lawrence Linda Lisa Louise Lucy Luis Margaret Maria Marie Marilyn Martha Martin Mary Matthew Michael Michelle"
    " Nancy Nicholas Nicole Nina Olivia Oscar Pamela Patricia Patrick Paul Paula Peter Philip Rachel Ralph Raymond"
    " Rebecca Richard Robert Roger Ronald Rose Roy Ruth Ryan Samuel Sandra Sara Sarah Scott Sharon Simon Sophia Sophie"
    " Stephanie Stephen Steven Susan Teresa Theresa Thomas Timothy Tom Victoria Virginia Walter Wayne William"
).replace(" ", "|")

#: What it may be -> how it is found. Written in the order in which it is told.
PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    "a name": (
        re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Herr|Frau|Señora?)\b\.? [A-Z][a-zà-ÿ]+"),
        re.compile(rf"\b(?:{_FIRST_NAMES}) (?:[A-Z]\.? )?[A-Z][a-zà-ÿ'-]+"),
        re.compile(r"\b(?i:wife|husband|daughter|son|mother|father|sister|brother|partner|named|name is|called)\b"
                   r"[ ,:(]+[A-Z][a-zà-ÿ]+"),
    ),
    "a hospital or record number": (
        re.compile(rf"\b(?:mrn|medical record|(?:hospital|chart|patient|record|nhs) {_NO}|nhs)\b\W*(?:is |{_NO} |#)?\W*"
                   r"[a-z]{0,3}-?\d[\d -]{2,}", re.I),
        re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    ),
    "a telephone number": (
        re.compile(r"(?<![\w.])\+\d[\d ().-]{7,}\d"),
        re.compile(r"(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"),
        re.compile(r"\b(?:tel|telephone|phone|mobile|cell|call(?:ed)?|ring|fax)\b\D{0,12}\d(?:[ ().-]*\d){5,}", re.I),
    ),
    "an e-mail address": (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),),
    "a date of birth": (
        re.compile(rf"\b(?:dob|d\.o\.b|born|birth\w*)\b.{{0,15}}?{_FULL_DATE}", re.I),
        re.compile(rf"(?<![\w-]){_LONG_AGO}(?!\w)", re.I),
    ),
}  # fmt: skip

#: Boxes of words that are codes, numbers of a thing, or about staff: by the last part of their name.
NOT_FREE = frozenset({
    "accession", "code", "csrfmiddlewaretoken", "form_version", "login", "lot", "password", "phone", "present",
    "printed_name", "repeated", "shown", "token", "unit", "username", "value", "visit_code",
})  # fmt: skip


def may_hold(text: str) -> tuple[str, ...]:
    """What a text may hold that tells who a subject is; empty for nothing."""
    return tuple(what for what, patterns in PATTERNS.items() if any(one.search(text) for one in patterns))


def sentence(found: Iterable[str]) -> str:
    """The soft sentence, or nothing."""
    named = list(found)
    if not named:
        return ""
    words = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
    return f"This may hold {words}. It is saved as typed; the subject number is enough to tell who is meant."


def is_free_text(name: str, field: forms.Field) -> bool:
    """True for a box in which people write what they like. New boxes count until they are on the list above."""
    hidden = isinstance(field.widget, forms.HiddenInput | forms.PasswordInput)
    return type(field) is forms.CharField and not hidden and is_free_name(name)


def is_free_name(name: str) -> bool:
    last = name.rpartition("-")[2]
    return last not in NOT_FREE and not last.endswith(("_on", "_at"))
