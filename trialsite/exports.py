"""What the spine lets people take away: visits, queries, signatures, sites, confirmations, mail, audit trail."""

from __future__ import annotations

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant
from trialsite.lock_exports import LOCKS
from trialsite.sdv_exports import SOURCE_VERIFICATIONS

_SUBJECT = Column("subject", "Subject number, before registration the screening number")
_SITE = Column("site", "Site code")
_MAYBE_SUBJECT = Column("subject", "Subject number, before registration the screening number; empty if about none")
_MAYBE_SITE = Column("site", "Site code; empty if about none")

SITES = Dataset(
    name="sites",
    title="Sites",
    sql="""
        SELECT code AS site, name, time_zone, opened_on, closed_on,
               CASE WHEN closed_on IS NULL THEN 'OPEN' ELSE 'CLOSED' END AS site_state
        FROM trialsite_site ORDER BY code
    """,
    columns=(
        _SITE,
        Column("name", "Name of the site"),
        Column("time_zone", "Time zone in which the site counts its days"),
        Column("opened_on", "First day"),
        Column("closed_on", "Last day; empty while site_state is OPEN"),
        Column("site_state", "OPEN or CLOSED"),
    ),
)


def _bedside(column: str) -> str:
    """SQL that says of one measurement of the bedside whether it is there, and if not, whether it is known why."""
    why = "CASE WHEN v.bedside_not_done <> '' THEN 'NOT DONE' ELSE 'NOT RECORDED' END"
    return f"CASE WHEN {column} IS NOT NULL THEN 'RECORDED' ELSE {why} END"


VISITS = Dataset(
    name="visits",
    title="Visits that took place, or are known not to have",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, v.code AS visit,
               upper(replace(v.status, '_', ' ')) AS status, v.occurred_on, nullif(v.reason, '') AS reason,
               v.ecog, {_bedside("v.ecog")} AS ecog_state,
               v.weight_kg, {_bedside("v.weight_kg")} AS weight_state,
               v.temperature_c, {_bedside("v.temperature_c")} AS temperature_state,
               v.pulse, {_bedside("v.pulse")} AS pulse_state,
               v.systolic, v.diastolic, {_bedside("v.systolic")} AS pressure_state,
               nullif(v.bedside_not_done, '') AS bedside_not_done,
               u.printed_name AS recorded_by, {instant("v.recorded_at")} AS recorded_at
        FROM trialsite_visit v
        JOIN trialsite_subject s ON s.id = v.subject_id
        JOIN trialsite_site site ON site.id = v.site_id
        LEFT JOIN trialsite_user u ON u.id = v.recorded_by_id
        ORDER BY s.screening_number, v.code, v.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("visit", "Slot of the protocol (scr, bl, m01 ... fu60) or uns1, uns2 ... for an unscheduled one"),
        Column("status", "ENTERED, COMPLETE, NOT DONE or IN ERROR"),
        Column("occurred_on", "Day of the visit, at the site; empty where status is NOT DONE"),
        Column("reason", "Why not done, unscheduled or in error; empty where none was needed"),
        Column("ecog", "ECOG performance status, 0 to 5"),
        Column("ecog_state", "RECORDED, NOT DONE or NOT RECORDED"),
        Column("weight_kg", "Weight, kg"),
        Column("weight_state", "RECORDED, NOT DONE or NOT RECORDED"),
        Column("temperature_c", "Body temperature, degrees Celsius"),
        Column("temperature_state", "RECORDED, NOT DONE or NOT RECORDED"),
        Column("pulse", "Pulse, beats per minute"),
        Column("pulse_state", "RECORDED, NOT DONE or NOT RECORDED"),
        Column("systolic", "Systolic blood pressure, mmHg"),
        Column("diastolic", "Diastolic blood pressure, mmHg"),
        Column("pressure_state", "RECORDED, NOT DONE or NOT RECORDED"),
        Column("bedside_not_done", "Why what is NOT DONE was not done"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)

QUERIES = Dataset(
    name="queries",
    title="Queries, open and closed",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, q.id AS query, nullif(q.visit_code, '') AS visit,
               q.record_type, q.record_id, q.item, nullif(q.check_code, '') AS check_code,
               CASE WHEN q.check_code = '' THEN 'PERSON' ELSE 'CHECK' END AS asked_by_kind,
               q.text, upper(q.state) AS state, u.printed_name AS opened_by,
               {instant("q.opened_at")} AS opened_at, {instant("q.closed_at")} AS closed_at
        FROM trialsite_query q
        JOIN trialsite_subject s ON s.id = q.subject_id
        JOIN trialsite_site site ON site.id = q.site_id
        LEFT JOIN trialsite_user u ON u.id = q.opened_by_id
        ORDER BY q.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("query", "Number of the query"),
        Column("visit", "Visit it belongs to; empty if none"),
        Column("record_type", "Kind of record it was asked of"),
        Column("record_id", "Number of the record's version it was asked of"),
        Column("item", "Field, for results the analyte"),
        Column("check_code", "Check that raised it; empty where a person asked"),
        Column("asked_by_kind", "CHECK or PERSON"),
        Column("text", "The question"),
        Column("state", "OPEN, ANSWERED or CLOSED"),
        Column("opened_by", "Printed name of who asked, or whose entry raised the check"),
        Column("opened_at", "When it was asked, UTC"),
        Column("closed_at", "When it was closed, UTC; empty unless CLOSED"),
    ),
)

QUERY_MESSAGES = Dataset(
    name="query_messages",
    title="The threads under the queries",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, m.query_id AS query, m.id AS message,
               upper(m.action) AS action, m.text, m.by_name AS written_by, {instant("m.at")} AS written_at
        FROM trialsite_querymessage m
        JOIN trialsite_query q ON q.id = m.query_id
        JOIN trialsite_subject s ON s.id = q.subject_id
        JOIN trialsite_site site ON site.id = m.site_id
        ORDER BY m.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("query", "Number of the query"),
        Column("message", "Number of the message"),
        Column("action", "OPENED, ANSWERED, CONFIRMED, CLOSED or REOPENED"),
        Column("text", "What was written"),
        Column("written_by", "Printed name"),
        Column("written_at", "When, UTC"),
    ),
)

SIGNATURES = Dataset(
    name="signatures",
    title="Electronic signatures, with what became of them",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, g.id AS signature, g.record_type, g.record_id,
               g.printed_name, g.role, g.meaning, {instant("g.signed_at")} AS signed_at, g.digest,
               coalesce(upper(string_agg(e.kind, ' ' ORDER BY e.id)), 'STANDING') AS signature_state,
               string_agg(e.reason, ' | ' ORDER BY e.id) AS ended_because
        FROM trialsite_signature g
        LEFT JOIN trialsite_subject s ON s.id = g.subject_id
        LEFT JOIN trialsite_site site ON site.id = g.site_id
        LEFT JOIN trialsite_signatureevent e ON e.signature_id = g.id
        GROUP BY g.id, s.id, site.id
        ORDER BY g.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number; empty for a signature that is not about one subject"),
        _SITE,
        Column("signature", "Number of the signature"),
        Column("record_type", "Kind of record signed"),
        Column("record_id", "Number of the record signed"),
        Column("printed_name", "Printed name of the signer"),
        Column("role", "Role in which it was signed"),
        Column("meaning", "Meaning of the signature"),
        Column("signed_at", "When, UTC"),
        Column("digest", "SHA-256 of exactly what was signed"),
        Column("signature_state", "STANDING, or BROKEN, SUPERSEDED, WITHDRAWN"),
        Column("ended_because", "Why it no longer stands; empty while STANDING"),
    ),
)

CONFIRMATIONS = Dataset(
    name="parameter_confirmations",
    title="Protocol parameters confirmed by signature",
    sql=f"""
        SELECT p.name AS parameter, p.value, p.unit, p.protocol_version, p.reason,
               p.confirmed_by_name AS confirmed_by, {instant("p.confirmed_at")} AS confirmed_at
        FROM trialsite_parameterconfirmation p ORDER BY p.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("parameter", "Name of the parameter"),
        Column("value", "Value confirmed"),
        Column("unit", "Unit of the value"),
        Column("protocol_version", "Version of the protocol it holds for"),
        Column("reason", "Why this value"),
        Column("confirmed_by", "Printed name of the signer"),
        Column("confirmed_at", "When, UTC"),
    ),
)

ACTIVATIONS = Dataset(
    name="protocol_activations",
    title="Protocol versions activated by signature",
    sql=f"""
        SELECT a.version AS protocol_version, a.replaces, a.reason, a.activated_by_name AS activated_by,
               {instant("a.activated_at")} AS activated_at
        FROM trialsite_protocolactivation a ORDER BY a.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("protocol_version", "Version that came into force"),
        Column("replaces", "Version that was in force before"),
        Column("reason", "What the activation rests on"),
        Column("activated_by", "Printed name of the signer"),
        Column("activated_at", "When, UTC"),
    ),
)

PROTOCOL_PERIODS = Dataset(
    name="protocol_periods",
    title="Protocol versions that subjects consented to",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, p.version AS protocol_version, p.starts_on,
               p.because AS reason, {instant("p.recorded_at")} AS recorded_at
        FROM trialsite_protocolperiod p
        JOIN trialsite_subject s ON s.id = p.subject_id
        JOIN trialsite_site site ON site.id = p.site_id
        ORDER BY p.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("protocol_version", "Version of the protocol"),
        Column("starts_on", "Day from which it judges the subject: the day of the consent"),
        Column("reason", "What it rests on"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)

MAILS = Dataset(
    name="mails",
    title="Mail sent, waiting, and not sent",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.id AS mail, u.printed_name AS recipient, r.heading,
               r.why, CASE WHEN r.skipped_at IS NOT NULL THEN 'NOT_SENT' WHEN r.sent_at IS NOT NULL THEN 'SENT'
                      ELSE 'WAITING' END AS status,
               nullif(r.skipped_because, '') AS not_sent_because, r.attempts, {instant("r.queued_at")} AS queued_at,
               {instant("r.sent_at")} AS sent_at
        FROM trialsite_mail r
        LEFT JOIN trialsite_subject s ON s.id = r.subject_id
        LEFT JOIN trialsite_site site ON site.id = r.site_id
        JOIN trialsite_user u ON u.id = r.recipient_id
        ORDER BY r.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _MAYBE_SUBJECT,
        _MAYBE_SITE,
        Column("mail", "Number of the mail"),
        Column("recipient", "Printed name of the recipient"),
        Column("heading", "Subject line"),
        Column("why", "What caused it"),
        Column("status", "SENT, WAITING or NOT_SENT"),
        Column("not_sent_because", "Why it was not sent; empty otherwise"),
        Column("attempts", "How often sending failed"),
        Column("queued_at", "When it was queued, UTC"),
        Column("sent_at", "When it left, UTC; empty until it has"),
    ),
)

AUDIT_EVENTS = Dataset(
    name="audit_events",
    title="The audit trail: every insert and change of every row, old and new values by field",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.id AS event, r.chain, l.seq AS chain_number,
               l.hash AS chain_hash, {instant("r.at")} AS at, r.actor_name AS actor, nullif(r.role, '') AS role,
               nullif(r.system_actor, '') AS system_actor, r.op AS operation, r.table_name, r.row_id,
               (r.old - 'password' - 'token_digest')::text AS old_values,
               (r.new - 'password' - 'token_digest')::text AS new_values,
               nullif(r.reason, '') AS reason, nullif(r.request_id, '') AS request, r.source, r.software
        FROM audit_event r
        LEFT JOIN trialsite_subject s ON s.id = r.subject_id
        LEFT JOIN trialsite_site site ON site.id = r.site_id
        LEFT JOIN audit_link l ON l.event_id = r.id
        ORDER BY r.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _MAYBE_SUBJECT,
        _MAYBE_SITE,
        Column("event", "Number of the event"),
        Column("chain", "Chain that the event belongs to"),
        Column("chain_number", "Place in that chain"),
        Column("chain_hash", "SHA-256 of the chain up to this event"),
        Column("at", "Clock of the database, UTC"),
        Column("actor", "Printed name of the person or job"),
        Column("role", "Role in which it was done; empty for a job"),
        Column("system_actor", "Name of the job; empty for a person"),
        Column("operation", "INSERT, UPDATE or DELETE"),
        Column("table_name", "Table"),
        Column("row_id", "Number of the row"),
        Column("old_values", "Fields that changed, old, as JSON; empty for an insert"),
        Column("new_values", "Fields that changed, new, as JSON; empty for a delete"),
        Column("reason", "Why; empty for a first entry"),
        Column("request", "Id of the request; empty for a job"),
        Column("source", "Where it came from: web, job, command"),
        Column("software", "Build of the software"),
    ),
)

DATASETS: tuple[Dataset, ...] = (
    SITES,
    VISITS,
    QUERIES,
    QUERY_MESSAGES,
    SOURCE_VERIFICATIONS,
    LOCKS,
    SIGNATURES,
    CONFIRMATIONS,
    ACTIVATIONS,
    PROTOCOL_PERIODS,
    MAILS,
    AUDIT_EVENTS,
)
