"""Audit, row level security and rights of the tables of enrollment."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "enrollment_consent",
    "enrollment_consentform",
    "enrollment_screeninganswer",
    "enrollment_eligibilitysnapshot",
    "enrollment_waiver",
)
ADD_ONLY = (
    "enrollment_registration",
    "enrollment_screenfailure",
)


class Migration(migrations.Migration):
    replaces = [
        ("enrollment", name)
        for name in (
            "0002_guards",
            "0004_consent_form_guards",
            "0006_waiver_guards",
        )
    ]
    dependencies = [("enrollment", "0001_tables"), ("trialsite", "0003_rules")]

    operations = [
        *guard(*TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *tie_to_parents(*TABLES, *ADD_ONLY),
    ]
