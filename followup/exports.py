"""What this room lets people take away: ends of treatment, departures, follow-up contacts, reminders."""

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

_SUBJECT = Column("subject", "Subject number, before registration the screening number")
_SITE = Column("site", "Site code")
_JOINS = """
        JOIN trialsite_subject s ON s.id = r.subject_id
        JOIN trialsite_site site ON site.id = r.site_id
"""
_WHO = "LEFT JOIN trialsite_user u ON u.id = r.recorded_by_id"
_IN_ERROR = f"""
               CASE WHEN r.in_error_at IS NULL THEN 'CURRENT' ELSE 'IN_ERROR' END AS record_state,
               {instant("r.in_error_at")} AS in_error_at, nullif(r.in_error_reason, '') AS in_error_reason,
               u.printed_name AS recorded_by, {instant("r.recorded_at")} AS recorded_at
"""
_IN_ERROR_COLUMNS = (
    Column("record_state", "CURRENT, or IN_ERROR for an entry that does not count"),
    Column("in_error_at", "When it was marked as entered in error, UTC; empty for those that count"),
    Column("in_error_reason", "Why it does not count; empty for those that do"),
    Column("recorded_by", "Printed name of the person who recorded it"),
    Column("recorded_at", "When it was recorded, UTC"),
)


def _yes_no(column: str, empty: str) -> str:
    """SQL for a yes or no that says in words why it is empty."""
    return f"CASE WHEN {column} THEN 'Y' WHEN NOT {column} THEN 'N' ELSE '{empty}' END"


END_OF_TREATMENT = Dataset(
    name="end_of_treatment",
    title="Signed ends of treatment, those entered in error included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.last_dose_on, r.reason,
               nullif(r.detail, '') AS detail, g.printed_name AS signed_by, g.meaning AS signature_meaning,
               {instant("g.signed_at")} AS signed_at, g.digest AS signature_sha256, {_IN_ERROR}
        FROM followup_endoftreatment r {_JOINS}
        JOIN trialsite_signature g ON g.id = r.signature_id {_WHO}
        ORDER BY subject, r.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("last_dose_on", "Date of the last dose"),
        Column("reason", "Coded reason"),
        Column("detail", "Details in words; empty where none were given"),
        Column("signed_by", "Printed name of the investigator"),
        Column("signature_meaning", "Meaning of the signature"),
        Column("signed_at", "When it was signed, UTC"),
        Column("signature_sha256", "SHA-256 of what was signed"),
        *_IN_ERROR_COLUMNS,
    ),
)

DEPARTURES = Dataset(
    name="departures",
    title="Subjects who left the study, entries marked as entered in error included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.kind, r."on" AS left_on, r.reason,
               {_yes_no("r.progression_before_treatment", "")} AS progression_before_treatment,
               {_yes_no("r.death_due_to_progression", "NOT_APPLICABLE")} AS death_due_to_progression,
               {_yes_no("r.passive_follow_up_allowed", "NOT_APPLICABLE")} AS passive_follow_up_allowed, {_IN_ERROR}
        FROM followup_departure r {_JOINS} {_WHO}
        ORDER BY subject, r.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("kind", "WITHDRAWN, LOST, DEAD or OFF_STUDY (before the first dose)"),
        Column("left_on", "Date of the withdrawal, loss, death or decision"),
        Column("reason", "What happened, in words"),
        Column("progression_before_treatment", "Y if progression before the first dose was why, else N"),
        Column("death_due_to_progression", "Y or N for a death, else NOT_APPLICABLE"),
        Column("passive_follow_up_allowed", "Y or N for a withdrawal, else NOT_APPLICABLE"),
        *_IN_ERROR_COLUMNS,
    ),
)

FOLLOW_UP_CONTACTS = Dataset(
    name="follow_up_contacts",
    title="Every attempt to reach a subject in follow-up, entries marked as entered in error included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.id AS contact, r.visit_code AS visit, r.contacted_on,
               r.method, upper(r.outcome) AS outcome,
               {_yes_no("r.alive", "NOT_ASKED")} AS alive, {_yes_no("r.progressed", "NOT_ASKED")} AS progressed,
               r.progressed_on, nullif(r.new_therapy, '') AS new_therapy, r.new_therapy_on,
               nullif(r.second_malignancy, '') AS second_malignancy, nullif(r.comment, '') AS comment, {_IN_ERROR}
        FROM followup_followupcontact r {_JOINS} {_WHO}
        ORDER BY subject, r.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("contact", "Number of the attempt"),
        Column("visit", "Follow-up visit, fu06 to fu60"),
        Column("contacted_on", "Date of the contact or attempt, at the site"),
        Column("method", "phone, visit, letter, physician or registry"),
        Column("outcome", "REACHED or NOT_REACHED"),
        Column("alive", "Y or N; NOT_ASKED where nobody was reached"),
        Column("progressed", "Y or N; NOT_ASKED where nobody was reached or the subject had died"),
        Column("progressed_on", "Date of progression; empty unless it progressed"),
        Column("new_therapy", "Another anti-myeloma therapy; empty if none"),
        Column("new_therapy_on", "First day of that therapy; empty if none"),
        Column("second_malignancy", "Second malignancy; empty if none"),
        Column("comment", "Comment; empty if none"),
        *_IN_ERROR_COLUMNS,
    ),
)

REMINDERS = Dataset(
    name="reminders",
    title="Follow-up reminders sent and skipped",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.visit_code AS visit, r.step_days, r.due_on,
               upper(r.status) AS status, r.reason, {instant("r.decided_at")} AS decided_at
        FROM followup_reminder r {_JOINS}
        ORDER BY subject, r.due_on, r.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("visit", "Follow-up visit, fu06 to fu60"),
        Column("step_days", "Days from the due date of the visit"),
        Column("due_on", "Day on which the reminder fell due, at the site"),
        Column("status", "SENT, SKIPPED, or VOID where the end of treatment was entered in error"),
        Column("reason", "Which reminder it was, or why it was skipped"),
        Column("decided_at", "When it was queued or skipped, UTC"),
    ),
)

DATASETS: tuple[Dataset, ...] = (END_OF_TREATMENT, DEPARTURES, FOLLOW_UP_CONTACTS, REMINDERS)
