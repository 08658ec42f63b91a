"""Rules for passwords beyond length and the list of common ones."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

from trialsite.models import User

#: Words that anybody who knows this trial would try first.
CONTEXT_WORDS = (
    "anakinra", "dexamethasone", "kineret", "myeloma", "smoldering", "smouldering", "interleukin", "nct00635154",
    "trialsite", "clinical", "trial", "study", "edc", "mayo", "clinic", "hospital", "site", "password", "welcome",
)  # fmt: skip
#: So many characters must remain when the words of the trial and of the person are taken away.
REMAINING = 8


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


def _words_of(user: User | None) -> list[str]:
    if user is None:
        return []
    known = re.split(r"\W+", f"{user.username} {user.printed_name} {user.email}".lower())
    return [word for word in known if len(word) > 2]
