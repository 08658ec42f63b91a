"""Audit, row level security and rights of judged grades of vital signs."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLE = "safety_vitaljudgement"


class Migration(migrations.Migration):
    dependencies = [("safety", "0007_vital_judgements")]

    operations = [*guard(TABLE, rights="add"), *tie_to_parents(TABLE)]
