"""What this room lets people take away: concomitant medication."""

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

CONCOMITANT_MEDICATIONS = Dataset(
    name="concomitant_medications",
    title="Concomitant medication, entries marked as entered in error included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, m.id AS medication, m.name, m.indication,
               CASE WHEN m.is_anti_myeloma THEN 'Y' ELSE 'N' END AS is_anti_myeloma,
               m.started_on, m.ended_on, CASE WHEN m.ended_on IS NULL THEN 'ONGOING' ELSE 'ENDED' END AS status,
               CASE WHEN m.in_error THEN 'IN_ERROR' ELSE 'CURRENT' END AS record_state,
               nullif(m.in_error_reason, '') AS in_error_reason,
               u.printed_name AS recorded_by, {instant("m.recorded_at")} AS recorded_at
        FROM safety_concomitantmedication m
        JOIN trialsite_subject s ON s.id = m.subject_id
        JOIN trialsite_site site ON site.id = m.site_id
        LEFT JOIN trialsite_user u ON u.id = m.recorded_by_id
        ORDER BY subject, m.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("medication", "Number of the entry"),
        Column("name", "Medication as entered"),
        Column("indication", "What it is given for"),
        Column("is_anti_myeloma", "Y for another anti-myeloma therapy, else N"),
        Column("started_on", "First day"),
        Column("ended_on", "Last day; empty while it is taken"),
        Column("status", "ONGOING or ENDED"),
        Column("record_state", "CURRENT, or IN_ERROR for an entry that does not count"),
        Column("in_error_reason", "Why it does not count; empty for those that do"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)

DATASETS: tuple[Dataset, ...] = (CONCOMITANT_MEDICATIONS,)
