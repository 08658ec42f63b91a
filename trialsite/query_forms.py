"""Forms of the query pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from trialsite.submissions import TokenField

AS_ENTERED = "as_entered"
QUICK = {"corrected": "Corrected.", AS_ENTERED: "Correct as entered."}


class AnswerForm(forms.Form):
    """A quick reply, or an answer in words."""

    text = forms.CharField(
        label="Answer",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": ""}),
        error_messages={"required": "Write an answer, or use a quick reply."},
    )
    quick = forms.ChoiceField(choices=list(QUICK.items()), required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].required = self.data.get("quick") not in QUICK

    def clean(self) -> dict[str, object]:
        data = self.cleaned_data
        said = " ".join(part for part in (QUICK.get(data.get("quick", ""), ""), data.get("text", "")) if part)
        return {**data, "text": said}


class CloseForm(forms.Form):
    """Close, with or without a remark; reopening says why."""

    text = forms.CharField(label="Remark", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    action = forms.ChoiceField(choices=[("close", "Close"), ("reopen", "Reopen")], widget=forms.HiddenInput)

    def clean(self) -> dict[str, object]:
        data = self.cleaned_data
        if data.get("action") == "reopen" and not data.get("text"):
            self.add_error("text", "Say what is still open.")
        return {**data, "text": data.get("text") or "Closed."}


class AskForm(forms.Form):
    """A question about one value, or about a whole record."""

    item = forms.ChoiceField(label="About", required=False)
    text = forms.CharField(
        label="Question to the site",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": ""}),
        error_messages={"required": "Write the question."},
    )
    token = TokenField()

    def __init__(self, *args: Any, fields: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        """fields: name and words of what the record holds; none where the record is one value."""
        super().__init__(*args, **kwargs)
        if fields:
            self.fields["item"].choices = [("", "The whole record"), *fields]  # type: ignore[attr-defined]
        else:
            del self.fields["item"]
