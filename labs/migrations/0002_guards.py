"""Audit, row level security and rights of the tables of labs."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "labs_laboratory",
    "labs_referencerange",
    "labs_specimen",
    "labs_labresult",
    "labs_diseaseassessment",
)
ADD_ONLY = ("labs_responsesignature",)
DERIVED = ("labs_responseassessment",)


class Migration(migrations.Migration):
    dependencies = [("labs", "0001_initial"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(*TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *guard(*DERIVED, rights="add", bulky=("inputs", "result")),
        *tie_to_parents(*TABLES, *ADD_ONLY, *DERIVED),
    ]
