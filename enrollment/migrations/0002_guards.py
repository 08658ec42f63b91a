"""Audit, row level security and rights of the tables of enrollment."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "enrollment_consent",
    "enrollment_screeninganswer",
    "enrollment_eligibilitysnapshot",
)
ADD_ONLY = (
    "enrollment_registration",
    "enrollment_screenfailure",
)


class Migration(migrations.Migration):
    dependencies = [("enrollment", "0001_initial"), ("labs", "0002_guards"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(*TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *tie_to_parents(*TABLES, *ADD_ONLY),
    ]
