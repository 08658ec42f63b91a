"""The audit trail as people read it: sentences, old and new values, per field, record, subject and site."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from labs.models import LabResult
from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_followup import world_in_sight
from tests.world_labs import record, treated_subject
from trialsite.audit_words import entry
from trialsite.models import AuditEvent, Role, Subject
from trialsite.records import BOOKKEEPING, BY_TABLE

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
        (f"{reverse('audit')}?record=lab_result:{edited.pk}", anywhere),
        (reverse("subject_audit", args=[subject.key]), of_the_subject),
    ):
        assert client.get(address).status_code == status


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
