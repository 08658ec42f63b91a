"""What an act would change, found by doing it and undoing it: the real service and the real jobs, and nothing kept.

Whoever shows a preview made elsewhere has two rules to keep alike; here there is one. All of it happens in a
savepoint that is rolled back: no record, no audit event, no message and no mail is left, and no worker is woken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db import transaction
from django.utils.module_loading import import_string

from trialsite.models import Signature, Subject
from trialsite.outbox import drained_by_hand, settle_for

#: Who can say what stands of a subject, what weighs most first; each takes (subject, at) and gives Facts.
LOOKS: tuple[str, ...] = (
    "trialsite.foresight.signature_facts",
    "trialsite.sdv_selectors.verification_facts",
    "dosing.selectors.facts.derived_facts",
    "labs.selectors.facts.derived_facts",
)


#: How a fact stands that is not there.
NOTHING = "None"


@dataclass(frozen=True)
class Fact:
    """Something derived that stands of a subject. `key` tells it from the others, `words` say how it stands."""

    key: str
    label: str
    words: str


@dataclass(frozen=True)
class Effect:
    """One thing that an act would change."""

    label: str
    before: str
    after: str


def facts_of(subject_id: int, at: datetime) -> dict[str, Fact]:
    """Everything derived of a subject as it stands, by key: response, proposal, planned doses, signatures."""
    subject = Subject.objects.select_related("site").get(pk=subject_id)
    return {fact.key: fact for look in LOOKS for fact in import_string(look)(subject, at)}


def foresee(*, subject_id: int, at: datetime, act: Callable[[], object]) -> tuple[Effect, ...]:
    """What would stand differently after `act` and the jobs that it causes. What `act` refuses is raised."""
    with _undone():
        settle_for(subject_id)
        before = facts_of(subject_id, at)
        act()
        settle_for(subject_id)
        return differences(before, facts_of(subject_id, at))


def differences(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> tuple[Effect, ...]:
    """What stands differently, in the order in which it stood; what is new comes last."""
    keys = [*before, *(key for key in after if key not in before)]
    effects = []
    for key in keys:
        was, now = before.get(key), after.get(key)
        label = (now or was or Fact("", "", "")).label
        effects.append(Effect(label, was.words if was else NOTHING, now.words if now else NOTHING))
    return tuple(one for one in effects if one.before != one.after)


def mark_of(effects: Sequence[Effect]) -> str:
    """Tells by which effects a page was saved: what was shown is what happens, or it is shown again."""
    plain = json.dumps([(one.label, one.before, one.after) for one in effects])
    return sha256(plain.encode()).hexdigest()[:16] if effects else ""


@contextmanager
def _undone() -> Iterator[None]:
    """Whatever is written inside is rolled back, and what should follow the commit with it."""
    with drained_by_hand(), transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def signature_facts(subject: Subject, at: datetime) -> list[Fact]:
    """Every signature on the subject's records: whether it stands, or how it ended."""
    signed = Signature.objects.filter(subject=subject).prefetch_related("events").order_by("id")
    return [_signature_fact(one) for one in signed]


def _signature_fact(one: Signature) -> Fact:
    ended = [event.get_kind_display() for event in one.events.all()]
    what = one.record_type.replace("_", " ")
    label = f"Signature of {one.printed_name} on the {what}, {one.signed_at:%-d %b %Y}"
    return Fact(f"signature:{one.pk}", label, ", ".join(ended) or "Stands")
