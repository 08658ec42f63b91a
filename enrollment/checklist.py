"""The checklist as it is shown, sent and signed: plain rows, the same in all three."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from enrollment.evidence import Facts, day_in_words, gather, label_of, value_in_words
from protocol.eligibility import Evidence, Judgement, judge
from protocol.explain import to_json
from protocol.schema import Protocol
from protocol.vocabulary import CriterionOutcome

_ORDER = (CriterionOutcome.NOT_MET, CriterionOutcome.INDETERMINATE, CriterionOutcome.MET)


@dataclass(frozen=True)
class Checklist:
    """Every criterion judged for a registration on `as_of`.

    rows: plain JSON types. fingerprint: SHA-256 of what is stored, whatever its age, and of the protocol version.
    """

    as_of: date
    judgements: tuple[Judgement, ...]
    rows: list[dict[str, Any]]
    outcome: CriterionOutcome
    fingerprint: str
    sources: tuple[str, ...]

    def with_outcome(self, outcome: CriterionOutcome) -> list[str]:
        """Ids of the criteria with this outcome, in the protocol's order."""
        return [one.criterion_id for one in self.judgements if one.outcome is outcome]


def checklist(facts: Facts, trial: Protocol, as_of: date) -> Checklist:
    judgements = judge(gather(facts, trial, as_of), trial)
    used = {item.source for one in judgements for _, item in one.evidence if item.source}
    return Checklist(
        as_of=as_of,
        judgements=judgements,
        rows=[_row(one, trial) for one in judgements],
        outcome=overall(one.outcome for one in judgements),
        fingerprint=fingerprint(facts, trial),
        sources=tuple(sorted(used)),
    )


def overall(outcomes: Any) -> CriterionOutcome:
    """Not met if one is not met, else indeterminate if one is, else met."""
    seen = set(outcomes)
    return next((one for one in _ORDER if one in seen), CriterionOutcome.INDETERMINATE)


def fingerprint(facts: Facts, trial: Protocol) -> str:
    stored = {name: to_json(item) for name, item in gather(facts, trial, None).items()}
    text = json.dumps([trial.id, trial.version, stored], sort_keys=True, ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _row(one: Judgement, trial: Protocol) -> dict[str, Any]:
    criterion = next(criterion for criterion in trial.criteria if criterion.id == one.criterion_id)
    return {
        "criterion": one.criterion_id,
        "words": one.words,
        "note": criterion.note,
        "confirmed": criterion.confirmed,
        "outcome": one.outcome.value,
        "evidence": [_piece(name, item) for name, item in one.evidence],
    }


def _piece(name: str, item: Evidence) -> dict[str, Any]:
    return {
        "name": name,
        "label": label_of(name),
        "value": value_in_words(name, item),
        "on": day_in_words(item),
        "source": item.source,
    }


def signed_content(screening_number: str, trial_id: str, snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """What the investigator signs: the subject, the protocol version, the day, and every row as shown."""
    return {"subject": screening_number, "protocol": trial_id, **snapshot}


def from_data(row: Mapping[str, Any]) -> bool:
    """True if no answer given on the page took part: such a row is corrected at its source only."""
    pieces: Sequence[Mapping[str, Any]] = row["evidence"]
    return bool(pieces) and not any(piece["source"].startswith("screening_answer") for piece in pieces)
