"""Audit, row level security and rights of the tables of followup."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "followup_endoftreatment",
    "followup_departure",
    "followup_followupcontact",
    "followup_reminder",
)


class Migration(migrations.Migration):
    dependencies = [("followup", "0001_initial"), ("labs", "0002_guards"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(*TABLES),
        *tie_to_parents(*TABLES),
    ]
