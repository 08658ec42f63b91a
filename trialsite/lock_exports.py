"""What the spine lets people take away of freezing and locking: every step with the digest of what was locked."""

from __future__ import annotations

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

LOCKS = Dataset(
    name="locks",
    title="Freezing and locking: every step of every part of a record, with the digest of what was locked",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, l.place, l.number, l.act, l.state, l.reason,
               l.by_name AS done_by, {instant("l.at")} AS done_at, l.digest,
               jsonb_array_length(l.snapshot -> 'items') AS values_locked
        FROM trialsite_lockstep l
        JOIN trialsite_subject s ON s.id = l.subject_id
        JOIN trialsite_site site ON site.id = l.site_id
        ORDER BY l.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("place", "Visit, enrolment, course, safety, or doses with the month"),
        Column("number", "Which step of this part it was"),
        Column("act", "freeze, release, lock, unlock, ask or decline"),
        Column("state", "How the part stood after it: open, frozen or locked"),
        Column("reason", "Why; may be empty of a freeze or a lock"),
        Column("done_by", "Printed name of who took the step"),
        Column("done_at", "When, UTC"),
        Column("digest", "SHA-256 of the snapshot; empty unless the act is lock"),
        Column("values_locked", "How many values the snapshot holds; empty unless the act is lock"),
    ),
)
