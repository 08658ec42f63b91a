"""The clinical cases, each as a test; foreign, wrong and malformed case files."""

import copy
import io
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from protocol.schema import Config
from protocol.versions import ORIGINAL, VERSIONS
from reporting.cases.judged import ROWS, SECTIONS
from reporting.cases.reader import FIXED
from reporting.replay import NOTES, VECTORS, Case, read_cases, replay

FILE = Path(__file__).parent / "cases" / "clinical_cases.json"
OTHERS = [FILE.with_name(name) for name in ("more_cases.json", "boundary_cases.json")]
CONTENT = json.loads(FILE.read_text(encoding="utf-8"))


def _first(node: object, how_many: int) -> object:
    """The same tree with the first items of its lists only; what is below a list stays whole."""
    if isinstance(node, dict):
        return {key: _first(value, how_many) for key, value in node.items()}
    return node[:how_many] if isinstance(node, list) else node


#: Something of every section, as good to damage as the whole file and read in a fraction of its time.
FEW = {**_first(CONTENT, 5), **{key: CONTENT[key][:2] for key in ("response_scenarios", "pathway_scenarios")}}


def _cases() -> list[Case]:
    contents = [CONTENT, *(json.loads(path.read_text(encoding="utf-8")) for path in OTHERS)]
    return [case for content in contents for case in read_cases(content)]


@pytest.mark.req("E1", "E2")
@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.id)
def test_case(case: Case) -> None:
    assert [str(difference) for difference in case.differences()] == []


def run(content: object, tmp_path: Path, *, check: bool = True) -> tuple[int, str, str]:
    path = tmp_path / "cases.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    return replay(path, None, out, err, check=check), out.getvalue(), err.getvalue()


def test_the_closing_line_counts_the_cases(tmp_path: Path) -> None:
    code, out, _ = run(CONTENT, tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "297 passed, 0 failed")
    code, out, _ = run(FEW, tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "136 passed, 0 failed")


def test_a_foreign_file_is_judged_alike(tmp_path: Path) -> None:
    """Other ids and dates: 28 leap-year cycles keep every weekday and month length."""
    text = json.dumps({k: CONTENT[k] for k in ("schema", "response_scenarios", "epoch_scenarios")})
    for year in (2024, 2025):
        text = text.replace(f'"{year}-', f'"{year + 28}-')
    content = json.loads(text)
    for index, case in enumerate(content["response_scenarios"]):
        case["id"] = f"foreign {index}"
    code, out, _ = run(content, tmp_path)
    assert (code, out) == (0, "42 passed, 0 failed\n")


def _wrong_response(content: dict) -> None:
    content["response_scenarios"][0]["expected"]["responses"][0]["timepoint"] = "PD"


def _wrong_date(content: dict) -> None:
    content["pathway_scenarios"][1]["expected"]["dosing"]["dex_dates"][3] = "2024-08-06"


def _wrong_number(content: dict) -> None:
    content["vectors"]["unit_conversions"][0]["expected"] = "2.6"


def _wrong_grade(content: dict) -> None:
    content["vectors"]["ctcae_v5_allowed_grades"]["Fever"] = [1]


def _wrong_epoch(content: dict) -> None:
    content["epoch_scenarios"][1]["expected_proposal"] = None


def _unknown_key(content: dict) -> None:
    content["response_scenarios"][0]["expected"]["surprise"] = 1


def _object_for_value(content: dict) -> None:
    content["vectors"]["endpoints"][0]["expected"]["pfs6"] = {"a": 1}


def _list_for_value(content: dict) -> None:
    content["vectors"]["endpoints"][0]["expected"]["pfs6"] = ["a"]


def _shorter_list(content: dict) -> None:
    content["pathway_scenarios"][0]["expected"]["phases"].pop()


@pytest.mark.parametrize(
    "damage",
    [
        _wrong_response,
        _wrong_date,
        _wrong_number,
        _wrong_grade,
        _wrong_epoch,
        _unknown_key,
        _object_for_value,
        _list_for_value,
        _shorter_list,
    ],
)
def test_a_wrong_expectation_fails(damage, tmp_path: Path) -> None:
    content = copy.deepcopy(FEW)
    damage(content)
    code, out, _ = run(content, tmp_path)
    assert code == 1
    assert out.splitlines()[-1] == "135 passed, 1 failed"
    assert "expected" in out


@pytest.mark.parametrize("extreme", ["1e-99999", "1e99999", "1e9999999", "NaN", "sNaN", "-Infinity", 10**40])
@pytest.mark.parametrize("tolerance", [None, "0.01"])
def test_an_expected_number_of_any_size_is_a_difference(extreme, tolerance, tmp_path: Path) -> None:
    content = copy.deepcopy(FEW)
    row = content["vectors"]["unit_conversions"][0]
    row["expected"], row["tolerance"] = extreme, tolerance
    code, out, err = run(content, tmp_path)
    assert (code, err, out.splitlines()[-1]) == (1, "", "135 passed, 1 failed")


def test_the_largest_and_smallest_numbers_are_computed_and_written(tmp_path: Path) -> None:
    most, least = "9999999999999", "0.000000000001"
    inputs = {"total_protein_mg_dl": most, "volume_ml_24h": most, "m_spike_pct_of_total": most}
    rows = [
        {"name": "urine_m_mg_24h", "inputs": inputs, "expected": "0"},
        {"name": "flc_ratio", "inputs": {"kappa_mg_l": most, "lambda_mg_l": least}, "expected": "0"},
        {"name": "hscrp_pct_change", "inputs": {"baseline": least, "value": most}, "expected": f"0.{'0' * 20}"},
    ]
    case = copy.deepcopy(CONTENT["response_scenarios"][0])
    for index, assessment in enumerate(case["assessments"]):
        assessment["labs"]["serum_m_g_dl"] = most if index % 2 else least
    content = {"schema": "clinical-cases/1", "vectors": {"derived_values": rows}, "response_scenarios": [case]}
    for check in (True, False):
        assert run(content, tmp_path, check=check)[0] == int(check)


S = ("response_scenarios", 0)
P = ("pathway_scenarios", 1)
V = "vectors"
MALFORMED = [
    ((*S, "day1"), "remove", "day1 is missing"),
    ((*S, "day1"), "2024-13-01", "is not a date"),
    ((*S, "day1"), "9999-12-31", "lies outside the years"),
    ((*S, "assessments"), {}, "expected a list"),
    ((*S, "assessments", 0, "labs"), [], "expected an object"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), "abc", "is not a number"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), 2.5, "is not a number"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), "NaN", "is not a finite number"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), "1e99999", "is not a finite number of a usable size"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), "1e-99999", "is not a finite number of a usable size"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), "0e-99999", "is not a finite number of a usable size"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), f"1.{'0' * 40}1", "is not a finite number of a usable size"),
    ((V, "unit_conversions", 0, "value"), "1e-99999", "is not a finite number of a usable size"),
    ((V, "unit_conversions", 0, "tolerance"), "1e-99999", "is not a finite number of a usable size"),
    ((*S, "assessments", 0, "labs", "serum_m_g_dl"), "-1", "is below zero"),
    ((*S, "assessments", 0, "labs", "sife"), "maybe", "is neither neg nor pos"),
    ((*S, "assessments", 0, "labs", "new_bone_lesion"), "yes", "is neither true, false nor null"),
    ((*S, "assessments", 0, "labs", "unheard_of"), "1", "is not a known lab key"),
    ((*S, "assessments", 1, "id"), "BL", "is listed twice"),
    ((*S, "assessments", 1, "id"), 7, "is not text"),
    ((*S, "config"), {"criteria_version": "X"}, "is not one of"),
    ((*S, "config"), {"unheard_of": 1}, "is not a switch"),
    ((*S, "config"), {"month6_window_days": [1]}, "expected two numbers"),
    ((*S, "config"), {"month6_window_days": [-14, 10**9]}, "lies outside -3660 to 3660"),
    ((*S, "config"), {"bm_valid_days": "1.5"}, "is not a whole number"),
    ((*S, "config"), {"fu_visits": 3660}, "reach too far"),
    ((*S, "config"), {"hold_shifts_calendar": True}, "can only be False"),
    ((*S, "config"), {"low_dex_anchor": "PHASE"}, "can only be FIRST_LOW_DEX_DAY_CONTINUOUS"),
    ((*S, "config"), {"low_dex_13_18_mandatory": False}, "low_dex_13_18_mandatory can only be True"),
    ((*S, "config"), {"combo_reference": "START_OF_DEX"}, "combo_reference can only be STUDY_BASELINE"),
    ((*S, "config"), {"orr_floor": "MR"}, "orr_floor can only be PR"),
    ((*S, "config"), {"ctcae_version": "7"}, "is not one of"),
    ((*S, "config"), {"serum_measure": "igg"}, "is neither serum_m nor iga"),
    ((*S, "assessments", 0, "labs", "mri_focal_lesions"), "1.5", "is not a whole number"),
    ((*S, "assessments", 0, "labs", "sife"), ["x" * 500], "..."),
    ((*S, "expected"), "remove", "expected is missing"),
    ((*S, "expected", "responses", 0, "assessment"), "ZZ", "which is not listed"),
    ((*P, "actions", 1, "phase"), "FOO", "is not one of"),
    ((*P, "actions", 1, "type"), "FOO", "is not one of"),
    ((*P, "actions", 1), {"type": "CORRECT_LAB", "date": "2024-02-01", "assessment": "X"}, "no such assessment"),
    (("pathway_scenarios", 1, "day1"), "2024-01-16", "Day 1 is 2024-01-16, the first dose 2024-01-15"),
    ((V, "ctcae_lab_grades", 0, "version"), "9", "is not one of"),
    ((V, "unit_conversions", 0, "from_unit"), "furlong", "is not a unit"),
    ((V, "derived_values", 0, "name"), "x", "is not a derived value"),
    ((V, "derived_values", 4, "inputs", "age"), "6.5", "is not a whole number"),
    ((V, "eligibility", 0, "inputs", "unheard_of"), 1, "is not an input"),
    ((V, "eligibility", 0, "inputs", "caregiver"), 1, "is neither text nor true or false"),
    ((V, "endpoint_binomial_ci95", 0, "n"), 0, "A proportion needs"),
    ((V, "endpoint_binomial_ci95", 0, "n"), 10**9, "n is above 1000"),
    ((V, "unheard_of"), [], "is not a known kind of vector"),
    (("confirmation_oracle", "subjects", 0, "dates"), [], "differ in length"),
    (("response_scenario",), [], "'response_scenario' is not a part that can be judged"),
    (("more_vectors",), {}, "is not a part that can be judged"),
    (("confirmation_oracle", "subject"), [], "'subject' is not a part that can be judged"),
    (("confirmation_oracle", "subjects", 0, "confirmd"), [], "is 'confirmed' meant?"),
    (("seed_table", 0, "rounded_half_upp"), "0", "is 'rounded_half_up' meant?"),
    (("seed_table", 0, "truncate"), "0", "is 'truncated' meant?"),
    ((V, "endpoint_binomial_ci95", 0, "lower"), "0", "is 'lower_pct' meant?"),
    ((V, "endpoint_binomial_ci95", 0, "uper_pct"), "0", "is 'upper_pct' meant?"),
    ((V, "endpoint_binomial_ci95", 0, "expected"), "0", "'expected' would not be judged"),
    ((V, "eligibility", 0, "expected_fail"), [], "is 'expected_failed' meant?"),
    ((V, "eligibility", 0, "eligible"), True, "is 'expected_eligible' meant?"),
    ((V, "ctcae_lab_grades", 0, "expected_value"), 1, "'expected_value' would not be judged"),
    ((V, "ctcae_lab_grades", 0, "grade"), 1, "is 'expected_grade' meant?"),
    ((V, "derived_values", 0, "Expected_reason"), 1, "would not be judged"),
    ((V, "endpoints", 0, "exspected"), {}, "is 'expected' meant?"),
    ((V, "unit_conversions", 0, "tolerence"), "9", "is 'tolerance' meant?"),
    (("epoch_scenarios", 1, "expcted_proposal"), None, "is 'expected_proposal' meant?"),
    ((*S, "expected_responses"), [], "would not be judged"),
    ((*P, "expectd"), {}, "is 'expected' meant?"),
    ((*S, "new_anticancer_therpy"), "2024-02-01", "is 'new_anticancer_therapy' meant?"),
]


@pytest.mark.parametrize(("path", "value", "sentence"), MALFORMED)
def test_a_malformed_file_gets_one_sentence(path, value, sentence: str, tmp_path: Path) -> None:
    content = copy.deepcopy(FEW)
    node = content
    for key in path[:-1]:
        node = node[key]
    if value == "remove":
        del node[path[-1]]
    else:
        node[path[-1]] = value
    code, out, err = run(content, tmp_path)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


READ = re.compile(r"\bconfig\.(\w+)")
ROOMS = ("protocol", "enrollment", "safety", "dosing", "labs", "followup", "reporting")


@pytest.mark.req("E1")
def test_every_switch_is_read_or_has_one_value_in_every_version() -> None:
    """A switch that nobody reads would be accepted and change nothing."""
    root = Path(__file__).parents[2]
    texts = (path.read_text(encoding="utf-8") for room in ROOMS for path in (root / room).rglob("*.py"))
    read = {name for text in texts for name in READ.findall(text)}
    switches = {field.name for field in fields(Config)}
    assert switches - read == set(FIXED)
    for version in VERSIONS.values():
        assert [getattr(version.config, name) for name in FIXED] == [getattr(Config(), name) for name in FIXED]
        assert version.config.ctcae_version is ORIGINAL.config.ctcae_version, "safety offers the terms of one scale"


@pytest.mark.parametrize(("version", "grade"), [("5.0", 1), ("3.0", 2)])
def test_a_grade_without_a_version_is_of_the_configured_scale(version: str, grade: int, tmp_path: Path) -> None:
    """ALT at 2.6 times the upper limit: beyond the first grade of version 3.0, within that of 5.0."""
    row = {
        "term": "Alanine aminotransferase increased",
        "value": "104",
        "uln": "40",
        "unit": "U/L",
        "expected_grade": grade,
    }
    head = {"schema": "clinical-cases/1", "config_defaults": {"ctcae_version": version}}
    code, out, err = run({**head, "vectors": {"ctcae_lab_grades": [row]}}, tmp_path)
    assert (code, err, out) == (0, "", "1 passed, 0 failed\n")


def test_a_name_of_two_lines_still_gets_one_sentence(tmp_path: Path) -> None:
    case = {**CONTENT["response_scenarios"][0], "id": "two\nlines", "day1": "2024-02-30"}
    code, _, err = run({"schema": "clinical-cases/1", "response_scenarios": [case]}, tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("two lines: day1: '2024-02-30' is not a date")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "expected an object"),
        ("{}", "is not a case file"),
        ('{"schema": "clinical-cases/1"}', "holds no cases"),
        ("[" * 200_000, "nested too deeply"),
        ('{"schema": ' + "1" * 5000 + "}", "too many digits"),
        ('{"schema": "\\ud800"}', "is not UTF-8 text"),
        ('{"schema": "clinical-cases/1", "vectors": {"a": 1, "a": 2}}', "'a' is written twice in one object"),
    ],
)
def test_what_is_no_case_file_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    code, _, err = run(text, tmp_path)
    assert code == 2
    assert sentence in err


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert replay(tmp_path / "nowhere.json", None, out, err, check=True) == 2
    assert replay(FILE, tmp_path / "no" / "folder.json", out, err, check=True) == 2
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    assert replay(binary, None, out, err, check=True) == 2
    assert err.getvalue().count("\n") == 3


def test_remarks_stand_beside_what_is_judged(tmp_path: Path) -> None:
    """Every kind of row takes remarks; the kinds that are judged are those whose keys are listed."""
    content = copy.deepcopy(CONTENT)
    vectors = content["vectors"]
    rows = [row for kind in SECTIONS if isinstance(content[kind], list) for row in content[kind]]
    rows += [row for kind in vectors.values() if isinstance(kind, list) for row in kind]
    rows += content["confirmation_oracle"]["subjects"]
    for row in rows:
        row.update(comment="seen", source="a colleague", tags=["x"], reviewed_by="J.", note="as printed")
    code, out, err = run(content, tmp_path)
    assert (code, err, out.splitlines()[-1]) == (0, "", "297 passed, 0 failed")
    assert set(VECTORS) | set(NOTES) <= set(ROWS)


def test_what_was_computed_is_written(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    assert replay(FILE, target, io.StringIO(), io.StringIO(), check=True) == 0
    written = json.loads(target.read_text(encoding="utf-8"))
    first = written["response_scenarios"][0]["computed"]
    assert first["responses"][0]["timepoint"] == "SD"
    assert first["as_of"][0]["proposal"] == "ASSIGN_LOW_DEX"


def test_without_expectations_everything_is_computed(tmp_path: Path) -> None:
    """A statistician's own data: no expected, nothing compared, all assessments answered."""
    case = {k: v for k, v in CONTENT["response_scenarios"][4].items() if k != "expected"}
    code, out, _ = run({"schema": "clinical-cases/1", "response_scenarios": [case]}, tmp_path, check=False)
    computed = json.loads(out)["response_scenarios"][0]["computed"]
    assert code == 0
    assert [row["confirmed"] for row in computed["responses"]] == [None, "MR", "MR"]
