"""Audit, row level security and rights of the tables of laboratory files."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("labs_importmapping",)
#: What came in is kept in the row; the trail keeps its digest, and every answer and decision in full.
FILES = ("labs_labimport",)
ROWS = ("labs_importrow",)


class Migration(migrations.Migration):
    dependencies = [("labs", "0003_laboratory_files"), ("trialsite", "0002_audit_and_guards")]

    operations = [
        *guard(*TABLES),
        *guard(*FILES, bulky=("content",)),
        *guard(*ROWS, bulky=("received",)),
        *tie_to_parents(*TABLES, *FILES, *ROWS),
    ]
