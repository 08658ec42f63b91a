"""What the spine lets people take away of source data verification: every act, whatever became of it."""

from __future__ import annotations

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

SOURCE_VERIFICATIONS = Dataset(
    name="source_verifications",
    title="Source data verification: what was compared with its source, and what was taken back",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, v.id AS verification, v.place, v.record_type,
               v.record_id, v.item, CASE WHEN v.is_critical THEN 'YES' ELSE 'NO' END AS critical,
               v.event_number AS event, v.value, u.printed_name AS verified_by,
               {instant("v.verified_at")} AS verified_at,
               CASE WHEN w.id IS NULL THEN 'NO' ELSE 'YES' END AS withdrawn, t.printed_name AS withdrawn_by,
               {instant("w.withdrawn_at")} AS withdrawn_at, w.reason AS withdrawn_because
        FROM trialsite_sourceverification v
        JOIN trialsite_subject s ON s.id = v.subject_id
        JOIN trialsite_site site ON site.id = v.site_id
        JOIN trialsite_user u ON u.id = v.verified_by_id
        LEFT JOIN trialsite_sourceverificationwithdrawal w ON w.verification_id = v.id
        LEFT JOIN trialsite_user t ON t.id = w.withdrawn_by_id
        ORDER BY v.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("verification", "Number of the verification"),
        Column("place", "Visit, enrolment, course, safety, or doses with the month"),
        Column("record_type", "Kind of record"),
        Column("record_id", "Number of the record as it was first written"),
        Column("item", "Field that was compared"),
        Column("critical", "YES or NO: declared critical when it was verified"),
        Column("event", "Event of the audit trail that wrote the verified value"),
        Column("value", "What was compared, as it was shown"),
        Column("verified_by", "Printed name of the monitor"),
        Column("verified_at", "When, UTC"),
        Column("withdrawn", "YES or NO"),
        Column("withdrawn_by", "Printed name of who took it back; empty unless withdrawn"),
        Column("withdrawn_at", "When, UTC; empty unless withdrawn"),
        Column("withdrawn_because", "Why; empty unless withdrawn"),
    ),
)
