"""Audit, row level security and rights of the tables of labs."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = (
    "labs_laboratory",
    "labs_referencerange",
    "labs_specimen",
    "labs_labresult",
    "labs_diseaseassessment",
    "labs_importmapping",
)
ADD_ONLY = ("labs_responsesignature",)
DERIVED = ("labs_responseassessment",)
TOKENS = ("labs_laboratorytoken",)
#: What came in is kept in the row; the trail keeps its digest, and every answer and decision in full.
FILES = ("labs_labimport",)
ROWS = ("labs_importrow",)


class Migration(migrations.Migration):
    replaces = [
        ("labs", name)
        for name in (
            "0002_guards",
            "0004_laboratory_files_guards",
            "0006_laboratory_messages_guards",
        )
    ]
    dependencies = [("labs", "0001_tables"), ("trialsite", "0003_rules")]

    operations = [
        *guard(*TABLES),
        *guard(*ADD_ONLY, rights="add"),
        *guard(*DERIVED, rights="add", bulky=("inputs", "result")),
        *guard(*TOKENS, silent=("last_used_at",), secret=("token_digest",)),
        *guard(*FILES, bulky=("content",)),
        *guard(*ROWS, bulky=("received",)),
        *tie_to_parents(*TABLES, *ADD_ONLY, *DERIVED, *TOKENS, *FILES, *ROWS),
    ]
