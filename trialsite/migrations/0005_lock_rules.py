"""Audit and row security of the steps of locking; and on every table of source records, that a closed place stands."""

from django.db import migrations

from trialsite.guarding import guard, script, tie_to_parents

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
        *guard("trialsite_lockstep", rights="add", bulky=("snapshot",)),
        *tie_to_parents("trialsite_lockstep"),
        script("locks.sql"),
        *(_closes(table, place) for table, place in PLACES.items()),
        _closes("trialsite_subject", "'enrolment'", OF_THE_PERSON),
    ]
