"""The tables of the protocol are total and consistent; the document is printed from them."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from protocol import document, units
from protocol.ctcae import ROWS, SYNONYMS, TERM_FOR
from protocol.derived import loinc_is_valid
from protocol.eligibility import RULES
from protocol.phases import END_RULES, PD_RULES, may_move, roads_from
from protocol.spans import ENDS_WITH_STUDY_MONTH, LASTS_MONTHS
from protocol.toxicity import row_for
from protocol.trial import COLUMNS, TRIAL
from protocol.vocabulary import (
    RESPONSE_ORDER,
    TERMINAL_PHASES,
    TREATMENT_PHASES,
    Analyte,
    CriteriaVersion,
    CtcaeVersion,
    PanelCode,
    Phase,
    Response,
)

CONVERSIONS = [
    ("serum_m", "25", "g/L", "2.5"),
    ("urine_m", "1.2", "g/(24.h)", "1200"),
    ("igg", "15.9", "g/L", "1590"),
    ("flc_kappa", "1.94", "mg/dL", "19.4"),
    ("hs_crp", "0.201", "mg/dL", "2.01"),
    ("wbc", "3500", "/mm3", "3.5"),
    ("plt", "150", "10*3/uL", "150"),
    ("hb", "8", "mmol/L", "12.888"),
    ("creatinine", "88.40", "umol/L", "1"),
    ("calcium", "2.5", "mmol/L", "10.02"),
    ("bilirubin", "17.10", "umol/L", "1"),
    ("ldh", "2", "ukat/L", "120"),
    ("urine_volume", "1.5", "L", "1500"),
    ("glucose", "5", "mmol/L", "90.08"),
    ("urate", "59.48", "umol/L", "1"),
    ("bun", "10", "mmol/L", "28.01"),
    ("phosphate", "1", "mmol/L", "3.097"),
    ("il6", "7", "ng/L", "7"),
    ("b2m", "2.7", "ug/mL", "2.7"),
    ("circulating_pc", "0.2", "10*9/L", "200"),
]


@pytest.mark.req("D7")
@pytest.mark.parametrize(("analyte", "value", "unit", "canonical"), CONVERSIONS)
def test_conversion(analyte: str, value: str, unit: str, canonical: str) -> None:
    assert units.convert(Analyte(analyte), Decimal(value), unit) == Decimal(canonical)
    assert units.convert_between(
        Analyte(analyte), Decimal(canonical), units.canonical_unit(Analyte(analyte)), unit
    ) == (Decimal(value))


def test_an_unknown_unit_is_refused_with_the_accepted_ones() -> None:
    with pytest.raises(units.UnknownUnit, match="accepted: g/dL, g/L"):
        units.convert(Analyte.SERUM_M, Decimal(1), "furlong")


def test_every_analyte_has_a_row_a_factor_and_a_panel() -> None:
    in_panels = {a for panel in TRIAL.panels.values() for a in panel.analytes}
    derived = {a for a, spec in TRIAL.analytes.items() if spec.derived}
    assert set(TRIAL.analytes) == set(units.FACTORS) == set(Analyte)
    assert in_panels | derived == set(Analyte)
    assert set(TRIAL.panels) == set(PanelCode)


def test_every_loinc_code_passes_its_check_digit() -> None:
    assert all(loinc_is_valid(spec.loinc) for spec in TRIAL.analytes.values() if spec.loinc)
    wrong = ("33944-8", "33945-5", "32730-5", "33944", "x-1", "12-x", "")
    assert not any(loinc_is_valid(code) for code in wrong)


def test_every_criterion_has_a_rule_and_every_rule_a_criterion() -> None:
    assert {c.id for c in TRIAL.criteria} == set(RULES)
    assert len({c.id for c in TRIAL.criteria}) == len(TRIAL.criteria) == 21


def test_every_treatment_phase_is_planned_and_can_progress() -> None:
    assert set(ENDS_WITH_STUDY_MONTH) | set(LASTS_MONTHS) == set(TREATMENT_PHASES) == set(PD_RULES)
    assert set(END_RULES) == set(TREATMENT_PHASES) - {Phase.INDUCTION, Phase.LOW_DEX_7_12}


@pytest.mark.req("D1")
def test_no_two_transitions_compete_and_no_phase_is_a_dead_end() -> None:
    roads = [(t.source, t.target) for t in TRIAL.transitions]
    assert len(roads) == len(set(roads))
    assert {phase for phase in Phase if not roads_from(phase, TRIAL)} == set(TERMINAL_PHASES)
    reachable = {t.target for t in TRIAL.transitions}
    assert reachable == set(Phase) - {Phase.SCREENING}


@pytest.mark.req("D1")
def test_a_road_that_is_not_in_the_table_is_closed() -> None:
    assert may_move(Phase.INDUCTION, Phase.HIGH_DEX, TRIAL)
    assert not may_move(Phase.HIGH_DEX, Phase.INDUCTION, TRIAL)


def test_enumerations_are_ordered_and_versioned() -> None:
    assert set(RESPONSE_ORDER) == set(Response)
    assert set(TRIAL.response_criteria) == set(CriteriaVersion)
    assert all(set(item.cells) <= set(COLUMNS) for item in TRIAL.items)


def test_toxicity_terms_have_one_row_in_each_version() -> None:
    keys = [(row.term, version) for row in ROWS for version in row.versions]
    assert len(keys) == len(set(keys))
    for term in (*TERM_FOR.values(), *SYNONYMS.values()):
        for version in CtcaeVersion:
            assert row_for(term, version).term == term


def test_unconfirmed_parameters_carry_their_mark() -> None:
    unconfirmed = {name for name, p in TRIAL.parameters.items() if not p.confirmed}
    assert "high_dex_mg" in unconfirmed
    assert not {"anakinra_mg", "low_dex_mg"} & unconfirmed


def test_the_page_holds_no_style_script_or_image() -> None:
    page = document.html(TRIAL)
    assert not re.search(r"<script|<style|<svg|<img| style=| on\w+=|data:", page)
    assert page.count("<section") == page.count("</section>") == 12
    assert "not confirmed" in page


def test_the_document_in_the_repository_is_up_to_date() -> None:
    committed = Path(__file__).parents[2] / "docs" / "protocol.md"
    assert committed.read_text(encoding="utf-8") == document.markdown(TRIAL)
    assert "stateDiagram-v2" in document.markdown(TRIAL)


@pytest.mark.req("E2")
def test_no_float_anywhere_in_the_protocol() -> None:
    rooms = Path(document.__file__).parent.glob("*.py")
    for path in rooms:
        code = re.sub(r'"[^"\n]*"|#.*', "", path.read_text(encoding="utf-8"))
        assert not re.search(r"\bfloat\(|: float\b", code), path.name
