"""Versions of the protocol: one dictionary for all, declared values that agree, and no difference that goes unseen."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from decimal import Decimal
from enum import Enum

import pytest

from protocol.compare import Kind, compare
from protocol.document import markdown
from protocol.schema import Config, MdeLimits, MeasurableLimits, Protocol, ResponseCriteria
from protocol.versions import AMENDMENT_1, ORIGINAL, VERSIONS, UnknownVersion, is_later, named, slot_label
from protocol.words import SETTINGS, parameter_value, said

GROUPS: dict[type, str] = {
    Config: "config", ResponseCriteria: "response_version", MeasurableLimits: "measurable", MdeLimits: "mde"
}  # fmt: skip
SWITCHES = [one.name for one in fields(Config)]


@pytest.mark.parametrize("trial", VERSIONS.values(), ids=list(VERSIONS))
def test_stored_values_mean_the_same_in_every_version(trial: Protocol) -> None:
    assert trial.analytes == ORIGINAL.analytes
    assert trial.panels == ORIGINAL.panels
    labels = {slot.code: slot.label for slot in ORIGINAL.schedule}
    assert all(labels.get(slot.code, slot.label) == slot.label == slot_label(slot.code) for slot in trial.schedule)


@pytest.mark.parametrize("trial", VERSIONS.values(), ids=list(VERSIONS))
def test_what_is_printed_is_what_the_rules_read(trial: Protocol) -> None:
    printed = {name: parameter.value for name, parameter in trial.parameters.items()}
    for name in ("criteria_version", "confirmation_min_days", "nadir_mode", "month6_basis", "baseline_days"):
        value = getattr(trial.config, name)
        assert printed[name] == str(value.value if isinstance(value, Enum) else value)
    assert f"version {trial.version}" in markdown(trial)


def test_versions_have_names_and_an_order() -> None:
    assert [named(version).version for version in VERSIONS] == list(VERSIONS)
    assert is_later(AMENDMENT_1.version, ORIGINAL.version)
    assert not is_later(ORIGINAL.version, ORIGINAL.version)
    assert not ORIGINAL.amendment
    assert AMENDMENT_1.amendment
    with pytest.raises(UnknownVersion, match=r"9\.9"):
        named("9.9")
    assert slot_label("m06") == "Month 6"
    assert slot_label("nothing") == "nothing"


def test_equal_versions_do_not_differ() -> None:
    assert compare(ORIGINAL, ORIGINAL) == ()


def test_the_amendment_differs_in_what_it_declares() -> None:
    found = {section.heading: {row.name for row in section.rows} for section in compare(ORIGINAL, AMENDMENT_1)}
    assert found["Parameters"] == {"Response criteria", "Days between confirming samples", "Nadir"}
    assert found["Response rules in words"] == {
        "R-PD-S / Progressive disease", "R-PD-BM / Progressive disease", "R-CONF / all"
    }  # fmt: skip
    assert set(found) == {
        "Parameters", "Response rules in words", "Response criteria by version", "Settings of the rules",
    }  # fmt: skip


@pytest.mark.parametrize("name", SWITCHES)
def test_no_switch_differs_unseen(name: str) -> None:
    value = getattr(ORIGINAL.config, name)
    if isinstance(value, Enum):
        other: object = next((one for one in type(value) if one is not value), None)
        if other is None:
            pytest.skip("only one value is known")
    else:
        other = _other(value)
    changed = replace(ORIGINAL, config=replace(ORIGINAL.config, **{name: other}))
    assert SETTINGS["config"][name].label in _settings(changed)


@pytest.mark.parametrize("kind", [ResponseCriteria, MeasurableLimits, MdeLimits])
def test_no_limit_differs_unseen(kind: type) -> None:
    for one in fields(kind):
        if one.name in ("version", "title"):
            continue  # seen as the response criteria of the configuration, and in the table of their versions
        if kind is ResponseCriteria:
            old = ORIGINAL.response_version
            other = "" if one.name in ("marrow_pd", "high_m_reference") else _other(getattr(old, one.name))
            whole = replace(old, **{one.name: other})
            criteria = {**ORIGINAL.response_criteria, ORIGINAL.config.criteria_version: whole}
            changed = replace(ORIGINAL, response_criteria=criteria)  # type: ignore[arg-type]
        else:
            part = "measurable" if kind is MeasurableLimits else "mde"
            limits = getattr(ORIGINAL, part)
            changed = replace(ORIGINAL, **{part: replace(limits, **{one.name: _other(getattr(limits, one.name))})})
        assert SETTINGS[GROUPS[kind]][one.name].label in " ".join(_settings(changed)), one.name


def test_every_setting_has_words() -> None:
    assert {group: set(settings) for group, settings in SETTINGS.items()} == {
        group: {one.name for one in fields(kind)} - {"version", "title"} for kind, group in GROUPS.items()
    }


@pytest.mark.parametrize("trial", VERSIONS.values(), ids=list(VERSIONS))
def test_no_code_stands_where_a_version_is_compared(trial: Protocol) -> None:
    """Against a version without any row, every row stands on the page: no name of a field, no value of a list."""
    bare = replace(
        trial, facts={}, schedule=(), items=(), regimens=(), transitions=(), dose_rules=(), criteria=(), parameters={},
        analytes={}, washouts=(), components=(),
    )  # fmt: skip
    texts = [
        text
        for section in compare(bare, trial)
        if section.heading != "Laboratory dictionary"  # its columns are codes by name
        for row in section.rows
        for cell in row.cells
        if cell.head not in ("Column", "Code")
        for text in (row.name, cell.after)
    ]
    texts += [
        setting.value(getattr(getattr(trial, group), name))
        for group, settings in SETTINGS.items()
        for name, setting in settings.items()
    ]
    assert len(texts) > 300
    assert [text for text in texts if re.search(r"[A-Z]{2,}_|_[A-Z]|\b[a-z]+_[a-z]+|\b[A-Z]{4,}\d{4}\b", text)] == []


@pytest.mark.parametrize(
    ("group", "name", "stored", "words"),
    [
        ("config", "criteria_version", "IMWG2011", "IMWG 2011 (Rajkumar)"),
        ("config", "confirmation_min_days", 42, "42 days"),
        ("config", "reminder_offsets_days", (-30, -7), "-30, -7 days from it"),
        ("config", "low_dex_13_18_mandatory", True, "yes"),
        ("response_version", "calcium_pd_above", None, "none"),
        ("response_version", "calcium_pd_above", Decimal("11.5"), "11.5 mg/dL"),
        ("mde", "focal_lesions_over", 1, "1"),
    ],
)
def test_a_setting_is_told_in_words_with_its_unit(group: str, name: str, stored: object, words: str) -> None:
    assert SETTINGS[group][name].value(stored) == words


def test_a_parameter_is_told_in_words_with_its_unit() -> None:
    parameters = AMENDMENT_1.parameters
    assert parameter_value(parameters["criteria_version"]) == "IMWG 2011 (Rajkumar)"
    assert parameter_value(parameters["confirmation_min_days"]) == "42 days"
    assert parameter_value(parameters["early_pd"]) == "high-dose dexamethasone"
    assert said("no code") == "no code"


def test_rows_are_added_and_removed() -> None:
    fewer = replace(ORIGINAL, criteria=ORIGINAL.criteria[1:], regimens=ORIGINAL.regimens[:-1])
    kinds = {section.heading: [row.kind for row in section.rows] for section in compare(ORIGINAL, fewer)}
    assert kinds == {"Eligibility criteria": [Kind.REMOVED], "Regimens": [Kind.REMOVED]}
    back = {section.heading: [row.kind for row in section.rows] for section in compare(fewer, ORIGINAL)}
    assert back == {"Eligibility criteria": [Kind.ADDED], "Regimens": [Kind.ADDED]}
    other = replace(ORIGINAL, schedule=(replace(ORIGINAL.schedule[0], opens=-42), *ORIGINAL.schedule[1:]))
    (section,) = compare(ORIGINAL, other)
    (row,) = section.rows
    assert (section.heading, section.anchor, row.kind) == ("Visit windows", "visit-windows", Kind.CHANGED)
    assert (row.cells[0].before, row.cells[0].after) == ("-28 to -1 days", "-42 to -1 days")


def _settings(changed: Protocol) -> set[str]:
    sections = {section.heading: section.rows for section in compare(ORIGINAL, changed)}
    return {row.name for row in sections.get("Settings of the rules", ())}


def _other(value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Decimal):
        return value + 1
    if isinstance(value, tuple):
        return value[1:] or ("something",)
    return "ELSE" if value is not None else Decimal(12)
