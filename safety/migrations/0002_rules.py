"""Audit, row level security and rights of the tables of safety."""

from django.db import migrations

from trialsite.guarding import guard, tie_to_parents

TABLES = ("safety_concomitantmedication", "safety_adverseevent", "safety_safetyreport")
#: Add-only but for the three columns that say that a judgement was taken back.
JUDGEMENTS = ("safety_gradejudgement", "safety_vitaljudgement")
ADD_ONLY = ("safety_clockescalation",)
TAKING_BACK = ";".join(
    f"GRANT UPDATE (withdrawn_at, withdrawn_reason, withdrawn_by_id) ON {table} TO edc_app" for table in JUDGEMENTS
)


class Migration(migrations.Migration):
    replaces = [
        ("safety", name)
        for name in (
            "0002_guards",
            "0004_guard_adverse_events",
            "0006_guard_safety_reports",
            "0008_guard_vital_judgements",
            "0010_tie_follow_up_information",
        )
    ]
    dependencies = [("safety", "0001_tables"), ("labs", "0002_rules")]

    operations = [
        *guard(*TABLES),
        *guard(*JUDGEMENTS, *ADD_ONLY, rights="add"),
        migrations.RunSQL(TAKING_BACK, migrations.RunSQL.noop),
        *tie_to_parents(*TABLES, *JUDGEMENTS, *ADD_ONLY),
    ]
