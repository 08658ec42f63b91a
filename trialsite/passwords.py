"""Rules for passwords beyond length and the list of common ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.exceptions import ValidationError

from trialsite.models import User

#: Words that anybody who knows this trial would try first.
CONTEXT_WORDS = (
    "anakinra", "dexamethasone", "kineret", "myeloma", "smoldering", "smouldering", "interleukin", "nct00635154",
    "trialsite", "clinical", "trial", "study", "edc", "mayo", "clinic", "hospital", "site", "password", "welcome",
)  # fmt: skip
#: So many characters must remain when the words of the trial and of the person are taken away.
REMAINING = 8
#: Orders in which fingers and tongues run: alphabet, digits and the rows of three keyboards, round the end and back.
ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm",
    "azertyuiop", "qsdfghjklm", "wxcvbn",
)  # fmt: skip
NEIGHBOURS = frozenset(
    pair
    for row in ROWS
    for one, next_one in zip(row, row[1:] + row[0], strict=True)
    for pair in (one + next_one, next_one + one)
)


class ContextWordsValidator:
    """Refuses a password that is mostly made of words of the trial or of the person's own name."""

    def validate(self, password: str, user: User | None = None) -> None:
        rest = password.lower()
        for word in sorted((*CONTEXT_WORDS, *_words_of(user)), key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < REMAINING:
            raise ValidationError(
                "This password is mostly words of the trial or of your name. Use other words.", code="context_words"
            )

    def get_help_text(self) -> str:
        return "Not mostly words of the trial or of your name."


class PredictableValidator:
    """Refuses repeats of one or two characters, rows of the keyboard and runs of letters or digits."""

    def validate(self, password: str, user: User | None = None) -> None:
        if sum(1 for _ in _unforeseen(password.lower())) < REMAINING:
            raise ValidationError(
                "This password is mostly repeats or runs such as “aaaa”, “qwerty” or “1234”. Use other words.",
                code="predictable",
            )

    def get_help_text(self) -> str:
        return "Not mostly repeats, rows of the keyboard, or runs of letters or digits."


def _unforeseen(text: str) -> Iterator[str]:
    """The characters that neither repeat one of the two before them nor lie beside the last in a row."""
    for at, one in enumerate(text):
        if one not in text[max(0, at - 2) : at] and text[max(0, at - 1) : at] + one not in NEIGHBOURS:
            yield one


def _words_of(user: User | None) -> list[str]:
    if user is None:
        return []
    known = re.split(r"\W+", f"{user.username} {user.printed_name} {user.email}".lower())
    return [word for word in known if len(word) > 2]
