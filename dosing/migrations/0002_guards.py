"""Audit, row level security and rights of the tables of dosing."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "dosing_assignmentdiscrepancy",
    "dosing_doserecord",
)
ADD_ONLY = ("dosing_phasedecision",)
DERIVED = ("dosing_phaseproposal",)


class Migration(migrations.Migration):
    dependencies = [("dosing", "0001_initial"), ("labs", "0002_guards"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(*TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *guard(*DERIVED, bulky=("detail",)),
        *tie_to_parents(*TABLES, *ADD_ONLY, *DERIVED),
    ]
