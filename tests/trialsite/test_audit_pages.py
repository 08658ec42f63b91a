"""The audit trail as people read it: sentences, old and new values, per field, record, subject and site."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from labs.models import LabResult
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_followup import world_in_sight
from tests.world_labs import record, treated_subject
from trialsite.access import ALL_SITES, Actor, Grant
from trialsite.audit_selectors import recent_events
from trialsite.audit_words import entry
from trialsite.models import AuditEvent, Role, Subject
from trialsite.records import ADMINISTRATION, BOOKKEEPING, BY_TABLE

DAY1 = date(2024, 3, 4)
EDITS = (("2.9", "2.7"), ("2.7", "2.8"), ("2.8", "2.6"))


@pytest.fixture
def world(db: None) -> Iterator[World]:
    with world_in_sight() as world:
        yield world


@pytest.fixture
def subject(world: World) -> Subject:
    return treated_subject(world, day1=DAY1)


@pytest.fixture
def edited(world: World, subject: Subject) -> LabResult:
    """A result that was entered once and corrected three times."""
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: EDITS[0][0]})
    for number, (_, new) in enumerate(EDITS):
        record(world, subject, "bl", DAY1, {Analyte.SERUM_M: new}, reason=f"Report {number} misread")
    return LabResult.objects.filter(analyte=Analyte.SERUM_M).first()  # type: ignore[return-value]


def page(client: Client, world: World, address: str, role: Role = Role.MONITOR, site: str = "01") -> str:
    response = log_in(client, world.person(role, site)).get(address)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.mark.req("B12")
def test_three_edits_are_three_pairs_of_old_and_new_with_their_reasons(
    world: World, client: Client, edited: LabResult
) -> None:
    assert "saved specimen myeloma again" in page(client, world, f"{reverse('audit')}?site=01")
    shown = page(client, world, f"{reverse('audit')}?record=lab_result:{edited.pk}")
    for number, (old, new) in enumerate(EDITS):
        assert f"changed serum M-spike from {old} g/dL to {new} g/dL" in shown
        assert f"Reason: Report {number} misread." in shown
        assert f"<td>{old}</td><td>{new}</td>" in shown
    assert "entered serum M-spike 2.9 g/dL" in shown
    assert "aside" not in shown


@pytest.mark.req("B12")
def test_the_history_is_the_same_from_whichever_version_it_is_opened(
    world: World, client: Client, edited: LabResult
) -> None:
    newest = LabResult.objects.get(analyte=Analyte.SERUM_M, superseded_at=None)
    assert newest.pk != edited.pk
    shown = page(client, world, f"{reverse('audit')}?record=lab_result:{newest.pk}")
    assert "entered serum M-spike 2.9 g/dL" in shown


@pytest.mark.req("B12")
def test_the_history_of_one_field_leaves_the_others_out(world: World, client: Client, edited: LabResult) -> None:
    address = f"{reverse('audit')}?record=lab_result:{edited.pk}"
    assert "2.9 g/dL to 2.7" in page(client, world, f"{address}&field=typed")
    assert "Nothing is recorded here." in page(client, world, f"{address}&field=missing")


@pytest.mark.req("B7")
def test_times_are_shown_at_the_site_and_in_utc(world: World, client: Client, edited: LabResult) -> None:
    shown = page(client, world, f"{reverse('audit')}?record=lab_result:{edited.pk}")
    assert "UTC" in shown
    assert "CST" in shown or "CDT" in shown


@pytest.mark.req("B12")
def test_a_subject_has_one_trail_over_all_its_records(
    world: World, client: Client, subject: Subject, edited: LabResult
) -> None:
    shown = page(client, world, reverse("subject_audit", args=[subject.key]))
    assert "recorded subject" in shown
    assert "changed serum M-spike" in shown
    assert "recorded visit Day 1" in shown
    only = page(client, world, reverse("subject_audit", args=[subject.key]) + "?kind=visit")
    assert "recorded visit Day 1" in only
    assert "changed serum M-spike" not in only


def test_messages_are_left_out_until_they_are_asked_for(world: World, client: Client, subject: Subject) -> None:
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    address = reverse("subject_audit", args=[subject.key])
    assert "LABS_RECORDED" not in page(client, world, address)
    assert "LABS_RECORDED" in page(client, world, f"{address}?all=1")


@pytest.mark.req("B12")
def test_the_csv_has_a_row_for_every_changed_field(
    world: World, client: Client, subject: Subject, edited: LabResult
) -> None:
    text = page(client, world, f"{reverse('audit')}?record=lab_result:{edited.pk}&field=typed&format=csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    typed = [(row["old"], row["new"]) for row in rows if row["field"] == "typed"]
    assert typed == [("empty", "2.9"), *EDITS]
    assert all(row["at_utc"].endswith("+00:00") and row["person"] and row["software"] for row in rows)
    whole = page(client, world, reverse("subject_audit", args=[subject.key]) + "?format=csv")
    assert {"lab_result", "subject", "visit"} <= {
        row["record"].split(":")[0] for row in csv.DictReader(io.StringIO(whole))
    }


def test_a_cell_that_looks_like_a_formula_does_nothing(world: World, client: Client, subject: Subject) -> None:
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.9"})
    record(world, subject, "bl", DAY1, {Analyte.SERUM_M: "2.8"}, reason='=HYPERLINK("x")')
    text = page(client, world, reverse("subject_audit", args=[subject.key]) + "?format=csv")
    reasons = {row["reason"] for row in csv.DictReader(io.StringIO(text))}
    assert '\'=HYPERLINK("x")' in reasons
    assert '=HYPERLINK("x")' not in reasons


@pytest.mark.req("B1")
def test_another_site_finds_nothing(world: World, client: Client, subject: Subject, edited: LabResult) -> None:
    log_in(client, world.person(Role.COORDINATOR, "02"))
    assert client.get(f"{reverse('audit')}?record=lab_result:{edited.pk}").status_code == 404
    assert client.get(reverse("subject_audit", args=[subject.key])).status_code == 404
    assert "serum M-spike" not in client.get(reverse("audit")).content.decode()


@pytest.mark.parametrize(
    ("role", "anywhere", "of_the_subject"),
    [(Role.COORDINATOR, 200, 200), (Role.INVESTIGATOR, 200, 200), (Role.DATA_MANAGER, 200, 200),
     (Role.MONITOR, 200, 200), (Role.ADMIN, 200, 403), (Role.STATISTICIAN, 403, 403)],
)  # fmt: skip
def test_who_may_read_the_trail(
    world: World, client: Client, subject: Subject, edited: LabResult, role: Role, anywhere: int, of_the_subject: int
) -> None:
    log_in(client, world.person(role))
    for address, status in (
        (reverse("audit"), anywhere),
        (f"{reverse('audit')}?record=lab_result:{edited.pk}", of_the_subject),
        (f"{reverse('audit')}?record=lab_result:{edited.pk}&format=csv", of_the_subject),
        (reverse("subject_audit", args=[subject.key]), of_the_subject),
    ):
        assert client.get(address).status_code == status


@pytest.mark.req("A5", "A9")
def test_an_administrator_reads_what_is_administered_and_nothing_of_a_subject(
    world: World, client: Client, subject: Subject, edited: LabResult
) -> None:
    found = list(recent_events(world.admin, world.at))
    assert {one.table for one in found} >= {"trialsite_user", "trialsite_delegation", "trialsite_training"}
    assert {one.subject_id for one in found} == {None}
    everything = {one.table for one in recent_events(world.person(Role.MONITOR), world.at)}
    assert everything >= {"labs_labresult", "trialsite_subject", "trialsite_visit", "trialsite_user"}
    assert {one.table for one in found} == everything & set(ADMINISTRATION)
    shown = page(client, world, f"{reverse('audit')}?site=01", Role.ADMIN, "00")
    assert "The trail of a subject is for those who may see the subject." in shown
    assert "serum M-spike" not in shown
    assert "The trail of a subject" not in page(client, world, reverse("audit"))
    account = f"{reverse('audit')}?record=user:{world.admin.user_id}"
    assert "recorded account" in page(client, world, account, Role.ADMIN, "00")


@pytest.mark.req("A5")
def test_who_administers_all_and_sees_one_site_reads_of_the_subjects_there_only(
    world: World, client: Client, edited: LabResult
) -> None:
    own, other = world.sites["01"], world.sites["02"]
    record(world, treated_subject(world, site="02", day1=DAY1), "bl", DAY1, {Analyte.SERUM_M: "3.1"})
    lines = tuple(
        Grant(role, site, date(2020, 1, 1), None) for role, site in ((Role.ADMIN, ALL_SITES), (Role.MONITOR, own.pk))
    )
    both = Actor("Both", user_id=world.admin.user_id, grants=lines)
    found = set(recent_events(both, world.at).values_list("table", "site_id"))
    assert {site for table, site in found if table == "labs_labresult"} == {own.pk}
    assert ("trialsite_delegation", other.pk) in found


def test_no_administered_table_holds_anything_of_a_subject() -> None:
    columns = {model._meta.db_table: {one.column for one in model._meta.concrete_fields} for model in apps.get_models()}
    assert set(ADMINISTRATION) <= columns.keys()
    clinical = {"subject_id", "visit_id", "specimen_id", "lab_import_id", "value", "typed", "received", "content"}
    assert {table: columns[table] & clinical for table in ADMINISTRATION if columns[table] & clinical} == {
        "trialsite_parameterconfirmation": {"value"}  # of the protocol
    }


def test_strangers_are_sent_to_sign_in(client: Client, subject: Subject) -> None:
    assert client.get(reverse("audit")).status_code == 302
    assert client.get(reverse("subject_audit", args=[subject.key])).status_code == 302


def test_the_site_filter_shows_one_site(world: World, client: Client, edited: LabResult) -> None:
    assert "serum M-spike" in page(client, world, f"{reverse('audit')}?site=01")
    assert "serum M-spike" not in page(client, world, f"{reverse('audit')}?site=02")


@pytest.mark.req("B12")
def test_every_audited_table_has_words(world: World, edited: LabResult) -> None:
    tables = set(AuditEvent.objects.order_by().values_list("table", flat=True).distinct())
    assert tables - set(BY_TABLE) - set(BOOKKEEPING) == set()


@pytest.mark.req("B12")
def test_a_deleted_row_is_still_named() -> None:
    gone = AuditEvent(id=1, table="trialsite_visit", row_id="7", op="DELETE", old={"code": "m06"}, actor_name="Mary")
    gone.reason, gone.role = "Emptied by the owner", ""
    assert entry(gone, None, {"code": "m06"}).words == "Mary deleted visit Month 6."


@pytest.mark.usefixtures("menu_without_number")
def test_the_number_of_database_queries_does_not_grow(
    world: World, client: Client, subject: Subject, edited: LabResult, django_assert_max_num_queries: object
) -> None:
    log_in(client, world.person(Role.MONITOR))
    address = reverse("subject_audit", args=[subject.key])
    client.get(address)
    with django_assert_max_num_queries(40) as few:  # type: ignore[operator]
        client.get(address)
    for month in range(1, 6):
        record(world, subject, f"m0{month}", date(2024, 3 + month, 4), {Analyte.SERUM_M: "2.8", Analyte.HB: "12.1"})
    with django_assert_max_num_queries(len(few) + 1):  # type: ignore[operator]
        client.get(address)
