"""Freezing and locking: the steps, and a rule on every table of source records that a closed place stands still."""

from django.conf import settings
from django.db import migrations, models

from trialsite.guarding import guard, script, tie_to_parents
from trialsite.tables import link, row_id

_VISIT = "(SELECT code FROM trialsite_visit WHERE id = $1.visit_id)"
_SAMPLE = "(SELECT v.code FROM labs_specimen s JOIN trialsite_visit v ON v.id = s.visit_id WHERE s.id = $1.specimen_id)"
#: Table of source records -> SQL that gives the place of its row $1. `trialsite.source_items` says the same in Python.
PLACES = {
    "enrollment_consent": "'enrolment'",
    "enrollment_screeninganswer": "'enrolment'",
    "trialsite_visit": "$1.code",
    "labs_specimen": _VISIT,
    "labs_labresult": _SAMPLE,
    "labs_diseaseassessment": _VISIT,
    "followup_followupcontact": "$1.visit_code",
    "dosing_doserecord": "'doses-' || to_char($1.\"on\", 'YYYY-MM')",
    "dosing_dosemodification": "'course'",
    "followup_endoftreatment": "'course'",
    "followup_departure": "'course'",
    "safety_adverseevent": "'safety'",
    "safety_safetyreport": "'safety'",
    "safety_concomitantmedication": "'safety'",
}
#: The rest of a subject's row is derived, and goes on.
OF_THE_PERSON = "birth_year, sex, screened_on, consented_time, entered_in_error_at"


def _closes(table: str, place: str, columns: str = "") -> migrations.RunSQL:
    quoted = place.replace("'", "''")
    return migrations.RunSQL(
        f"SELECT edc_close_with_place('{table}'::regclass, '{quoted}', '{columns}')", migrations.RunSQL.noop
    )


class Migration(migrations.Migration):
    dependencies = [
        ("trialsite", "0003_rules"),
        ("labs", "0002_rules"),
        ("enrollment", "0002_rules"),
        ("safety", "0002_rules"),
        ("dosing", "0002_rules"),
        ("followup", "0002_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="LockStep",
            fields=[
                ("id", row_id()),
                ("subject", link("trialsite.subject")),
                ("site", link("trialsite.site")),
                ("place", models.CharField(help_text="Visit, or the part of the record.", max_length=20)),
                ("number", models.PositiveIntegerField(help_text="Counts the steps of this place.")),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("freeze", "Frozen"),
                            ("release", "Freeze lifted"),
                            ("lock", "Locked"),
                            ("unlock", "Unlocked"),
                            ("ask", "Unlock asked for"),
                            ("decline", "Unlock declined"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("frozen", "Frozen"), ("locked", "Locked")],
                        help_text="How the place stands after this step.",
                        max_length=6,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                (
                    "snapshot",
                    models.JSONField(blank=True, help_text="Every item of the place as it was locked.", null=True),
                ),
                ("digest", models.CharField(blank=True, help_text="SHA-256 of the snapshot.", max_length=64)),
                ("by", link(settings.AUTH_USER_MODEL)),
                ("by_name", models.CharField(max_length=200)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(fields=("subject", "place", "number"), name="lockstep_one_after_the_other"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("act__in", ["release", "unlock"]), ("state", "open")),
                            models.Q(("act", "freeze"), ("state", "frozen")),
                            models.Q(("act__in", ["lock", "ask", "decline"]), ("state", "locked")),
                            _connector="OR",
                        ),
                        name="lockstep_leads_to_its_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("act", "lock"), ("snapshot__isnull", False), models.Q(("digest", ""), _negated=True)
                            ),
                            models.Q(models.Q(("act", "lock"), _negated=True), ("snapshot", None), ("digest", "")),
                            _connector="OR",
                        ),
                        name="lockstep_lock_keeps_a_snapshot",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("act__in", ["freeze", "lock"]), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="lockstep_opening_has_a_reason",
                    ),
                ],
            },
        ),
        *guard("trialsite_lockstep", rights="add", bulky=("snapshot",)),
        *tie_to_parents("trialsite_lockstep"),
        script("locks.sql"),
        *(_closes(table, place) for table, place in PLACES.items()),
        _closes("trialsite_subject", "'enrolment'", OF_THE_PERSON),
    ]
