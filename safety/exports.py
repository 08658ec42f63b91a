"""What this room lets people take away: adverse events, judged laboratory grades, concomitant medication."""

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

CONCOMITANT_MEDICATIONS = Dataset(
    name="concomitant_medications",
    title="Concomitant medication, entries marked as entered in error included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, m.id AS medication, m.name, m.indication,
               nullif(m.route, '') AS route,
               CASE WHEN m.is_anti_myeloma THEN 'Y' ELSE 'N' END AS is_anti_myeloma,
               m.started, m.started_earliest, m.started_latest, m.started_typed,
               nullif(m.stopped, '') AS stopped, m.stopped_earliest, m.stopped_latest,
               nullif(m.stopped_typed, '') AS stopped_typed,
               CASE WHEN m.stopped = '' THEN 'ONGOING' ELSE 'ENDED' END AS status,
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
        Column("route", "ORAL, INTRAVENOUS, SUBCUTANEOUS and so on, CDISC's words; UNKNOWN was asked for in vain"),
        Column("is_anti_myeloma", "Y for another anti-myeloma therapy, else N"),
        Column("started", "First day as precisely as it is known: 2025-03-12, 2025-03 or 2025"),
        Column("started_earliest", "Earliest day that it can have begun"),
        Column("started_latest", "Latest day that it can have begun"),
        Column("started_typed", "First day as it was typed"),
        Column("stopped", "Last day as precisely as it is known; empty while it is taken"),
        Column("stopped_earliest", "Earliest day that it can have ended"),
        Column("stopped_latest", "Latest day that it can have ended"),
        Column("stopped_typed", "Last day as it was typed"),
        Column("status", "ONGOING or ENDED"),
        Column("record_state", "CURRENT, or IN_ERROR for an entry that does not count"),
        Column("in_error_reason", "Why it does not count; empty for those that do"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)


def _flag(column: str) -> str:
    return f"CASE WHEN e.{column} THEN 'Y' ELSE 'N' END AS {column}"


def _expected(drug: str) -> str:
    column = f"expected_of_{drug}"
    return f"CASE e.{column} WHEN true THEN 'Y' WHEN false THEN 'N' ELSE 'NOT GIVEN' END AS {column}"


_SERIOUS = ("is_fatal", "is_life_threatening", "needs_hospital", "disables", "is_congenital", "is_important")

ADVERSE_EVENTS = Dataset(
    name="adverse_events",
    title="Adverse events, those marked as entered in error included",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, e.number AS event, e.term, e.ctcae_version, e.grade,
               nullif(e.reported_as, '') AS reported_as,
               e.started, e.started_earliest, e.started_latest, e.started_typed,
               nullif(e.stopped, '') AS stopped, e.stopped_earliest, e.stopped_latest,
               nullif(e.stopped_typed, '') AS stopped_typed,
               CASE WHEN e.stopped = '' THEN 'ONGOING' ELSE 'ENDED' END AS status, e.outcome,
               e.attribution_anakinra, e.attribution_dexamethasone,
               coalesce(nullif(e.attribution_disease, ''), 'NOT JUDGED') AS attribution_disease,
               coalesce(nullif(e.attribution_other, ''), 'NOT JUDGED') AS attribution_other,
               e.action_anakinra, e.action_dexamethasone,
               CASE WHEN {" OR ".join(f"e.{one}" for one in _SERIOUS)} THEN 'Y' ELSE 'N' END AS is_serious,
               {", ".join(_flag(one) for one in _SERIOUS)},
               {_expected("anakinra")}, {_expected("dexamethasone")}, e.reference_list,
               e.lab_result_id AS lab_result,
               CASE WHEN e.in_error THEN 'IN_ERROR' ELSE 'CURRENT' END AS record_state,
               nullif(e.in_error_reason, '') AS in_error_reason, e.version,
               u.printed_name AS recorded_by, {instant("e.recorded_at")} AS recorded_at
        FROM safety_adverseevent e
        JOIN trialsite_subject s ON s.id = e.subject_id
        JOIN trialsite_site site ON site.id = e.site_id
        LEFT JOIN trialsite_user u ON u.id = e.recorded_by_id
        ORDER BY subject, e.number
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("event", "Number of the event, counted within the subject"),
        Column("term", "CTCAE term"),
        Column("ctcae_version", "CTCAE version of term and grade"),
        Column("grade", "Highest grade, 1 to 5"),
        Column("reported_as", "In the words of the subject or the site"),
        Column("started", "First day as precisely as it is known: 2025-03-12, 2025-03 or 2025"),
        Column("started_earliest", "Earliest day that it can have begun"),
        Column("started_latest", "Latest day that it can have begun"),
        Column("started_typed", "First day as it was typed"),
        Column("stopped", "Last day as precisely as it is known; empty while status is ONGOING"),
        Column("stopped_earliest", "Earliest day that it can have ended"),
        Column("stopped_latest", "Latest day that it can have ended"),
        Column("stopped_typed", "Last day as it was typed"),
        Column("status", "ONGOING or ENDED"),
        Column("outcome", "RECOVERED, SEQUELAE, RECOVERING, NOT_RECOVERED, FATAL or UNKNOWN"),
        Column("attribution_anakinra", "UNRELATED to DEFINITE, or NOT_GIVEN; related is POSSIBLE or more"),
        Column("attribution_dexamethasone", "UNRELATED to DEFINITE, or NOT_GIVEN; related is POSSIBLE or more"),
        Column("attribution_disease", "UNRELATED to DEFINITE, or NOT JUDGED"),
        Column("attribution_other", "UNRELATED to DEFINITE, or NOT JUDGED"),
        Column("action_anakinra", "NONE, HELD, REDUCED, STOPPED or NOT_GIVEN"),
        Column("action_dexamethasone", "NONE, HELD, REDUCED, STOPPED or NOT_GIVEN"),
        Column("is_serious", "Y if any criterion of ICH E2A is met, else N"),
        Column("is_fatal", "Y if it results in death"),
        Column("is_life_threatening", "Y if life-threatening at the time"),
        Column("needs_hospital", "Y for in-patient admission or a longer stay"),
        Column("disables", "Y for persistent or significant incapacity"),
        Column("is_congenital", "Y for a congenital anomaly or birth defect"),
        Column("is_important", "Y for another important medical event"),
        Column("expected_of_anakinra", "Y, N or NOT GIVEN, by the reference list"),
        Column("expected_of_dexamethasone", "Y, N or NOT GIVEN, by the reference list"),
        Column("reference_list", "Reference list in force when the event began"),
        Column("lab_result", "Number of the laboratory result that led to it; empty if none did"),
        Column("record_state", "CURRENT, or IN_ERROR for an event that does not count"),
        Column("in_error_reason", "Why it does not count; empty for those that do"),
        Column("version", "1, raised by every correction"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)

SAFETY_REPORTS = Dataset(
    name="safety_reports",
    title="Serious adverse events and pregnancies with the moments of their reporting clocks",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.number AS report,
               CASE WHEN r.follows_id IS NOT NULL THEN 'FOLLOW-UP' WHEN r.event_id IS NULL THEN 'PREGNANCY'
                    ELSE 'SERIOUS EVENT' END AS kind,
               e.number AS event, f.number AS follows, nullif(r.pregnant, '') AS pregnant,
               {instant("r.aware_at")} AS aware_at, nullif(r.narrative, '') AS narrative,
               r.admitted_on, r.discharged_on, nullif(r.history, '') AS history, nullif(r.tests, '') AS tests,
               nullif(r.treatment, '') AS treatment, nullif(r.dechallenge, '') AS dechallenge,
               nullif(r.rechallenge, '') AS rechallenge, nullif(r.death_cause, '') AS death_cause,
               nullif(r.autopsy, '') AS autopsy, r.due_on, nullif(r.pregnancy_outcome, '') AS pregnancy_outcome,
               {instant("r.in_error_at")} AS in_error_at, nullif(r.in_error_reason, '') AS in_error_reason,
               {instant("r.sponsor_at")} AS sponsor_at, nullif(r.sponsor_late_because, '') AS sponsor_late_because,
               {instant("r.authority_at")} AS authority_at,
               nullif(r.authority_late_because, '') AS authority_late_because, r.version,
               u.printed_name AS recorded_by, {instant("r.recorded_at")} AS recorded_at
        FROM safety_safetyreport r
        JOIN trialsite_subject s ON s.id = r.subject_id
        JOIN trialsite_site site ON site.id = r.site_id
        LEFT JOIN safety_safetyreport f ON f.id = r.follows_id
        LEFT JOIN safety_adverseevent e ON e.id = coalesce(r.event_id, f.event_id)
        LEFT JOIN trialsite_user u ON u.id = r.recorded_by_id
        ORDER BY subject, r.number
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("report", "Number of the report, counted within the subject"),
        Column("kind", "SERIOUS EVENT, PREGNANCY or FOLLOW-UP"),
        Column("event", "Number of the adverse event; empty for a pregnancy"),
        Column("follows", "Number of the report that a follow-up follows; else empty"),
        Column("pregnant", "SUBJECT or PARTNER; empty for an event"),
        Column(
            "aware_at", "When the site learned of it, UTC; the 24 hours to the sponsor, of a follow-up 15 days, begin"
        ),
        Column("narrative", "What happened, in the words of the site"),
        Column("admitted_on", "Day of admission"),
        Column("discharged_on", "Day of discharge"),
        Column("history", "Relevant history, in the words of the site"),
        Column("tests", "Relevant tests with their results, in the words of the site"),
        Column("treatment", "What was done against it, in the words of the site"),
        Column("dechallenge", "YES, NO, UNKNOWN or NOT_APPLICABLE: it abated when the drug was stopped"),
        Column("rechallenge", "YES, NO, UNKNOWN or NOT_APPLICABLE: it came back when the drug was given again"),
        Column("death_cause", "Cause of death, in the words of the site"),
        Column("autopsy", "YES, NO, UNKNOWN or NOT_APPLICABLE"),
        Column("due_on", "When birth is expected; of a pregnancy only"),
        Column("pregnancy_outcome", "ONGOING, LIVE_BIRTH, ANOMALY, MISCARRIAGE, STILLBIRTH, TERMINATION or UNKNOWN"),
        Column("in_error_at", "When a pregnancy was marked as entered in error, UTC; empty if it stands"),
        Column("in_error_reason", "Why it was entered in error"),
        Column("sponsor_at", "When the sponsor received it, UTC; empty while it waits"),
        Column("sponsor_late_because", "Why that was later than 24 hours; empty if it was not"),
        Column("authority_at", "When it was sent to the authority, UTC; empty if it was not"),
        Column("authority_late_because", "Why that was late; empty if it was not"),
        Column("version", "1, raised by every change"),
        Column("recorded_by", "Printed name of the person who recorded it"),
        Column("recorded_at", "When it was recorded, UTC"),
    ),
)

CLOCK_ESCALATIONS = Dataset(
    name="clock_escalations",
    title="Steps of reporting clocks that were told by mail or skipped",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, r.number AS report, c.clock, c.percent,
               {instant("c.fell_due_at")} AS fell_due_at, upper(c.status) AS status, c.reason,
               {instant("c.decided_at")} AS decided_at
        FROM safety_clockescalation c
        JOIN safety_safetyreport r ON r.id = c.report_id
        JOIN trialsite_subject s ON s.id = c.subject_id
        JOIN trialsite_site site ON site.id = c.site_id
        ORDER BY subject, r.number, c.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("report", "Number of the report, counted within the subject"),
        Column("clock", "SPONSOR or AUTHORITY"),
        Column("percent", "Percent of the clock that had passed"),
        Column("fell_due_at", "When the step was reached, UTC"),
        Column("status", "SENT or SKIPPED"),
        Column("reason", "Why it was sent or skipped"),
        Column("decided_at", "When the sweep settled it, UTC"),
    ),
)

GRADE_JUDGEMENTS = Dataset(
    name="grade_judgements",
    title="Laboratory grades that an investigator judged not clinically significant",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, g.lab_result_id AS lab_result, r.analyte,
               p.collected_on, g.term, g.ctcae_version, g.grade,
               u.printed_name AS judged_by, {instant("g.judged_at")} AS judged_at,
               {instant("g.withdrawn_at")} AS withdrawn_at, g.withdrawn_reason
        FROM safety_gradejudgement g
        JOIN labs_labresult r ON r.id = g.lab_result_id
        JOIN labs_specimen p ON p.id = r.specimen_id
        JOIN trialsite_subject s ON s.id = g.subject_id
        JOIN trialsite_site site ON site.id = g.site_id
        LEFT JOIN trialsite_user u ON u.id = g.judged_by_id
        ORDER BY subject, g.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("lab_result", "Number of the laboratory result"),
        Column("analyte", "What was measured"),
        Column("collected_on", "Day of collection, at the site"),
        Column("term", "CTCAE term that the result was graded for"),
        Column("ctcae_version", "CTCAE version of the grade"),
        Column("grade", "Grade that the number suggests"),
        Column("judged_by", "Printed name of the investigator"),
        Column("judged_at", "When it was judged, UTC"),
        Column("withdrawn_at", "When the judgement was taken back, UTC"),
        Column("withdrawn_reason", "Why it was taken back"),
    ),
)

VITAL_JUDGEMENTS = Dataset(
    name="vital_judgements",
    title="Grades of vital signs that an investigator judged not clinically significant",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, site.code AS site, v.code AS visit, v.occurred_on,
               g.term, g.ctcae_version, g.grade,
               u.printed_name AS judged_by, {instant("g.judged_at")} AS judged_at,
               {instant("g.withdrawn_at")} AS withdrawn_at, g.withdrawn_reason
        FROM safety_vitaljudgement g
        JOIN trialsite_visit v ON v.id = g.visit_id
        JOIN trialsite_subject s ON s.id = g.subject_id
        JOIN trialsite_site site ON site.id = g.site_id
        LEFT JOIN trialsite_user u ON u.id = g.judged_by_id
        ORDER BY subject, g.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("visit", "Visit at which they were measured"),
        Column("occurred_on", "Day of the visit, at the site"),
        Column("term", "CTCAE term that the figures were graded for"),
        Column("ctcae_version", "CTCAE version of the grade"),
        Column("grade", "Grade that the figures suggested"),
        Column("judged_by", "Printed name of the investigator"),
        Column("judged_at", "When it was judged, UTC"),
        Column("withdrawn_at", "When the judgement was taken back, UTC"),
        Column("withdrawn_reason", "Why it was taken back"),
    ),
)

DATASETS: tuple[Dataset, ...] = (
    CONCOMITANT_MEDICATIONS,
    ADVERSE_EVENTS,
    SAFETY_REPORTS,
    CLOCK_ESCALATIONS,
    GRADE_JUDGEMENTS,
    VITAL_JUDGEMENTS,
)
