"""HL7 v2 ORU^R01 with bars: PID says whose, OBR which sample, OBX which result; all else is passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

import hl7

from labs.files import Unreadable
from labs.incoming import Message, checked, coded_words, local, study_number
from labs.mapping import Part, Received

#: Bytes of the transport that some senders leave around a message.
_FRAME = "\x0b\x1c\r\n "
_MOMENT = re.compile(r"(\d{8})(?:(\d{4})(?:\d\d(?:\.\d{1,4})?)?)?([+-]\d{4})?\Z")
_ENCODINGS = frozenset({"", "ASCII", "UNICODE UTF-8", "UNICODE", "UTF-8"})
#: HL7's two double quotes: the field was emptied.
_EMPTIED = '""'
Told = dict[Part, str]


@dataclass(frozen=True)
class _Reader:
    """One message with its site's time zone; fields are read by the numbers of the standard."""

    message: hl7.Message
    zone: str
    patient: Told = field(default_factory=dict)

    def component(self, segment: hl7.Segment, place: int, part: int = 1, repetition: int = 1) -> str:
        """One component, unescaped; empty where it is not stated."""
        pieces = self.repetitions(segment, place)
        if len(pieces) < repetition:
            return ""
        components = str(pieces[repetition - 1]).split(self.message.separators[3])
        written = components[part - 1] if len(components) >= part else ""
        return "" if written == _EMPTIED else self._unescaped(written).strip()

    def _unescaped(self, written: str) -> str:
        try:
            return str(self.message.unescape(written))
        except (ValueError, IndexError, KeyError):
            return written

    def repetitions(self, segment: hl7.Segment, place: int) -> list[str]:
        written = str(segment[place]) if len(segment) > place else ""
        return written.split(self.message.separators[2]) if written else []

    def whose(self, segment: hl7.Segment) -> Told:
        """Of PID: study number, year of birth, sex. The name and everything else stays behind."""
        identifiers = [
            (
                f"{self.component(segment, 3, 4, one)} {self.component(segment, 3, 5, one)}",
                self.component(segment, 3, 1, one),
            )
            for one in range(1, len(self.repetitions(segment, 3)) + 1)
        ]
        return {
            Part.SUBJECT: study_number(identifiers),
            Part.BIRTH_YEAR: self.component(segment, 7)[:4],
            Part.SEX: self.component(segment, 8),
        }

    def sample(self, segment: hl7.Segment) -> Told:
        """Of OBR: the filler's number and when it was collected."""
        on, at = self._moment(self.component(segment, 7))
        return {Part.ACCESSION: self.component(segment, 3), Part.COLLECTED_ON: on, Part.COLLECTED_TIME: at}

    def result(self, segment: hl7.Segment) -> tuple[Told, str]:
        """Of OBX: test, value, unit, status, method; and the problem if there is one."""
        value = self._value(segment)
        several = len(self.repetitions(segment, 5)) > 1
        told = {
            Part.TEST: self._test(segment),
            Part.VALUE: "" if several else value,
            Part.UNIT: self.component(segment, 6),
            Part.STATUS: self.component(segment, 11) or "not stated",
            Part.METHOD: self.component(segment, 17, 2) or self.component(segment, 17),
        }
        return told, "The OBX segment holds several values." if several else ""

    def _test(self, segment: hl7.Segment) -> str:
        """The LOINC code, as the first or the alternate one; else the laboratory's own code."""
        for code, system in ((1, 3), (4, 6)):
            if self.component(segment, 3, system).upper() in ("LN", "LOINC"):
                return self.component(segment, 3, code)
        return self.component(segment, 3) or self.component(segment, 3, 2)

    def _value(self, segment: hl7.Segment) -> str:
        kind = self.component(segment, 2).upper()
        if kind == "SN":
            return "".join(self.component(segment, 5, part) for part in range(1, 5))
        if kind in ("CE", "CWE", "CNE", "CF"):
            code = self.component(segment, 5)
            known = coded_words(code)
            return known if known in ("neg", "pos") else coded_words(self.component(segment, 5, 2) or code)
        return coded_words(self.component(segment, 5))

    def _moment(self, written: str) -> tuple[str, str]:
        """Date and time at the site; what cannot be read is passed on for a person to see."""
        found = _MOMENT.match(written)
        if found is None:
            return written[:20], ""
        day, time_of_day, offset = found.groups()
        try:
            if time_of_day is None:
                return datetime.strptime(day, "%Y%m%d").date().isoformat(), ""  # noqa: DTZ007
            pattern = "%Y%m%d%H%M" + ("%z" if offset else "")
            return local(datetime.strptime(f"{day}{time_of_day}{offset or ''}", pattern), self.zone)  # noqa: DTZ007
        except ValueError:
            return written[:20], ""


def read_oru(text: str, zone: str) -> Message:
    """The results of one ORU^R01. zone: time zone of the site. Unreadable with a sentence for anything else."""
    reader = _Reader(_parsed(text), zone)
    header = reader.message[0]
    if (reader.component(header, 9), reader.component(header, 9, 2)) != ("ORU", "R01"):
        raise Unreadable("The message is no ORU^R01. Only results are taken here.")
    if reader.component(header, 18).upper() not in _ENCODINGS:
        raise Unreadable("The message is not written in UTF-8.")
    return checked(reader.component(header, 10), list(_rows(reader)))


def _parsed(text: str) -> hl7.Message:
    lines = [line.strip(" ") for line in re.split(r"[\r\n]+", text.strip(_FRAME)) if line.strip()]
    if not lines or not re.match(r"MSH(\W)(\W{4,5})\1", lines[0], re.ASCII):
        raise Unreadable("The message does not begin with an MSH segment.")
    if sum(line.startswith("MSH") for line in lines) > 1:
        raise Unreadable("Send one message at a time.")
    wrong = next((line for line in lines if not re.match(r"[A-Z][A-Z0-9]{2}(\W|\Z)", line, re.ASCII)), None)
    if wrong is not None:
        raise Unreadable(f"Segment {lines.index(wrong) + 1} has no name of three letters.")
    try:
        return hl7.parse("\r".join(lines))
    except (hl7.HL7Exception, ValueError, IndexError, KeyError):
        raise Unreadable("The message cannot be read as HL7 v2.") from None


def _rows(reader: _Reader) -> Iterator[Received]:
    """Each OBX with the PID and OBR above it, numbered as they stand among the segments."""
    sample: Told = {}
    for place, segment in enumerate(reader.message, start=1):
        kind = str(segment[0])
        if kind == "PID":
            reader, sample = replace(reader, patient=reader.whose(segment)), {}
        elif kind == "OBR":
            sample = reader.sample(segment)
        elif kind == "OBX":
            told, problem = reader.result(segment)
            yield Received(place, {**reader.patient, **sample, **told}, problem)
