"""No direct identifiers: in no table, in no form, in no data set that leaves."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

from protocol.trial import TRIAL
from reporting.datasets import DATASETS
from reporting.documents.privacy import BY_TABLE, Privacy, privacy_of
from tests.world import new_world
from trialsite.models import Query

#: Words of column names that would hold what names a person (45 CFR 164.514(b)(2), classes that a trial meets).
BANNED = re.compile(
    r"first_?name|last_?name|surname|family_name|given_name|middle_name|maiden|initials|birth_?da(te|y)|\bdob\b|born_on"
    r"|mrn|medical_record|hospital_number|ssn|social_security|passport|national_id|insurance|health_plan"
    r"|street|postcode|zip|city|telephone|mobile|fax|face|photo|fingerprint_image|licen[cs]e|plate|ip_address"
)


def columns() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'")
        return {(table, column) for table, column in cursor.fetchall()}


@pytest.mark.req("J1")
def test_no_table_has_a_column_for_what_names_a_person(db: None) -> None:
    found = columns()
    assert len(found) > 300
    assert {one for one in found if BANNED.search(one[1])} == set()


@pytest.mark.req("J1")
def test_only_accounts_have_an_address_or_a_number_to_ring(db: None) -> None:
    """Where mail and telephone stand: with staff and sites, never with a subject."""
    reaching = {table for table, column in columns() if re.search(r"e_?mail|phone|address", column)}
    of_subjects = {model._meta.db_table for model in apps.get_models() if _is_of_a_subject(model)}
    assert "trialsite_mail" in reaching
    assert reaching & of_subjects <= {"trialsite_mail"}, "mail goes to staff"


def _is_of_a_subject(model: type) -> bool:
    return any(field.name == "subject" for field in model._meta.get_fields())  # type: ignore[attr-defined]


@pytest.mark.req("J1", "F3")
def test_no_data_set_leaves_with_what_names_a_person() -> None:
    named = {(one.name, column.name) for one in DATASETS for column in one.columns if BANNED.search(column.name)}
    assert named == set()
    assert not [analyte for analyte in TRIAL.analytes if BANNED.search(analyte.value)]


@pytest.mark.req("J1")
def test_numbers_of_subjects_say_nothing_of_the_person(db: None) -> None:
    """Two subjects of one site with the same year of birth and sex: numbers count, keys are random."""
    world = new_world()
    one, two = world.subject(), world.subject()
    assert (one.screening_number, two.screening_number) == ("01-S001", "01-S002")
    assert one.key != two.key
    assert re.fullmatch(r"[a-z0-9]{10}", one.key)


def fields() -> list[models.Field[Any, Any]]:
    rooms = ("trialsite", "labs", "enrollment", "safety", "dosing", "followup")
    found = [model for room in rooms for model in apps.get_app_config(room).get_models()]
    return [field for model in found for field in model._meta.concrete_fields]


@pytest.mark.req("J2")
def test_every_field_has_a_privacy_class() -> None:
    """Text that nobody has classed fails here: name it in reporting/documents/privacy.py."""
    assert [f"{one.model._meta.db_table}.{one.column}" for one in fields() if privacy_of(one) is None] == []
    assert len(fields()) > 300


@pytest.mark.req("J2")
def test_a_new_text_field_has_no_class_until_somebody_names_it() -> None:
    field = models.CharField(max_length=20)
    field.model, field.column = Query, "nickname"
    assert privacy_of(field) is None


@pytest.mark.req("J2", "J1")
def test_what_names_a_person_directly_is_never_of_a_subject() -> None:
    """Direct identifiers are those of staff: of whoever wrote, signed or receives mail."""
    direct = {f"{one.model._meta.db_table}.{one.column}" for one in fields() if privacy_of(one) is Privacy.DIRECT}
    staff = ("trialsite_user.", "trialsite_mail.address", "trialsite_site.phone")
    assert {one for one in direct if not one.startswith(staff) and "_name" not in one} == set()
    assert "trialsite_user.printed_name" in direct


@pytest.mark.req("J2")
def test_classes_name_only_what_there_is() -> None:
    known = {(one.model._meta.db_table, one.column) for one in fields()}
    named = {(table, column) for table, classes in BY_TABLE.items() for found in classes.values() for column in found}
    assert named <= known
