"""Audit, row level security and rights of the tables of safety."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("safety_concomitantmedication",)


class Migration(migrations.Migration):
    dependencies = [("safety", "0001_initial"), ("labs", "0002_guards"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(*TABLES),
        *tie_to_parents(*TABLES),
    ]
