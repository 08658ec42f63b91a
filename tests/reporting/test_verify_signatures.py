"""The inspector's command: every kind of signature is held against the trail and its record, each column of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import CommandError, call_command

from dosing import services
from dosing.models import PhaseDecision
from dosing.selectors.reviews import response_review
from protocol.vocabulary import Analyte, Phase
from reporting.selectors.replay import Fault
from reporting.selectors.signature_check import KINDS, against_the_trail, altered_signatures
from safety.services import sign_causality
from tests import world_dosing as treat
from tests.dosing.test_decisions import sign_again
from tests.dosing.test_versions import activate
from tests.enrollment.test_waivers import ask, decide, with_low_cells
from tests.fixtures.databases import Database
from tests.followup.test_casebook import sign as sign_casebook
from tests.world import World, new_world
from tests.world_enrollment import sent, signed
from tests.world_followup import end, who
from tests.world_labs import record
from tests.world_safety import an_event, reported
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Signature, Subject
from trialsite.services.signatures import digest

#: Columns that a signature is bound to, each with another value.
BOUND = {
    "printed_name": "'Somebody Else'",
    "meaning": "'review'",
    "statement": "'I, Somebody Else, agree.'",
    "signed_at": "signed_at - interval '1 day'",
    "time_zone": "'Asia/Tokyo'",
    "role": "'monitor'",
    "record_id": "record_id || '0'",
    "authenticated_by": "'nothing'",
    "digest": "md5(digest)",
    "content": "jsonb_set(content, '{planted}', 'true')",
}
#: One column of the record under each kind that gives its figures, with another value.
RECORDS = {
    "phase_decision": ("labs_labresult", "value", "value * 2", "analyte = 'serum_m' AND superseded_at IS NULL"),
    "response": ("labs_labresult", "value", "value * 2", "analyte = 'serum_m' AND superseded_at IS NULL"),
    "eligibility": (
        "enrollment_eligibilitysnapshot",
        "judgements",
        "jsonb_set(judgements, '{as_of}', '\"x\"')",
        "true",
    ),
    "waiver": ("enrollment_waiver", "decision_reason", "'planted'", "true"),
    "causality": ("safety_adverseevent", "grade", "grade + 1", "true"),
    "parameter": ("trialsite_parameterconfirmation", "value", "'400'", "true"),
    "protocol_version": ("trialsite_protocolactivation", "reason", "'planted'", "true"),
    "end_of_treatment": ("followup_endoftreatment", "last_dose_on", "last_dose_on - 1", "true"),
    "casebook": ("trialsite_signature", "record_id", "'1' || record_id", "record_type = 'casebook'"),
}


def everything(world: World) -> Any:
    return reading(system_actor("verification"), world.at)


def an_hour_on(world: World) -> None:
    world.at += timedelta(hours=1)


def fresh(world: World, subject_id: int) -> Subject:
    with everything(world):
        return Subject.objects.select_related("site").get(pk=subject_id)


def signed_decision(world: World) -> PhaseDecision:
    """Signed, broken by a correction, and signed again."""
    proposal = treat.at_month_6(world)
    an_hour_on(world)
    decision = treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    an_hour_on(world)
    record(world, proposal.subject, "m06", treat.MONTH[6], {Analyte.SERUM_M: "3.5"}, reason="Transcription error")
    treat.reevaluated(world, proposal.subject)
    an_hour_on(world)
    return sign_again(world, decision)


def signed_response(world: World, subject: Subject) -> None:
    by = world.person(Role.INVESTIGATOR)
    with everything(world):
        shown = response_review(fresh(world, subject.pk), "m05", treat.today(world, subject))
    services.sign_response(
        by=by, at=world.at, proof=world.proof(by), subject_id=subject.pk, site_id=subject.site_id, token=uuid4(),
        code="m05", shown=digest(shown or {}),
    )  # fmt: skip


def one_of_each(world: World) -> None:
    subject = fresh(world, signed_decision(world).subject_id)
    signed_response(world, subject)
    event = reported(world, subject, an_event("Headache", 2, "feb 2024"))
    given = who(world, subject, Role.INVESTIGATOR)
    sign_causality(**given, proof=world.proof(given["by"]), number=1, version=event.version)
    screened = with_low_cells(world)
    decide(world, screened, ask(world, screened))
    signed(world, screened, sent(world, screened))
    end(world, subject, treat.today(world, subject))
    sign_casebook(world, fresh(world, subject.pk))
    activate(world)
    treat.confirm_high_dose(world)


@contextmanager
def altered(owner: psycopg.Connection[Any], table: str, column: str, value: str, where: str) -> Iterator[None]:
    """What the owner of the tables can do unseen by the trail; undone afterwards."""
    owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
    before = owner.execute(f"SELECT id, {column} FROM {table} WHERE {where}").fetchall()  # type: ignore[arg-type]
    owner.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}")  # type: ignore[arg-type]
    try:
        yield
    finally:
        for pk, old in before:
            kept = psycopg.types.json.Jsonb(old) if isinstance(old, dict) else old
            owner.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", [kept, pk])  # type: ignore[arg-type]


def faults(world: World) -> list[Fault]:
    with everything(world):
        return list(altered_signatures())


def on_the_trail(world: World) -> list[Fault]:
    with everything(world):
        return list(against_the_trail())


@pytest.mark.req("C12", "C1", "C2")
def test_whatever_is_altered_under_or_in_a_signature_of_any_kind_is_named(fresh_db: Database) -> None:
    world = new_world()
    one_of_each(world)
    with everything(world):
        last = {one.record_type: one for one in Signature.objects.order_by("id")}
    assert last.keys() == KINDS.keys() == RECORDS.keys()
    assert faults(world) == []
    with fresh_db.as_owner() as owner:
        for kind, signature in last.items():
            where = f"id = {signature.pk}"
            for column, value in BOUND.items():
                with altered(owner, "trialsite_signature", column, value, where):
                    told = [one.why for one in on_the_trail(world) if one.what.startswith(f"signature {signature.pk} ")]
                assert told == [f"{column} is not what was signed"], (kind, column)
            with altered(owner, *RECORDS[kind]):
                assert [one for one in faults(world) if one.what.startswith(f"{kind} signature {signature.pk}")], kind
        for statement, words in (
            ("UPDATE trialsite_signatureevent SET kind = 'withdrawn'", "what broke, superseded or withdrew it was"),
            ("DELETE FROM trialsite_signaturebasis", "what it rests on was altered"),
            ("UPDATE trialsite_signature SET record_type = 'letter'", "of the kind letter are not known"),
        ):
            table = statement.split()[2] if statement.startswith("DELETE") else statement.split()[1]
            owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")  # type: ignore[arg-type]
            owner.execute(statement)  # type: ignore[arg-type]
            assert any(words in one.why for one in faults(world)), statement
    out = StringIO()
    with pytest.raises(CommandError, match="faults in"):
        call_command("verify_signatures", stdout=out)
    assert "signatures of the kind letter are not known to this command" in out.getvalue()
