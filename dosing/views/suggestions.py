"""Suggestions of the rules of dose modification as pages show them: words, evidence, the form that records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from protocol.modifications import DoseSuggestion, Evidence
from protocol.vocabulary import Advice, DoseAction
from trialsite.models import Subject
from trialsite.templatetags.edc import day

#: Advice -> the order that would carry it out. What is not here has no order of its own.
ORDER_OF: dict[Advice, DoseAction] = {
    Advice.HOLD: DoseAction.HOLD,
    Advice.REDUCE: DoseAction.REDUCE,
    Advice.STOP: DoseAction.STOP,
}
#: Advice -> words of the link to the form; notes need none.
LINK_WORDS: dict[Advice, str] = {
    Advice.HOLD: "Record the order",
    Advice.REDUCE: "Record the order",
    Advice.STOP: "Record the order",
    Advice.CONSIDER: "Record an order",
    Advice.RESUME: "End the order",
}


@dataclass(frozen=True)
class SuggestionLine:
    """`evidence`: words and address of each record it rests on. `url` empty: there is nothing to record."""

    words: str
    why: str
    rule: str
    source: str
    evidence: tuple[tuple[str, str], ...]
    url: str
    link_words: str


def suggestion_lines(subject: Subject, found: Iterable[DoseSuggestion]) -> list[SuggestionLine]:
    return [_line(subject, one) for one in found]


def _line(subject: Subject, one: DoseSuggestion) -> SuggestionLine:
    rule = one.rule
    evidence = tuple((f"{each.words}, {day(each.on)}", evidence_url(subject, each)) for each in one.evidence)
    link_words = LINK_WORDS.get(rule.advice, "")
    url = order_url(subject, one) if link_words else ""
    return SuggestionLine(one.words, rule.when, rule.id, rule.source, evidence, url, link_words)


def evidence_url(subject: Subject, evidence: Evidence) -> str:
    """The page of the record."""
    kind, _, name = evidence.source.partition(":")
    if kind == "visit":
        return reverse("visit_labs", args=[subject.key, name])
    if kind == "adverse_event":
        return reverse("adverse_event", args=[subject.key, name])
    if kind == "day":
        return f"{reverse('subject_dosing', args=[subject.key])}?day={name}"
    return reverse("subject_medications", args=[subject.key])


def order_url(subject: Subject, one: DoseSuggestion) -> str:
    """The form of orders, filled in by the rule where an order would carry it out."""
    page = reverse("subject_modifications", args=[subject.key])
    return page if one.rule.advice is Advice.RESUME else f"{page}?{urlencode({'rule': one.rule.id})}"


def proposed_order(found: Iterable[DoseSuggestion], rule: str) -> dict[str, str]:
    """What the form is filled in with for a rule that is met now; empty for any other. Nobody has ordered it yet."""
    one = next((each for each in found if each.rule.id == rule), None)
    if one is None:
        return {}
    action = ORDER_OF.get(one.rule.advice)
    evidence = "; ".join(f"{each.words}, {day(each.on)}" for each in one.evidence)
    events = [each.source.partition(":")[2] for each in one.evidence if each.source.startswith("adverse_event:")]
    return {
        "drug": one.rule.drug.value,
        "order_action": action.value if action else "",
        "mg": f"{one.mg:f}" if one.mg is not None else "",
        "why": f"{evidence} (rule {one.rule.id})"[:300],
        "event": events[0] if events else "",
    }
