"""Forms of laboratory files: which file, which column is what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from labs.files import MOST_BYTES, Table
from labs.mapping import (
    DATE_FORMATS,
    IMPORTABLE,
    NEEDED,
    NOT_WANTED,
    OF_A_RESULT,
    PART_WORDS,
    FileMapping,
    Part,
    Shape,
    tests_of,
    unit_key,
)
from labs.models import Laboratory
from labs.words import unit_words
from protocol.trial import TRIAL
from protocol.units import FACTORS, accepted_units
from protocol.vocabulary import Analyte

_TESTS = [
    ("", "Choose"),
    (NOT_WANTED, "Not part of the trial"),
    *((one.value, TRIAL.analytes[one].label) for one in IMPORTABLE),
]
_UNITS = [
    ("", "Not stated"),
    *(
        (code, unit_words(code))
        for code in dict.fromkeys(unit for row in FACTORS.values() for unit in row)
        if unit_words(code)
    ),
]


class UploadForm(forms.Form):
    """A laboratory's file."""

    laboratory = forms.ChoiceField(label="Laboratory", error_messages={"required": "Choose the laboratory."})
    file = forms.FileField(
        label="File",
        help_text="CSV in UTF-8, one row for each result or one column for each test.",
        error_messages={
            "required": "Choose the file.",
            "missing": "Choose the file.",
            "empty": "The file is empty.",
            "max_length": "The file's name is longer than 100 characters.",
        },
        max_length=100,
    )

    def __init__(self, *args: Any, laboratories: Iterable[Laboratory], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(str(one.pk), f"{one.name}, {one.site}") for one in laboratories]
        choices = named if len(named) == 1 else [("", "Choose"), *named]
        self.fields["laboratory"].choices = choices  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        uploaded = self.cleaned_data["file"]
        if uploaded.size > MOST_BYTES:
            most = MOST_BYTES // 1024 // 1024
            raise forms.ValidationError(f"The file is larger than {most} MB. Split it by month or by subject.")
        return uploaded


class MappingForm(forms.Form):
    """Which column of a file is what, and which test. Rows of a test that is left open wait in the review."""

    all_optional = True

    def __init__(self, *args: Any, table: Table, known: FileMapping, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table, self.known = table, known
        headings = [("", "Not in the file"), *((one, one) for one in table.header)]
        parts = [part for part in Part if known.shape is Shape.LONG or part not in OF_A_RESULT]
        for part in parts:
            self.fields[part.value] = forms.ChoiceField(
                label=PART_WORDS[part], choices=headings, required=part in NEEDED[known.shape],
                initial=known.columns.get(part, ""), error_messages={"required": "Choose the column."},
            )  # fmt: skip
        self.fields["date_format"] = forms.ChoiceField(
            label="Dates are written", choices=[("", "Choose"), *DATE_FORMATS.items()], initial=known.date_format,
            error_messages={"required": "Choose how dates are written."},
        )  # fmt: skip
        self.part_names = [*(part.value for part in parts), "date_format"]
        self.tests = tests_of(table, self._columns_as_posted())
        for place, test in enumerate(self.tests):
            self._add_test(place, test)

    def _columns_as_posted(self) -> FileMapping:
        """The mapping with the columns chosen just now or in the draft, since the tests depend on them."""
        given = self.data if self.is_bound else self.initial
        if not given:
            return self.known
        chosen = {Part(name): str(given.get(name)) for name in self.fields if name != "date_format" and given.get(name)}
        return FileMapping(self.known.shape, {k: v for k, v in chosen.items() if v in self.table.header})

    def _add_test(self, place: int, test: str) -> None:
        known = self.known.tests.get(test, "")
        self.fields[f"test_{place}"] = forms.ChoiceField(
            label=test[:60], choices=_TESTS, initial=known,
            error_messages={"required": "Choose the test, or state that it is not part of the trial."},
        )  # fmt: skip
        if self.known.shape is Shape.WIDE:
            unit = self.known.units.get(unit_key(Analyte(known), ""), "") if known not in ("", NOT_WANTED) else ""
            self.fields[f"unit_{place}"] = forms.ChoiceField(
                label=f"Unit of {test[:60]}", choices=_UNITS, initial=unit, required=False
            )

    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField | None]]:
        """Test and, where columns are tests, its unit."""
        return [
            (self[f"test_{place}"], self[f"unit_{place}"] if f"unit_{place}" in self.fields else None)
            for place in range(len(self.tests))
        ]

    def parts(self) -> list[forms.BoundField]:
        return [self[name] for name in self.part_names]

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        chosen = [given[name] for name in self.part_names[:-1] if given.get(name)]
        for name in self.part_names[:-1]:
            if given.get(name) and chosen.count(given[name]) > 1:
                self.add_error(name, f"The column {given[name]} is chosen twice.")
        for place in range(len(self.tests)):
            self._check_unit(place, given.get(f"test_{place}", ""), given.get(f"unit_{place}", ""))
        return given

    def _check_unit(self, place: int, test: str, unit: str) -> None:
        if unit and test not in ("", NOT_WANTED) and unit not in accepted_units(Analyte(test)):
            accepted = ", ".join(unit_words(one) for one in accepted_units(Analyte(test)) if one) or "no unit"
            label = TRIAL.analytes[Analyte(test)].label
            self.add_error(f"unit_{place}", f"This is not a unit of {label}; it is reported in {accepted}.")

    def mapping(self) -> FileMapping:
        """What was chosen. Only of a valid form."""
        given = self.cleaned_data
        tests = {test: given[f"test_{place}"] for place, test in enumerate(self.tests) if given[f"test_{place}"]}
        units = dict(self.known.units)
        for place in range(len(self.tests)):
            if given.get(f"unit_{place}") and given[f"test_{place}"] != NOT_WANTED:
                units[unit_key(Analyte(given[f"test_{place}"]), "")] = given[f"unit_{place}"]
        return FileMapping(
            shape=self.known.shape,
            columns={Part(name): given[name] for name in self.part_names[:-1] if given[name]},
            tests={**(self.known.tests if self.known.shape is Shape.LONG else {}), **tests},
            units=units,
            date_format=given["date_format"],
        )
