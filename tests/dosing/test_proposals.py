"""The machine proposes once, whatever happens to it, and tells the investigators once. It never moves anybody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections

from dosing import services
from dosing.models import AssignmentDiscrepancy, PhaseProposal
from dosing.tasks import reevaluate, reevaluate_everyone
from protocol.vocabulary import Analyte, Phase
from tests import world_dosing as treat
from tests.fixtures.databases import Database
from tests.world import World, new_world
from tests.world_labs import record
from trialsite import clock, outbox
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import AuditEvent, Mail, OutboxMessage, Role, StatePeriod, Subject
from trialsite.services.subjects import Stale


def everything(world: World) -> Any:
    """Sight of every site, to look at what happened."""
    return reading(system_actor("re-evaluation"), world.at)


def state(world: World) -> dict[str, Any]:
    """What the job leaves behind, without ids and times."""
    with everything(world):
        fields = ("kind", "to_phase", "status", "fingerprint", "from_state")
        return {
            "proposals": list(PhaseProposal.objects.order_by("id").values_list(*fields)),
            "mails": Mail.objects.filter(key__startswith="proposal:").count(),
            "states": list(Subject.objects.values_list("state", flat=True)),
            "periods": StatePeriod.objects.count(),
        }


@pytest.mark.req("E4")
def test_stable_disease_at_month_6_proposes_low_dose_and_moves_nobody(world: World, proposal: PhaseProposal) -> None:
    assert (proposal.kind, proposal.to_phase, proposal.rule) == ("ASSIGN_LOW_DEX", "LOW_DEX_7_12", "T5")
    assert proposal.detail["code"] == "m06"
    assert proposal.detail["status"] == "SD"
    found = state(world)
    assert found["mails"] == 1
    assert found["states"] == ["INDUCTION"]


@pytest.mark.req("E5")
def test_run_twice_leaves_one_proposal_and_one_mail(world: World, proposal: PhaseProposal) -> None:
    before = state(world)
    again = treat.reevaluated(world, proposal.subject)
    assert again == proposal
    assert state(world) == before


def test_a_mail_says_what_waits_and_where_and_nothing_clinical(world: World, proposal: PhaseProposal) -> None:
    with everything(world):
        mail = Mail.objects.get(key__startswith="proposal:")
        told = f"{mail.heading} {mail.body}"
        assert mail.recipient_id == world.person(Role.INVESTIGATOR).user_id
        assert f"/subjects/{proposal.subject.key}/responses/m06/" in mail.body
    for word in ("dex", "stable", "3.6", "SD", "low", "month"):
        assert word not in told


def test_new_figures_under_the_same_question_supersede_and_send_no_second_mail(
    world: World, proposal: PhaseProposal
) -> None:
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.7"}, reason="Transcription error")
    newer = treat.reevaluated(world, proposal.subject)
    assert newer is not None
    assert newer.pk != proposal.pk
    found = state(world)
    assert [status for _, _, status, *_ in found["proposals"] if status == "pending"] == ["pending"]
    assert ("ASSIGN_LOW_DEX", "LOW_DEX_7_12", "superseded") in {row[:3] for row in found["proposals"]}
    assert found["mails"] == 1


def test_another_question_is_mailed_again(world: World, proposal: PhaseProposal) -> None:
    subject = proposal.subject
    record(world, subject, "m05", treat.MONTH[5], {Analyte.SERUM_M: "2.0"}, reason="Transcription error")
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "2.0"}, reason="Transcription error")
    newer = treat.reevaluated(world, subject)
    assert newer is not None
    assert newer.kind == "ASSIGN_ANAKINRA_ONLY"
    assert state(world)["mails"] == 2


def test_results_that_no_rule_reads_leave_the_proposal_alone(world: World, proposal: PhaseProposal) -> None:
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SODIUM: "140"})
    assert treat.reevaluated(world, proposal.subject) == proposal


def test_before_the_window_it_waits_and_tells_nobody(world: World, on_anakinra: Subject) -> None:
    subject = on_anakinra
    treat.month(world, subject, 1, "3.8")
    waiting = treat.reevaluated(world, subject)
    assert waiting is not None
    assert waiting.kind == "AWAIT_MONTH6"
    assert state(world)["mails"] == 0


def test_nothing_is_proposed_before_the_first_dose(world: World) -> None:
    subject = treat.registered(world)
    treat.screened_results(world, subject)
    assert treat.reevaluated(world, subject) is None


def test_each_morning_windows_are_looked_at(
    world: World, on_anakinra: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = on_anakinra
    treat.month(world, subject, 5, "3.8")
    first = treat.reevaluated(world, subject)
    assert first is not None
    assert first.kind == "AWAIT_MONTH6"
    monkeypatch.setattr(clock, "now", lambda: world.later(40))
    assert reevaluate_everyone() == 1
    waiting = treat.pending(world, subject)
    assert waiting is not None
    assert waiting.kind == "AWAIT_DATA"


def test_one_failing_subject_does_not_hold_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = treat.on_anakinra(world), treat.on_anakinra(world, "02")
    for subject in (first, second):
        treat.month(world, subject, 5, "3.8")

    def fails_for_first(*, subject_id: int, **rest: Any) -> PhaseProposal | None:
        if subject_id == first.pk:
            raise RuntimeError("broken")
        return services.reevaluate_subject(subject_id=subject_id, **rest)

    monkeypatch.setattr("dosing.tasks.reevaluate_subject", fails_for_first)
    monkeypatch.setattr(clock, "now", lambda: world.at)
    assert reevaluate_everyone() == 1
    assert treat.pending(world, second) is not None


# ---------------------------------------------------------------- killed, repeated, at once (E5)


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@contextmanager
def killed_at_statement(number: int) -> Iterator[list[str]]:
    """The process ends instead of sending the n-th statement."""
    sent: list[str] = []

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        sent.append(sql)
        if len(sent) == number:
            raise Killed
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield sent


def waiting_month_6(world: World) -> Subject:
    """Month-6 results are in, and their message waits in the outbox."""
    subject = treat.on_anakinra(world)
    treat.month(world, subject, 5, "3.7")
    outbox.drain(world.at)
    treat.month(world, subject, 6, "3.6")
    return subject


@pytest.mark.req("E5")
def test_killed_before_any_statement_it_leaves_nothing_and_then_ends_in_one_proposal_and_one_mail(
    fresh_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world()
    waiting_month_6(world)
    monkeypatch.setattr(clock, "now", lambda: world.at)
    before = state(world)
    deaths = 0
    while state(world) == before:
        try:
            with killed_at_statement(deaths + 1):
                outbox.drain(world.at)
        except Killed:
            deaths += 1
            connection.close()
    assert deaths > 20
    after = state(world)
    assert [row[:3] for row in after["proposals"] if row[2] == "pending"] == [
        ("ASSIGN_LOW_DEX", "LOW_DEX_7_12", "pending")
    ]
    assert after["mails"] == 1
    outbox.drain(world.at)
    assert state(world) == after
    with everything(world):
        assert not OutboxMessage.objects.filter(done_at=None).exists()


@pytest.mark.req("E5")
def test_two_workers_at_once_make_one_proposal_and_one_mail(
    fresh_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world()
    subject = waiting_month_6(world)
    monkeypatch.setattr(clock, "now", lambda: world.at)
    gate = threading.Barrier(4)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            gate.wait()
            reevaluate.run(message_id=1, subject_id=subject.pk)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    found = state(world)
    assert sum(1 for row in found["proposals"] if row[2] == "pending") == 1
    assert sum(1 for row in found["proposals"] if row[0] == "ASSIGN_LOW_DEX") == 1
    assert found["mails"] == 1


# ---------------------------------------------------------------- discrepancies (E3)


@pytest.fixture
def decided(world: World, proposal: PhaseProposal) -> Subject:
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    world.later(1)
    return proposal.subject


def correct_to_response(world: World, subject: Subject) -> None:
    for number in (5, 6):
        record(world, subject, f"m{number:02d}", treat.MONTH[number], {Analyte.SERUM_M: "2.0"}, reason="Wrong patient")


@pytest.mark.req("E4")
def test_a_correction_opens_a_discrepancy_and_moves_nobody(world: World, decided: Subject) -> None:
    subject = decided
    before = state(world)["periods"]
    correct_to_response(world, subject)
    treat.reevaluated(world, subject)
    with everything(world):
        found = AssignmentDiscrepancy.objects.get()
        assert (found.was["kind"], found.now["kind"]) == ("ASSIGN_LOW_DEX", "ASSIGN_ANAKINRA_ONLY")
        assert (found.was["status"], found.now["status"]) == ("SD", "MR")
        assert Subject.objects.get().state == "LOW_DEX_7_12"
        assert StatePeriod.objects.count() == before
        assert Mail.objects.filter(key__startswith="discrepancy:").count() == 1


@pytest.mark.req("E5")
def test_a_discrepancy_is_opened_once_and_kept_up_to_date(world: World, decided: Subject) -> None:
    subject = decided
    correct_to_response(world, subject)
    treat.reevaluated(world, subject)
    treat.reevaluated(world, subject)
    for number in (5, 6):
        typed = {Analyte.SERUM_M: "3.6"}
        record(world, subject, f"m{number:02d}", treat.MONTH[number], typed, reason="Was right before")
    treat.reevaluated(world, subject)
    with everything(world):
        found = AssignmentDiscrepancy.objects.get()
        assert found.now["kind"] == "ASSIGN_LOW_DEX"
        assert found.resolved_at is None
        assert Mail.objects.filter(key__startswith="discrepancy:").count() == 1


@pytest.mark.req("E3")
def test_an_open_discrepancy_shows_the_figures_as_they_are_now(world: World, decided: Subject) -> None:
    """A second correction that leaves the proposal as it is changes what the investigator compares."""
    subject = decided
    correct_to_response(world, subject)
    treat.reevaluated(world, subject)
    with everything(world):
        before = AssignmentDiscrepancy.objects.get()
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "2.1"}, reason="Transcription error")
    with pytest.raises(Stale, match="Results that arrived are being evaluated"):
        treat.resolve(world, before, "The subject stays on low dose: safety first.")
    treat.reevaluated(world, subject)
    with everything(world):
        found = AssignmentDiscrepancy.objects.get()
        assert found.now["kind"] == "ASSIGN_ANAKINRA_ONLY"
        (serum,) = (row for row in found.now["used"] if row["analyte"] == Analyte.SERUM_M.value)
        assert serum["current"]["value"] == "2.1"
        events = AuditEvent.objects.count()
    treat.reevaluated(world, subject)
    with pytest.raises(Stale, match="The figures changed since you read them"):
        treat.resolve(world, before, "The subject stays on low dose: safety first.")
    treat.resolve(world, found, "The subject stays on low dose: safety first.")
    with everything(world):
        assert AuditEvent.objects.count() == events + 1, "looked at again nothing is written"
    record(world, subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "2.2"}, reason="Transcription error")
    treat.reevaluated(world, subject)
    with everything(world):
        assert AssignmentDiscrepancy.objects.get().now == found.now, "what was judged stays"


def test_a_resolved_discrepancy_does_not_come_back(world: World, decided: Subject) -> None:
    subject = decided
    correct_to_response(world, subject)
    treat.reevaluated(world, subject)
    with everything(world):
        found = AssignmentDiscrepancy.objects.get()
    treat.resolve(world, found, "The subject stays on low dose: safety first.")
    treat.reevaluated(world, subject)
    with everything(world):
        assert AssignmentDiscrepancy.objects.count() == 1


def test_results_after_the_decision_are_no_discrepancy(world: World, decided: Subject) -> None:
    subject = decided
    record(world, subject, "m07", world.at.date(), {Analyte.SERUM_M: "1.0", Analyte.URINE_M: "50"})
    treat.reevaluated(world, subject)
    with everything(world):
        assert not AssignmentDiscrepancy.objects.exists()
