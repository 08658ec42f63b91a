"""Every phase, response and month: what is proposed, as the specification has it (1.5, T-M6, 0.8 and 0.9)."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from protocol.measurements import Course, PhaseInterval
from protocol.months import add_calendar_months
from protocol.phases import Proposal, may_move, propose
from protocol.response import ResponseHistory, assess
from protocol.trial import TRIAL
from protocol.vocabulary import TREATMENT_PHASES, Phase, ProposalKind, Response
from tests.protocol.build import DAY1, course

Kind = ProposalKind
Road = tuple[ProposalKind | None, str]
HIGH, OFF, END = Kind.ASSIGN_HIGH_DEX, Kind.OFF_TREATMENT_PD, Kind.END_OF_PROTOCOL_THERAPY_DECISION
WAITS = (Kind.AWAIT_DATA, "T-M6")
UNCONFIRMED = (Kind.AWAIT_CONFIRMATION, "R-CONF")
NOTHING_YET = (None, "T-END")


@dataclass(frozen=True)
class Place:
    """A phase at its place after those before it, with what it proposes. `before`: until its window opens."""

    phases: tuple[tuple[Phase, int], ...]
    before: Road
    responding: Road
    stable: Road
    early_progression: Road
    progression: Road


INDUCTION, HIGH_DEX = (Phase.INDUCTION, 0), (Phase.HIGH_DEX, 6)
PLACES = {
    "induction": Place(
        (INDUCTION,), (Kind.AWAIT_MONTH6, "T-M6"),
        (Kind.ASSIGN_ANAKINRA_ONLY, "T4"), (Kind.ASSIGN_LOW_DEX, "T5"), (HIGH, "T7"), (HIGH, "T6"),
    ),
    "anakinra alone": Place(
        (INDUCTION, (Phase.ANAKINRA_ONLY, 6)), NOTHING_YET, (END, "T9"), (END, "T9"), (HIGH, "T8"), (HIGH, "T8"),
    ),
    "low dose 7-12": Place(
        (INDUCTION, (Phase.LOW_DEX_7_12, 6)), NOTHING_YET,
        (Kind.CONTINUE_LOW_DEX_13_18, "T10"), (Kind.CONTINUE_LOW_DEX_13_18, "T10"), (HIGH, "T9b"), (HIGH, "T9b"),
    ),
    "low dose 13-18": Place(
        (INDUCTION, (Phase.LOW_DEX_7_12, 6), (Phase.LOW_DEX_13_18, 12)),
        NOTHING_YET, (END, "T11"), (END, "T11"), (HIGH, "T11b"), (HIGH, "T11b"),
    ),
    "high dose": Place((INDUCTION, HIGH_DEX), NOTHING_YET, (END, "T12b"), (END, "T12b"), (OFF, "T12"), (OFF, "T12")),
    "extension": Place(
        (INDUCTION, (Phase.ANAKINRA_ONLY, 6), (Phase.EXTENSION, 12)),
        NOTHING_YET, (END, "T13"), (END, "T13"), (HIGH, "T13"), (HIGH, "T13"),
    ),
    "extension after high dose": Place(
        (INDUCTION, HIGH_DEX, (Phase.EXTENSION, 12)),
        NOTHING_YET, (END, "T13"), (END, "T13"), (OFF, "T13"), (OFF, "T13"),
    ),
}  # fmt: skip
GONE = {"m": "0", "u": "0", "sife": "neg", "uife": "neg", "bm": "3"}
#: Percent of the baseline M-spike that is left, or a whole sample.
SAMPLES: dict[Response, int | dict[str, str]] = {
    Response.SCR: {**GONE, "k": "12", "l": "10", "clonal": "neg"},
    Response.CR: GONE,
    Response.VGPR: 10,
    Response.PR: 50,
    Response.MR: 75,
    Response.SD: 100,
    Response.PD: 140,
    Response.NE: {"u": "0"},
}
#: The window of a phase of six months opens 14 days before its end and closes 14 days after it.
MONTHS_BEFORE, MONTHS_IN_WINDOW, MONTH_TOO_LATE = range(1, 6), (6, 7), 8
AGO = (20, 2)


def _starts(place: Place) -> list[date]:
    return [add_calendar_months(DAY1, month) for _, month in place.phases]


def _lived(place: Place, response: Response, day: date, ago: tuple[int, ...]) -> Course:
    """Samples that many days ago, all in the phase. High dose follows a progression from 3.0 to 4.0."""
    starts = _starts(place)
    is_high = HIGH_DEX in place.phases
    reference = Decimal("4.0" if is_high else "3.0")
    found = SAMPLES[response]
    values = found if isinstance(found, dict) else {"m": str(reference * found / 100), "u": "0"}
    earlier = [((starts[1] - DAY1).days - d, {"m": "4.0", "u": "0"}) for d in (40, 10)] if is_high else []
    days = [day - timedelta(days=d) for d in ago]
    assert min(days) > starts[-1], "samples lie in the phase"
    subject = course((-5, {"m": "3.0", "u": "0"}), *earlier, *(((on - DAY1).days, values) for on in days))
    ends = [*(start - timedelta(days=1) for start in starts[1:]), None]
    spans = (PhaseInterval(phase, on, end) for (phase, _), on, end in zip(place.phases, starts, ends, strict=True))
    return replace(subject, phases=tuple(spans))


def _decided(place: Place, response: Response, month: int, ago: tuple[int, ...]) -> tuple[Proposal, ResponseHistory]:
    day = add_calendar_months(_starts(place)[-1], month)
    subject = _lived(place, response, day, ago)
    history = assess(subject, TRIAL, day)
    return propose(place.phases[-1][0], subject, history, day, TRIAL), history


def _expected(place: Place, response: Response, month: int) -> Road:
    if response is Response.PD:
        return place.early_progression if month in MONTHS_BEFORE else place.progression
    if month in MONTHS_BEFORE:
        return place.before
    if response is Response.NE or month == MONTH_TOO_LATE:
        return WAITS
    return place.stable if response is Response.SD else place.responding


@pytest.mark.req("E4")
@pytest.mark.parametrize("response", SAMPLES)
@pytest.mark.parametrize("name", PLACES)
def test_every_phase_response_and_month_is_decided_as_written(name: str, response: Response) -> None:
    place = PLACES[name]
    for month in (*MONTHS_BEFORE, *MONTHS_IN_WINDOW, MONTH_TOO_LATE):
        proposal, history = _decided(place, response, month, AGO)
        assert history.current is not None
        assert history.current.confirmed_status is response, month
        assert (proposal.kind, proposal.rule) == _expected(place, response, month), month
        assert proposal.words
        if proposal.phase is not None:
            assert may_move(place.phases[-1][0], proposal.phase, TRIAL), "a signature can follow the proposal"


@pytest.mark.req("E4")
@pytest.mark.parametrize("response", SAMPLES)
@pytest.mark.parametrize("name", PLACES)
def test_one_sample_confirms_neither_a_response_nor_a_progression(name: str, response: Response) -> None:
    """At the end of a phase: progression waits everywhere; a response waits in induction and decides nothing else."""
    place, alone = PLACES[name], AGO[1:]
    proposal, history = _decided(place, response, 6, alone)
    assert history.latest is not None
    assert history.latest.timepoint is response
    expected = _expected(place, response, 6)
    if response is Response.PD:
        expected = UNCONFIRMED
    elif response not in (Response.SD, Response.NE):
        expected = (Kind.AWAIT_CONFIRMATION, "T-M6") if name == "induction" else place.stable
    assert (proposal.kind, proposal.rule) == expected


@pytest.mark.req("E4")
@pytest.mark.parametrize("response", SAMPLES)
def test_outside_treatment_nothing_is_decided(response: Response) -> None:
    place = PLACES["induction"]
    subject = _lived(place, response, add_calendar_months(DAY1, 6), AGO)
    history = assess(subject, TRIAL)
    for phase in set(Phase) - set(TREATMENT_PHASES):
        proposal = propose(phase, subject, history, add_calendar_months(DAY1, 6), TRIAL)
        assert (proposal.kind, proposal.phase, proposal.rule) == (None, None, "T-LOCK")


def test_the_table_has_every_phase_of_treatment_and_every_response() -> None:
    assert {place.phases[-1][0] for place in PLACES.values()} == set(TREATMENT_PHASES)
    assert set(SAMPLES) == set(Response)
