"""What a case file may hold: nothing that looks like an expectation is passed over."""

from collections.abc import Iterator
from difflib import get_close_matches

from reporting.cases.reader import Malformed, Object, objects, part

#: Parts that are compared, and those that tell people about the file.
SECTIONS = (
    "response_scenarios",
    "pathway_scenarios",
    "epoch_scenarios",
    "vectors",
    "seed_table",
    "confirmation_oracle",
)
HEAD = ("schema", "purpose", "conventions", "config_defaults", "enums")
ORACLE = ("source", "note", "subjects")
SCENARIO = ("id", "title", "config", "day1", "assessments", "new_anticancer_therapy", "new_therapy", "expected")
#: What is read from a row of each kind, and what is compared with it. Any other key is a remark.
ROWS: dict[str, tuple[str, ...]] = {
    "response_scenarios": SCENARIO,
    "pathway_scenarios": (*SCENARIO, "actions"),
    "epoch_scenarios": (
        *SCENARIO, "phase", "phase_start", "study_baseline", "phase_baseline",
        "expected_study_confirmed", "expected_phase_confirmed", "expected_proposal",
    ),
    "ctcae_lab_grades": (
        "id", "term", "version", "value", "unit", "lln", "uln", "baseline", "baseline_flag", "expected_grade",
    ),
    "ctcae_numeric_not_enough": ("expected",),
    "unit_conversions": ("id", "analyte", "from_unit", "value", "to_unit", "expected", "tolerance"),
    "derived_values": ("id", "name", "inputs", "expected", "tolerance"),
    "eligibility": ("id", "inputs", "expected_eligible", "expected_failed"),
    "endpoints": ("id", "inputs", "expected"),
    "endpoint_binomial_ci95": ("id", "x", "n", "proportion_pct", "lower_pct", "upper_pct"),
    "seed_table": (
        "patient_index", "analyte", "unit", "on_study", "six_month", "published_pct_change",
        "true_pct_change", "rounded_half_up", "truncated", "publication_used",
    ),
    "subjects": ("subject", "dates", "reported", "confirmed", "new_anticancer_therapy", "pd_evidence_by_index"),
}  # fmt: skip
ALIKE = 0.8


def check_sections(content: Object) -> None:
    """Raises Malformed where the file holds a part, or a row a key, that would not be judged."""
    _known(content, (*HEAD, *SECTIONS), "the file")
    oracle = part(content, "confirmation_oracle", "the file")
    _known(oracle, ORACLE, "confirmation_oracle")
    vectors = part(content, "vectors", "the file")
    for source in (content, vectors, oracle):
        for kind in ROWS.keys() & source.keys():
            for index, row in enumerate(objects(source, kind, kind)):
                _check_row(row, kind, f"{kind}[{index}]")


def _known(source: Object, names: tuple[str, ...], where: str) -> None:
    strange = next((key for key in source if key not in names), None)
    if strange is not None:
        raise Malformed(f"{where}: {strange!r} is not a part that can be judged; there are {', '.join(names)}.")


def _check_row(row: Object, kind: str, where: str) -> None:
    for key in row:
        meant = "" if key in ROWS[kind] else next(_meant(key, ROWS[kind]), "")
        if meant:
            raise Malformed(f"{row.get('id') or where}: {key!r} would not be judged; is {meant!r} meant?")


def _meant(key: str, names: tuple[str, ...]) -> Iterator[str]:
    """The names that a key may stand for: it is spelt alike, is a part of one, or says that it expects."""
    words = set(key.lower().split("_"))
    yield from get_close_matches(key.lower(), names, n=1, cutoff=ALIKE)
    yield from (name for name in names if "_" in name and words <= set(name.split("_")))
    if key.lower().startswith("expect"):
        yield next((name for name in names if name.startswith("expect")), names[-1])
