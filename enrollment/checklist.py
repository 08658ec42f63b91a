"""The checklist as it is shown, sent and signed: plain rows, the same in all three."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from enrollment.evidence import Facts, counts_until, day_in_words, gather, label_of, value_in_words
from enrollment.models import Waiver
from protocol.eligibility import Evidence, Judgement, evidence_of, judge
from protocol.explain import to_json
from protocol.schema import Protocol
from protocol.vocabulary import CriterionOutcome
from trialsite.days import in_words
from trialsite.services.signatures import is_intact

_IN_WORDS = {
    CriterionOutcome.MET: "met",
    CriterionOutcome.NOT_MET: "not met",
    CriterionOutcome.INDETERMINATE: "not decided",
    CriterionOutcome.NOT_APPLICABLE: "not used",
}
_ORDER = (CriterionOutcome.NOT_MET, CriterionOutcome.INDETERMINATE, CriterionOutcome.MET)


@dataclass(frozen=True)
class Checklist:
    """Every criterion judged for a registration on `as_of`.

    rows: plain JSON types. fingerprint: SHA-256 of what is stored, whatever its age, of the protocol version and of
    the waivers that hold. waived: criteria that are not met and waived. counts_until: last day of registration for
    which all measured evidence that is not too old yet still counts.
    """

    as_of: date
    judgements: tuple[Judgement, ...]
    rows: list[dict[str, Any]]
    outcome: CriterionOutcome
    fingerprint: str
    sources: tuple[str, ...]
    waived: tuple[str, ...] = ()
    counts_until: date | None = None

    @property
    def unmet(self) -> list[str]:
        """Ids of the criteria that are not met and not waived."""
        return [one for one in self.with_outcome(CriterionOutcome.NOT_MET) if one not in self.waived]

    @property
    def is_clear(self) -> bool:
        """True if nothing is undecided, and what is not met is waived: the subject may be registered."""
        return not self.with_outcome(CriterionOutcome.INDETERMINATE) and not self.unmet

    def with_outcome(self, outcome: CriterionOutcome) -> list[str]:
        """Ids of the criteria with this outcome, in the protocol's order."""
        return [one.criterion_id for one in self.judgements if one.outcome is outcome]


@dataclass(frozen=True)
class Change:
    """A criterion as it was frozen and as it reads now, outcome and evidence in words."""

    criterion: str
    words: str
    was: str
    now: str
    was_evidence: str
    now_evidence: str


def checklist(facts: Facts, trial: Protocol, as_of: date) -> Checklist:
    judgements = judge(gather(facts, trial, as_of), trial)
    unmet = {one.criterion_id for one in judgements if one.outcome is CriterionOutcome.NOT_MET}
    waivers = {name: one for name, one in holding_waivers(facts, trial).items() if name in unmet}
    used = {item.source for one in judgements for _, item in one.evidence if item.source}
    ends = [
        counts_until(name, item, trial) for one in judgements for name, item in one.evidence if item.value is not None
    ]
    return Checklist(
        as_of=as_of,
        judgements=judgements,
        rows=[_row(one, trial, waivers.get(one.criterion_id)) for one in judgements],
        outcome=overall(one.outcome for one in judgements),
        fingerprint=fingerprint(facts, trial, waivers),
        sources=tuple(sorted(used)),
        waived=tuple(waivers),
        counts_until=min((end for end in ends if end), default=None),
    )


def overall(outcomes: Any) -> CriterionOutcome:
    """Not met if one is not met, else indeterminate if one is, else met."""
    seen = set(outcomes)
    return next((one for one in _ORDER if one in seen), CriterionOutcome.INDETERMINATE)


def fingerprint(facts: Facts, trial: Protocol, waivers: Mapping[str, Waiver]) -> str:
    stored = {name: to_json(item) for name, item in gather(facts, trial, None).items()}
    told = [[name, one.pk] for name, one in sorted(waivers.items())]
    return _digest([trial.id, trial.version, stored, *([told] if told else [])])


def criterion_fingerprint(facts: Facts, trial: Protocol, criterion_id: str) -> str:
    """SHA-256 of the stored evidence of one criterion: a waiver holds for this and no other."""
    criterion = next(one for one in trial.criteria if one.id == criterion_id)
    stored = {name: to_json(item) for name, item in evidence_of(criterion, gather(facts, trial, None)).items()}
    return _digest([trial.id, trial.version, criterion_id, stored])


def holding_waivers(facts: Facts, trial: Protocol) -> dict[str, Waiver]:
    """The approved waiver of each criterion whose evidence and signature still stand, by criterion."""
    approved = [one for one in facts.waivers if one.decision == Waiver.Decision.APPROVED]
    return {
        one.criterion: one
        for one in approved
        if one.signature is not None
        and is_intact(one.signature)
        and one.fingerprint == criterion_fingerprint(facts, trial, one.criterion)
    }


def _digest(content: list[Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _row(one: Judgement, trial: Protocol, waiver: Waiver | None) -> dict[str, Any]:
    criterion = next(criterion for criterion in trial.criteria if criterion.id == one.criterion_id)
    row = {
        "criterion": one.criterion_id,
        "words": one.words,
        "note": criterion.note,
        "confirmed": criterion.confirmed,
        "outcome": one.outcome.value,
        "evidence": [_piece(name, item, trial) for name, item in one.evidence],
    }
    return row | {"waiver": _waiver(waiver)} if waiver else row


def _waiver(waiver: Waiver) -> dict[str, Any]:
    """What is said of a waiver beside its criterion."""
    return {
        "reason": waiver.reason,
        "requested_by": waiver.requested_by.printed_name if waiver.requested_by else "",
        "approved_by": waiver.signature.printed_name if waiver.signature else "",
        "approved_at": waiver.decided_at.isoformat() if waiver.decided_at else "",
        "approved_because": waiver.decision_reason,
    }


def _piece(name: str, item: Evidence, trial: Protocol) -> dict[str, Any]:
    until = counts_until(name, item, trial)
    return {
        "name": name,
        "label": label_of(name),
        "value": value_in_words(name, item),
        "on": day_in_words(item),
        "until": in_words(until) if until and item.value is not None else "",
        "source": item.source,
    }


def changes_since(frozen: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Criteria of a frozen checklist that would read differently today, in the protocol's order."""
    today = {row["criterion"]: row for row in now}
    pairs = [(row, today[row["criterion"]]) for row in frozen if row["criterion"] in today]
    return [
        Change(
            row["criterion"], row["words"], _IN_WORDS[row["outcome"]], _IN_WORDS[new["outcome"]], _told(row), _told(new)
        )
        for row, new in pairs
        if (row["outcome"], _told(row)) != (new["outcome"], _told(new))
    ]


def _told(row: Mapping[str, Any]) -> str:
    pieces = dict.fromkeys(" ".join((one["label"], one["value"], one["on"])).strip() for one in row["evidence"])
    return "; ".join(pieces)


def signed_content(screening_number: str, trial_id: str, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What the investigator signs: the subject, the protocol version, the day, and every row as shown."""
    return {"subject": screening_number, "protocol": trial_id, **snapshot}


def from_data(row: Mapping[str, Any]) -> bool:
    """True if no answer given on the page took part: such a row is corrected at its source only."""
    pieces: Sequence[Mapping[str, Any]] = row["evidence"]
    return bool(pieces) and not any(piece["source"].startswith("screening_answer") for piece in pieces)
