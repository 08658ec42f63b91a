"""Replaying a case file: compute every case, write what was computed, compare it with what is expected.

Runs without a database and without secrets; `manage.py replay` is a thin wrapper. No case id is known here.
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from protocol.schema import Protocol
from protocol.trial import TRIAL
from reporting.cases import pathway, responses, vectors
from reporting.cases.compare import Difference, differences, shown
from reporting.cases.eligibility import eligibility
from reporting.cases.judged import check_sections
from reporting.cases.reader import Malformed, Object, configured, load, need, objects, optional_decimal, part
from reporting.cases.subject import read_subject

Computed = dict[str, object]
#: Vectors that are notes for people: nothing can be compared.
NOTES = ("ctcae_numeric_not_enough",)


@dataclass(frozen=True)
class Case:
    """One case: where it stands, what it expects under which keys, and what was computed under the same keys."""

    section: str
    id: str
    expected: Object
    computed: Computed
    tolerance: Decimal | None = None

    def differences(self) -> Iterator[Difference]:
        return differences(self.id, self.expected, self.computed, tolerance=self.tolerance)


def read_cases(content: Object) -> list[Case]:
    """Every case of a file, computed. Raises Malformed."""
    check_sections(content)
    trial = configured(TRIAL, part(content, "config_defaults", "the file"), "config_defaults")
    known = part(content, "vectors", "the file")
    for kind in known:
        if kind not in VECTORS and kind not in (*NOTES, TERMS):
            raise Malformed(f"vectors: {kind!r} is not a known kind of vector.")
    return [
        *_scenarios(content, trial),
        *_epochs(content, trial),
        *(case for kind, rule in VECTORS.items() for case in _rows(known, kind, rule, trial)),
        *_terms(part(known, TERMS, "vectors")),
        *_rows(content, "seed_table", vectors.seed_row, trial),
        *_oracle(part(content, "confirmation_oracle", "the file"), trial),
    ]


def notes_in(content: Object) -> int:
    """How many rows are only notes."""
    known = part(content, "vectors", "the file")
    return sum(len(objects(known, kind, "vectors")) for kind in NOTES)


def _scenarios(content: Object, trial: Protocol) -> Iterator[Case]:
    for section in ("response_scenarios", "pathway_scenarios"):
        for index, case in enumerate(objects(content, section, "the file")):
            name = _name(case, section, index)
            expected = part(case, "expected", name)
            by_knowledge = section == "pathway_scenarios"
            yield Case(section, name, expected, _scenario(case, expected, trial, name, by_knowledge=by_knowledge))


def _scenario(case: Object, expected: Object, trial: Protocol, name: str, *, by_knowledge: bool) -> Computed:
    if not by_knowledge:
        need(case, "day1", name)
    subject = read_subject(case, trial, name)
    asked = {key: part(expected, key, name) for key in ("follow_up", "checks")}
    return {
        "responses": responses.responses(subject, expected),
        "as_of": responses.as_of(subject, expected, by_knowledge=by_knowledge),
        "derived": responses.derived(subject, expected),
        "phases": pathway.phases(subject),
        "dosing": pathway.dosing(subject),
        "follow_up": pathway.follow_up(subject, asked["follow_up"]),
        "checks": pathway.checks(subject, asked["checks"]),
    }


def _epochs(content: Object, trial: Protocol) -> Iterator[Case]:
    for index, case in enumerate(objects(content, "epoch_scenarios", "the file")):
        name = _name(case, "epoch_scenarios", index)
        settings = part(case, "config", name)
        rows, whole = responses.epoch(case, configured(trial, settings, name), name)
        yield Case("epoch_scenarios", name, _expected_keys(case), {"expected": rows, **whole})


def _rows(source: Object, kind: str, rule: "VectorRule", trial: Protocol) -> Iterator[Case]:
    for index, row in enumerate(objects(source, kind, kind)):
        name = _name(row, kind, index)
        computed = rule(row, configured(trial, part(row, "config", name), name), name)
        expected = {key: row[key] for key in computed if key in row}
        yield Case(kind, name, expected, computed, optional_decimal(row, "tolerance", name))


def _terms(terms: Object) -> Iterator[Case]:
    for term, grades in vectors.term_grades(terms).items():
        yield Case(TERMS, f"{TERMS} {term}", {"grades": terms[term]}, {"grades": grades})


def _oracle(oracle: Object, trial: Protocol) -> Iterator[Case]:
    for index, row in enumerate(objects(oracle, "subjects", "confirmation_oracle")):
        name = str(row.get("subject") or f"confirmation_oracle[{index}]")
        computed = vectors.confirmation(row, trial, name)
        yield Case("confirmation_oracle", name, {k: row[k] for k in computed if k in row}, computed)


def _name(case: Object, section: str, index: int) -> str:
    return str(case.get("id") or f"{section}[{index}]")


def _expected_keys(case: Object) -> Object:
    return {key: value for key, value in case.items() if key.startswith("expected")}


VectorRule = Callable[[Object, Protocol, str], Computed]
TERMS = "ctcae_v5_allowed_grades"
VECTORS: dict[str, VectorRule] = {
    "ctcae_lab_grades": vectors.ctcae_grade,
    "unit_conversions": vectors.unit_conversion,
    "derived_values": vectors.derived_value,
    "eligibility": eligibility,
    "endpoints": vectors.endpoint,
    "endpoint_binomial_ci95": vectors.binomial_interval,
}


def as_document(cases: Sequence[Case]) -> Computed:
    """What was computed, by section and case, in the shape of what a case expects."""
    head: dict[str, object] = {
        "schema": "clinical-cases-computed/1",
        "protocol": TRIAL.id,
        "version": TRIAL.version,
    }
    sections = dict.fromkeys(case.section for case in cases)
    rows = {s: [{"id": c.id, "computed": shown(c.computed)} for c in cases if c.section == s] for s in sections}
    return {**head, **rows}


def replay(path: Path, out: Path | None, stdout: TextIO, stderr: TextIO, *, check: bool) -> int:
    """Exit code: 0 all as expected, 1 differences, 2 the file cannot be understood."""
    try:
        content = load(path)
        cases, notes = read_cases(content), notes_in(content)
        _check_usable(path, cases, check=check)
    except Malformed as problem:
        stderr.write(" ".join(str(problem).split()) + "\n")
        return 2
    try:
        _write(cases, out, stdout, print_all=not check)
    except OSError as problem:
        stderr.write(f"{out} cannot be written: {problem.strerror}.\n")
        return 2
    return _report(cases, notes, stdout) if check else 0


def _check_usable(path: Path, cases: Sequence[Case], *, check: bool) -> None:
    if not cases:
        raise Malformed(f"{path} holds no cases.")
    silent = next((case for case in cases if check and not case.expected), None)
    if silent is not None:
        raise Malformed(f"{silent.id}: expected is missing.")


def _write(cases: Sequence[Case], out: Path | None, stdout: TextIO, *, print_all: bool) -> None:
    document = json.dumps(as_document(cases), indent=2, ensure_ascii=False) + "\n"
    if out is not None:
        out.write_text(document, encoding="utf-8")
    elif print_all:
        stdout.write(document)


def _report(cases: Sequence[Case], notes: int, stdout: TextIO) -> int:
    found = [list(case.differences()) for case in cases]
    for difference in (d for each in found for d in each):
        stdout.write(f"{difference}\n")
    failed = sum(1 for each in found if each)
    if notes:
        stdout.write(f"{notes} notes passed over\n")
    stdout.write(f"{len(cases) - failed} passed, {failed} failed\n")
    return 1 if failed else 0


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="case file (JSON)")
    parser.add_argument("--check", action="store_true", help="compare with what the file expects")
    parser.add_argument("--out", type=Path, help="write what was computed to this file")
