"""What this room lets people take away: doses, proposals beside decisions, discrepancies, phases."""

from __future__ import annotations

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

_SUBJECT = Column("subject", "Subject number, before registration the screening number")
_SITE = Column("site", "Site code")

DOSES = Dataset(
    name="doses",
    title="Doses recorded, every version; a planned day without a row was not recorded",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, d.drug, d."on" AS dose_on, d.version,
               d.status, d.planned_mg, d.given_mg, nullif(d.reason, '') AS reason,
               u.printed_name AS recorded_by, {instant("d.recorded_at")} AS recorded_at,
               {instant("d.superseded_at")} AS superseded_at,
               CASE WHEN d.superseded_at IS NULL THEN 'CURRENT' ELSE 'SUPERSEDED' END AS record_state
        FROM dosing_doserecord d
        JOIN trialsite_subject s ON s.id = d.subject_id
        JOIN trialsite_site site ON site.id = d.site_id
        LEFT JOIN trialsite_user u ON u.id = d.recorded_by_id
        ORDER BY subject, d."on", d.drug, d.version
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("drug", "anakinra or dexamethasone"),
        Column("dose_on", "Day of the dose, at the site"),
        Column("version", "Version of the record of that day and drug, from 1"),
        Column("status", "TAKEN, MISSED or HELD"),
        Column("planned_mg", "Planned dose, mg"),
        Column("given_mg", "Dose given, mg; 0 where missed or held"),
        Column("reason", "Why missed or held, or why changed; empty where neither"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
        Column("superseded_at", "When it was corrected or taken back, UTC; empty while it stands"),
        Column("record_state", "CURRENT or SUPERSEDED"),
    ),
)

PHASE_PROPOSALS = Dataset(
    name="phase_proposals",
    title="What the machine proposed, superseded proposals included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, p.id AS proposal, p.as_of,
               {instant("p.made_at")} AS made_at,
               p.from_state, p.kind, nullif(p.to_phase, '') AS to_phase, p.rule, p.words,
               p.detail ->> 'code' AS visit, p.detail ->> 'status' AS confirmed_response,
               p.detail -> 'point' ->> 'timepoint' AS timepoint_response,
               p.detail ->> 'protocol_version' AS protocol_version, p.detail ->> 'criteria_version' AS criteria_version,
               upper(p.status) AS status, p.fingerprint
        FROM dosing_phaseproposal p
        JOIN trialsite_subject s ON s.id = p.subject_id
        JOIN trialsite_site site ON site.id = p.site_id
        ORDER BY subject, p.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("proposal", "Number of the proposal"),
        Column("as_of", "Day for which it was computed, at the site"),
        Column("made_at", "When it was computed, UTC"),
        Column("from_state", "Phase of the subject then"),
        Column("kind", "What is proposed"),
        Column("to_phase", "Phase it leads to; empty where it waits or a person chooses"),
        Column("rule", "Rule of the protocol"),
        Column("words", "The proposal in words"),
        Column("visit", "Visit whose response decides"),
        Column("confirmed_response", "Confirmed response"),
        Column("timepoint_response", "Response of the visit's own sample; empty without an evaluable sample"),
        Column("protocol_version", "Version of the protocol"),
        Column("criteria_version", "Version of the response criteria"),
        Column("status", "PENDING, SUPERSEDED or DECIDED"),
        Column("fingerprint", "SHA-256 of what was shown"),
    ),
)

PHASE_DECISIONS = Dataset(
    name="phase_decisions",
    title="Signed decisions, each beside the proposal it answers",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, d.id AS decision, p.id AS proposal,
               p.from_state, p.kind AS proposed, nullif(p.to_phase, '') AS proposed_phase,
               p.detail ->> 'status' AS proposed_response,
               upper(d.choice) AS choice, d.to_phase AS decided_phase, nullif(d.response, '') AS decided_response,
               d.starts_on, nullif(d.reason, '') AS reason, g.printed_name AS signed_by,
               {instant("g.signed_at")} AS signed_at, g.time_zone, g.meaning, g.digest,
               CASE WHEN e.id IS NULL THEN 'INTACT' ELSE upper(e.kind) END AS signature_state
        FROM dosing_phasedecision d
        JOIN dosing_phaseproposal p ON p.id = d.proposal_id
        JOIN trialsite_signature g ON g.id = d.signature_id
        LEFT JOIN LATERAL (
            SELECT id, kind FROM trialsite_signatureevent WHERE signature_id = g.id ORDER BY id LIMIT 1
        ) e ON true
        JOIN trialsite_subject s ON s.id = d.subject_id
        JOIN trialsite_site site ON site.id = d.site_id
        ORDER BY subject, d.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("decision", "Number of the decision"),
        Column("proposal", "Number of the proposal it answers"),
        Column("from_state", "Phase before"),
        Column("proposed", "What the machine proposed"),
        Column("proposed_phase", "Phase the machine proposed; empty where a person chooses or it waited"),
        Column("proposed_response", "Confirmed response as computed"),
        Column("choice", "AGREE or OVERRIDE"),
        Column("decided_phase", "Phase that the investigator started"),
        Column("decided_response", "Response that the investigator stated"),
        Column("starts_on", "First day of the phase"),
        Column("reason", "Why the investigator decided otherwise; empty where in agreement"),
        Column("signed_by", "Printed name under the first signature"),
        Column("signed_at", "When it was signed, UTC"),
        Column("time_zone", "Time zone of the site"),
        Column("meaning", "Meaning of the signature"),
        Column("digest", "SHA-256 of what was signed"),
        Column("signature_state", "INTACT, BROKEN, SUPERSEDED or WITHDRAWN"),
    ),
)

DISCREPANCIES = Dataset(
    name="discrepancies",
    title="Signed decisions whose basis was corrected",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, x.id AS discrepancy, x.decision_id AS decision,
               {instant("x.found_at")} AS found_at, x.was ->> 'kind' AS proposed_then,
               nullif(x.now ->> 'kind', '') AS proposed_now, x.was ->> 'status' AS response_then,
               x.now ->> 'status' AS response_now,
               CASE WHEN x.resolved_at IS NULL THEN 'OPEN' ELSE 'RESOLVED' END AS state,
               {instant("x.resolved_at")} AS resolved_at, u.printed_name AS resolved_by,
               nullif(x.resolution, '') AS resolution
        FROM dosing_assignmentdiscrepancy x
        JOIN trialsite_subject s ON s.id = x.subject_id
        JOIN trialsite_site site ON site.id = x.site_id
        LEFT JOIN trialsite_user u ON u.id = x.resolved_by_id
        ORDER BY subject, x.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("discrepancy", "Number of the discrepancy"),
        Column("decision", "Number of the decision"),
        Column("found_at", "When it was found, UTC"),
        Column("proposed_then", "What was proposed when it was signed"),
        Column("proposed_now", "What would have been proposed with what is known now; empty for nothing"),
        Column("response_then", "Confirmed response when it was signed"),
        Column("response_now", "Confirmed response of that day with what is known now"),
        Column("state", "OPEN or RESOLVED"),
        Column("resolved_at", "When the investigator resolved it, UTC; empty while open"),
        Column("resolved_by", "Printed name of the investigator"),
        Column("resolution", "How the decision stands, in the investigator's words"),
    ),
)

TREATMENT_PHASES = Dataset(
    name="treatment_phases",
    title="States of every subject over time",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, p.state, p.starts_on, p.ends_on,
               CASE WHEN p.ends_on IS NULL THEN 'PRESENT' ELSE 'ENDED' END AS period_state,
               p.because, {instant("p.recorded_at")} AS recorded_at
        FROM trialsite_stateperiod p
        JOIN trialsite_subject s ON s.id = p.subject_id
        JOIN trialsite_site site ON site.id = p.site_id
        ORDER BY subject, p.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("state", "State or treatment phase"),
        Column("starts_on", "First day, at the site"),
        Column("ends_on", "Last day, inclusive; empty while it lasts"),
        Column("period_state", "PRESENT or ENDED"),
        Column("because", "What led to it"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)

DOSE_MODIFICATIONS = Dataset(
    name="dose_modifications",
    title="Orders to hold, reduce or stop a drug",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, m.id AS modification, m.drug, m.action, m.starts_on,
               m.ends_on, CASE WHEN m.ends_on IS NULL THEN 'ONGOING' ELSE 'ENDED' END AS order_state, m.mg, m.reason,
               e.number AS adverse_event,
               u.printed_name AS recorded_by, {instant("m.recorded_at")} AS recorded_at,
               CASE WHEN m.in_error_at IS NULL THEN 'CURRENT' ELSE 'IN_ERROR' END AS record_state,
               nullif(m.in_error_reason, '') AS in_error_reason
        FROM dosing_dosemodification m
        LEFT JOIN safety_adverseevent e ON e.id = m.event_id
        JOIN trialsite_subject s ON s.id = m.subject_id
        JOIN trialsite_site site ON site.id = m.site_id
        LEFT JOIN trialsite_user u ON u.id = m.recorded_by_id
        ORDER BY subject, m.starts_on, m.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        _SUBJECT,
        _SITE,
        Column("modification", "Number of the order"),
        Column("drug", "anakinra or dexamethasone"),
        Column("action", "HOLD, REDUCE or STOP"),
        Column("starts_on", "First day"),
        Column("ends_on", "Last day; empty while it lasts"),
        Column("order_state", "ONGOING or ENDED"),
        Column("mg", "Reduced dose, mg; empty for hold and stop"),
        Column("reason", "Why"),
        Column("adverse_event", "Number of the adverse event that it answers, counted within the subject"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
        Column("record_state", "CURRENT or IN_ERROR"),
        Column("in_error_reason", "Why the entry was wrong"),
    ),
)

DRUG_LOTS = Dataset(
    name="drug_lots",
    title="Lots of study drug at each site, with where every unit is",
    sql="""
        SELECT site.code AS site, l.drug, l.lot, l.unit_mg, l.expires_on,
               coalesce(sum(m.units) FILTER (WHERE m.kind = 'received'), 0) AS received,
               coalesce(sum(m.units) FILTER (WHERE m.kind = 'dispensed'), 0)
                 - coalesce(sum(m.units) FILTER (WHERE m.kind = 'returned'), 0) AS with_subjects,
               coalesce(sum(m.units) FILTER (WHERE m.kind = 'received'), 0)
                 - coalesce(sum(m.units) FILTER (WHERE m.kind IN ('dispensed', 'destroyed')), 0) AS on_hand,
               coalesce(sum(m.units) FILTER (WHERE m.kind = 'returned'), 0)
                 - coalesce(sum(m.units) FILTER (WHERE m.kind = 'return_destroyed'), 0) AS returned,
               coalesce(sum(m.units) FILTER (WHERE m.kind IN ('destroyed', 'return_destroyed')), 0) AS destroyed
        FROM dosing_druglot l
        JOIN trialsite_site site ON site.id = l.site_id
        LEFT JOIN dosing_drugmovement m ON m.lot_id = l.id AND m.in_error_at IS NULL
        GROUP BY site.code, l.id
        ORDER BY site, l.drug, l.expires_on, l.id
    """,
    columns=(
        _SITE,
        Column("drug", "anakinra or dexamethasone"),
        Column("lot", "Lot as printed"),
        Column("unit_mg", "What one syringe or tablet holds, mg"),
        Column("expires_on", "Expiry date"),
        Column("received", "Units received"),
        Column("with_subjects", "Units dispensed and not returned: used, or still with subjects"),
        Column("on_hand", "Units in stock"),
        Column("returned", "Units that came back and were not destroyed yet"),
        Column("destroyed", "Units destroyed, from stock or after return"),
    ),
)

DRUG_MOVEMENTS = Dataset(
    name="drug_movements",
    title="Every movement of study drug",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, m.id AS movement, l.drug, l.lot, l.unit_mg,
               upper(m.kind) AS kind, m.units, m."on" AS moved_on, nullif(m.note, '') AS note,
               u.printed_name AS recorded_by, {instant("m.recorded_at")} AS recorded_at,
               CASE WHEN m.in_error_at IS NULL THEN 'CURRENT' ELSE 'IN_ERROR' END AS record_state,
               nullif(m.in_error_reason, '') AS in_error_reason
        FROM dosing_drugmovement m
        JOIN dosing_druglot l ON l.id = m.lot_id
        JOIN trialsite_site site ON site.id = m.site_id
        LEFT JOIN trialsite_subject s ON s.id = m.subject_id
        LEFT JOIN trialsite_user u ON u.id = m.recorded_by_id
        ORDER BY site, m.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number; empty where the stock itself moved"),
        _SITE,
        Column("movement", "Number of the movement"),
        Column("drug", "anakinra or dexamethasone"),
        Column("lot", "Lot as printed"),
        Column("unit_mg", "What one syringe or tablet holds, mg"),
        Column("kind", "RECEIVED, DISPENSED, RETURNED, DESTROYED or RETURN_DESTROYED"),
        Column("units", "Syringes or tablets"),
        Column("moved_on", "Day, at the site"),
        Column("note", "Shipment, certificate or remark"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
        Column("record_state", "CURRENT or IN_ERROR"),
        Column("in_error_reason", "Why the entry was wrong"),
    ),
)

DATASETS: tuple[Dataset, ...] = (
    DOSES,
    PHASE_PROPOSALS,
    PHASE_DECISIONS,
    DISCREPANCIES,
    TREATMENT_PHASES,
    DOSE_MODIFICATIONS,
    DRUG_LOTS,
    DRUG_MOVEMENTS,
)
