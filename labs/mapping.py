"""How one laboratory's files are read: plain values, no database. Any way in ends in the same `Received` rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from labs.files import Line, Table
from labs.selectors.visits import ELSEWHERE
from protocol.coding import OTHER_LOINC
from protocol.trial import TRIAL
from protocol.units import UnknownUnit, unit_code
from protocol.vocabulary import Analyte


class Shape(StrEnum):
    LONG = "long"
    WIDE = "wide"


class Part(StrEnum):
    """What a column can hold."""

    SUBJECT = "subject"
    BIRTH_YEAR = "birth_year"
    SEX = "sex"
    COLLECTED_ON = "collected_on"
    COLLECTED_TIME = "collected_time"
    ACCESSION = "accession"
    METHOD = "method"
    TEST = "test"
    VALUE = "value"
    UNIT = "unit"
    STATUS = "status"


PART_WORDS: Mapping[Part, str] = {
    Part.SUBJECT: "Subject number",
    Part.BIRTH_YEAR: "Year of birth",
    Part.SEX: "Sex",
    Part.COLLECTED_ON: "Collection date",
    Part.COLLECTED_TIME: "Collection time",
    Part.ACCESSION: "Accession",
    Part.METHOD: "Method",
    Part.TEST: "Test",
    Part.VALUE: "Result",
    Part.UNIT: "Unit",
    Part.STATUS: "Result status",
}
ALWAYS = (Part.SUBJECT, Part.BIRTH_YEAR, Part.SEX, Part.COLLECTED_ON)
#: Parts of a file with one row for each result; where there is one column for each test, these are no columns.
OF_A_RESULT = (Part.TEST, Part.VALUE, Part.UNIT, Part.STATUS)
NEEDED: Mapping[Shape, tuple[Part, ...]] = {
    Shape.LONG: (*ALWAYS, Part.TEST, Part.VALUE),
    Shape.WIDE: ALWAYS,
}
#: Words and pattern of each way to write a date.
DATE_FORMATS: Mapping[str, str] = {
    "%Y-%m-%d": "2026-03-12",
    "%d/%m/%Y": "12/03/2026, day first",
    "%m/%d/%Y": "03/12/2026, month first",
    "%d.%m.%Y": "12.03.2026",
    "%d %b %Y": "12 Mar 2026",
    "%d-%b-%Y": "12-Mar-2026",
    "%Y%m%d": "20260312",
}
#: A test that is reported and not wanted.
NOT_WANTED = "-"
#: What can be imported: results of the laboratory grid.
IMPORTABLE = tuple(one for panel in TRIAL.panels.values() for one in panel.analytes if one not in ELSEWHERE)
_HEADINGS: Mapping[Part, tuple[str, ...]] = {
    Part.SUBJECT: ("subject", "subjectid", "subjectnumber", "studyid", "subjid", "usubjid", "screeningnumber"),
    Part.BIRTH_YEAR: ("birthyear", "yearofbirth", "yob", "brthyr"),
    Part.SEX: ("sex", "gender"),
    Part.COLLECTED_ON: ("collected", "collectedon", "collectiondate", "collecteddate", "drawdate", "lbdtc", "date"),
    Part.COLLECTED_TIME: ("time", "collectiontime", "collectedtime", "drawtime"),
    Part.ACCESSION: ("accession", "accessionnumber", "accessionno", "specimen", "specimenid", "sampleid", "lbrefid"),
    Part.METHOD: ("method", "lbmethod"),
    Part.TEST: ("test", "testname", "testcode", "analyte", "lbtestcd", "lbtest", "loinc", "component"),
    Part.VALUE: ("result", "value", "resultvalue", "lborres"),
    Part.UNIT: ("unit", "units", "lborresu"),
    Part.STATUS: ("status", "resultstatus", "flagstatus"),
}


@dataclass(frozen=True)
class FileMapping:
    """columns: part -> heading. tests: test as written (or heading of its column) -> analyte, or "-" if not wanted.
    units: "analyte|unit as written" -> code, for what is not in the table of units."""

    shape: Shape
    columns: Mapping[Part, str] = field(default_factory=dict)
    tests: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    date_format: str = "%Y-%m-%d"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> FileMapping:
        return cls(
            shape=Shape(stored["shape"]),
            columns={Part(part): heading for part, heading in stored["columns"].items()},
            tests=dict(stored["tests"]),
            units=dict(stored["units"]),
            date_format=stored["date_format"],
        )

    def with_unit(self, analyte: Analyte, written: str, code: str) -> FileMapping:
        """The same, and from now on this laboratory's `written` is `code` for this analyte."""
        return replace(self, units={**self.units, unit_key(analyte, written): code})

    def with_test(self, written: str, analyte: str) -> FileMapping:
        return replace(self, tests={**self.tests, written: analyte})

    def for_messages(self) -> FileMapping:
        """How the messages of the same laboratory are read: LOINC codes, its own names of tests and units, ISO dates.

        A unit that the columns of its files leave unsaid is not taken for granted in a message.
        """
        units = {key: code for key, code in self.units.items() if not key.endswith("|")}
        return FileMapping(Shape.LONG, {}, {**_LOINC, **self.tests}, units, "%Y-%m-%d")

    def with_what_was_learnt(self, message: FileMapping) -> FileMapping:
        """The same, and the tests and units that were matched in a message."""
        tests = {test: analyte for test, analyte in message.tests.items() if _LOINC.get(test) != analyte}
        return replace(self, tests={**self.tests, **tests}, units={**self.units, **message.units})

    def fits(self, table: Table) -> bool:
        """True if the file can be read without a person: every column is there, and no new test has to be matched.

        A new name that says nothing keeps no file back: its rows wait for a person.
        """
        if not self.columns or not set(self.columns.values()) <= set(table.header):
            return False
        new = [test for test in tests_of(table, self) if test not in self.tests]
        return not (new if self.shape is Shape.WIDE else [test for test in new if _analyte(test)])

    def unit_of(self, analyte: Analyte, written: str) -> str:
        """The code of a unit as written. Raises UnknownUnit."""
        known = self.units.get(unit_key(analyte, written))
        return known or unit_code(analyte, written)

    def day(self, written: str) -> date:
        """The date as this laboratory writes it. ValueError if it is not written so."""
        return datetime.strptime(written.strip(), self.date_format).date()  # noqa: DTZ007


def unit_key(analyte: Analyte, written: str) -> str:
    return f"{analyte.value}|{written.strip()}"


@dataclass(frozen=True)
class Received:
    """One result as received: text only, whatever the way it came in. `problem` if nothing of its row can be used."""

    line: int
    parts: Mapping[Part, str]
    problem: str = ""


def received_rows(table: Table, mapping: FileMapping) -> Iterator[Received]:
    """The results of a table, one by one, in the order of the file."""
    for line in table.lines:
        yield from results_of(line, table.header, mapping)


def results_of(line: Line, header: Sequence[str], mapping: FileMapping) -> list[Received]:
    """The results of one row: where every test has a column, one for each test that was done."""
    places = {heading: place for place, heading in enumerate(header)}
    shared = {part: line.cells[places[heading]] for part, heading in mapping.columns.items()}
    if line.problem or mapping.shape is Shape.LONG:
        return [Received(line.number, shared, line.problem)]
    return list(_of_columns(line, shared, places, mapping))


def _of_columns(
    line: Line, shared: Mapping[Part, str], places: Mapping[str, int], mapping: FileMapping
) -> Iterator[Received]:
    """Where every test has a column: an empty cell is a test that was not done, and no result."""
    for heading, analyte in mapping.tests.items():
        value = line.cells[places[heading]] if heading in places else ""
        if analyte != NOT_WANTED and value:
            yield Received(line.number, {**shared, Part.TEST: heading, Part.VALUE: value})


def suggested(table: Table, shape: Shape | None = None) -> FileMapping:
    """A first reading of a heading, for a person to look through."""
    plain = {heading: _plain(heading) for heading in table.header}
    columns = {
        part: next(heading for name in names for heading in table.header if plain[heading] == name)
        for part, names in _HEADINGS.items()
        if any(name in plain.values() for name in names)
    }
    is_long = shape is Shape.LONG or (shape is None and {Part.TEST, Part.VALUE} <= set(columns))
    if not is_long:
        columns = {part: heading for part, heading in columns.items() if part not in OF_A_RESULT}
    found = FileMapping(Shape.LONG if is_long else Shape.WIDE, columns, date_format=_date_format(table, columns))
    written = tests_of(table, found)
    tests = {one: known for one in written if (known := _analyte(one))}
    units = {} if is_long else _units_in_headings(tests)
    return replace(found, tests=tests, units=units)


def refreshed(saved: FileMapping, table: Table, shape: Shape | None = None) -> FileMapping:
    """What is saved for a laboratory, and a first reading of what is new in this file."""
    guess = suggested(table, shape)
    if saved.shape is not guess.shape:
        return guess
    if not saved.columns:
        saved = replace(saved, date_format=guess.date_format)
    columns = {part: heading for part, heading in saved.columns.items() if heading in table.header}
    return replace(
        saved,
        columns=columns or guess.columns,
        tests={**guess.tests, **saved.tests},
        units={**guess.units, **saved.units},
    )


def tests_of(table: Table, mapping: FileMapping) -> tuple[str, ...]:
    """The tests as this file writes them: cells of the column of tests, or the headings that are no other part."""
    if mapping.shape is Shape.WIDE:
        return tuple(heading for heading in table.header if heading not in mapping.columns.values())
    column = mapping.columns.get(Part.TEST)
    if column is None:
        return ()
    place = table.header.index(column)
    return tuple(dict.fromkeys(line.cells[place] for line in table.lines if line.cells[place] and not line.problem))


def _plain(words: str) -> str:
    return re.sub(r"[\W_]", "", words.split("(")[0].lower())


_LOINC: Mapping[str, str] = {
    **{one: analyte.value for one, analyte in OTHER_LOINC.items()},
    **{spec.loinc: spec.analyte.value for spec in TRIAL.analytes.values() if spec.loinc},
}


def _known_tests() -> dict[str, str]:
    known: dict[str, str] = {}
    for one in IMPORTABLE:
        spec = TRIAL.analytes[one]
        for words in (one.value, spec.label, spec.short):
            known[_plain(words)] = one.value
        if spec.loinc:
            known[_plain(spec.loinc)] = one.value
    return known


_TESTS = _known_tests()


def _analyte(written: str) -> str:
    return _TESTS.get(_plain(written), "")


def _units_in_headings(tests: Mapping[str, str]) -> dict[str, str]:
    """Haemoglobin (g/L): the unit that a heading states in brackets."""
    found = {}
    for heading, analyte in tests.items():
        stated = re.search(r"\(([^()]+(?:\(24\.h\))?)\)\s*\Z", heading)
        try:
            found[unit_key(Analyte(analyte), "")] = unit_code(Analyte(analyte), stated[1] if stated else "")
        except UnknownUnit:
            continue
    return found


def _date_format(table: Table, columns: Mapping[Part, str]) -> str:
    """The only way in which every date of the file can be read; none where there are two."""
    heading = columns.get(Part.COLLECTED_ON)
    if heading is None:
        return ""
    place = table.header.index(heading)
    dates = {line.cells[place] for line in table.lines if line.cells[place] and not line.problem}
    fitting = [one for one in DATE_FORMATS if all(_reads(one, words) for words in dates)]
    return fitting[0] if len(fitting) == 1 else ""


def _reads(pattern: str, words: str) -> bool:
    try:
        datetime.strptime(words, pattern)  # noqa: DTZ007
    except ValueError:
        return False
    return True
