"""What enrollment lets people take away: subjects, consents, answers, eligibility, registrations, screen failures."""

from __future__ import annotations

from enrollment.questions import UNKNOWN
from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

#: A column as it is written here: the SQL that gives it, its name in the file, what it means.
Field = tuple[str, str, str]

_NUMBER: Field = (SUBJECT_NUMBER, "subject", "Subject number, before registration the screening number")
_SCREENING: Field = ("s.screening_number", "screening_number", "Screening number")
_SITE: Field = ("i.code", "site", "Site code")


def _yes(condition: str) -> str:
    return f"CASE WHEN {condition} THEN 'Y' ELSE 'N' END"


def _status(column: str, missing: str) -> str:
    """DONE where the column holds something, else why it does not."""
    return f"CASE WHEN {column} IS NULL THEN '{missing}' ELSE 'DONE' END"


def _dataset(name: str, title: str, fields: tuple[Field, ...], source: str, order: str) -> Dataset:
    chosen = ", ".join(f'{sql} AS "{column}"' for sql, column, _ in fields)
    joins = "JOIN trialsite_subject s ON s.id = x.subject_id JOIN trialsite_site i ON i.id = s.site_id"
    return Dataset(
        name=name,
        title=title,
        sql=f"SELECT {chosen} FROM {source.replace('{joins}', joins)} ORDER BY {order}",  # noqa: S608  (no outside value)
        columns=tuple(Column(column, words) for _, column, words in fields),
    )


SUBJECTS = Dataset(
    name="subjects",
    title="Subjects: demographics, state and the dates that everything is counted from",
    sql=f"""
        SELECT {SUBJECT_NUMBER} AS subject, s.screening_number, i.code AS site, s.sex, s.birth_year, s.state,
               p.starts_on AS state_since, s.protocol_version, s.screened_on,
               s.registered_on, {_status("s.registered_on", "NOT REGISTERED")} AS registered_status,
               s.day1_on, {_status("s.day1_on", "NOT TREATED")} AS day1_status,
               s.treatment_ended_on,
               CASE WHEN s.treatment_ended_on IS NOT NULL THEN 'DONE' WHEN s.day1_on IS NULL THEN 'NOT TREATED'
                    ELSE 'ON TREATMENT' END AS treatment_ended_status,
               s.new_therapy_on, {_status("s.new_therapy_on", "NONE KNOWN")} AS new_therapy_status,
               s.died_on, {_status("s.died_on", "NOT KNOWN TO HAVE DIED")} AS died_status,
               CASE WHEN s.died_on IS NULL THEN 'NA' WHEN s.died_of_progression IS NULL THEN 'UNK'
                    WHEN s.died_of_progression THEN 'Y' ELSE 'N' END AS died_of_progression,
               {_yes("s.entered_in_error_at IS NOT NULL")} AS entered_in_error
        FROM trialsite_subject s
        JOIN trialsite_site i ON i.id = s.site_id
        LEFT JOIN trialsite_stateperiod p ON p.subject_id = s.id AND p.ends_on IS NULL
        ORDER BY s.screening_number
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("subject", _NUMBER[2]),
        Column("screening_number", _SCREENING[2]),
        Column("site", _SITE[2]),
        Column("sex", "F or M"),
        Column("birth_year", "Year of birth; the date is not collected"),
        Column("state", "Where the subject is in the protocol"),
        Column("state_since", "First day of that state"),
        Column("protocol_version", "Protocol version that was consented to"),
        Column("screened_on", "Date of consent"),
        Column("registered_on", "Date of registration"),
        Column("registered_status", "DONE or NOT REGISTERED"),
        Column("day1_on", "Day 1: date of the first anakinra dose"),
        Column("day1_status", "DONE or NOT TREATED"),
        Column("treatment_ended_on", "Date of the last dose"),
        Column("treatment_ended_status", "DONE, ON TREATMENT or NOT TREATED"),
        Column("new_therapy_on", "Start of the first other anti-myeloma therapy"),
        Column("new_therapy_status", "DONE or NONE KNOWN"),
        Column("died_on", "Date of death"),
        Column("died_status", "DONE or NOT KNOWN TO HAVE DIED"),
        Column("died_of_progression", "Y, N, UNK, or NA while alive"),
        Column("entered_in_error", "Y for a subject that should not be counted"),
    ),
)

CONSENTS = _dataset(
    "consents",
    "Consents, one row per version of the form",
    (
        _NUMBER,
        _SITE,
        ("x.form_version", "form_version", "Version of the consent form"),
        ("x.consented_on", "consented_on", "Date of consent"),
        ("to_char(x.consented_time, 'HH24:MI')", "consented_time", "Time of consent, site's local time"),
        (_status("x.consented_time", "UNK"), "consented_time_status", "DONE or UNK"),
        (
            "CASE x.signed_by WHEN 'subject' THEN 'SUBJECT' ELSE 'REPRESENTATIVE' END",
            "signed_by",
            "SUBJECT or REPRESENTATIVE (legally authorised)",
        ),
        ("o.printed_name", "obtained_by", "Who obtained consent"),
        (_yes("x.is_adult"), "is_adult", "Y if 18 or older on the day of consent, as stated"),
        (
            "nullif(x.another_person_because, '')",
            "another_person_because",
            "Why a likely duplicate is another person; empty where there was none",
        ),
        ("u.printed_name", "recorded_by", "Who recorded it"),
        (instant("x.recorded_at"), "recorded_at", "When it was recorded, UTC"),
    ),
    "enrollment_consent x {joins} LEFT JOIN trialsite_user u ON u.id = x.recorded_by_id"
    " LEFT JOIN trialsite_user o ON o.id = x.obtained_by_id",
    "s.screening_number, x.id",
)

CONSENT_GAPS = _dataset(
    "consent_gaps",
    "Times for which a newer consent was or is needed, one row per version; gaps opened in error are left out",
    (
        _NUMBER,
        _SITE,
        ("x.form_version", "form_version", "Version that was or is needed"),
        ("x.starts_on", "starts_on", "First day that waits for it"),
        ("x.ends_on", "ends_on", "Date of the new consent"),
        (_status("x.ends_on", "WAITING"), "ends_on_status", "DONE or WAITING"),
        ("to_char(x.ends_time, 'HH24:MI')", "ends_time", "Time of the new consent, site's local time"),
        (instant("x.opened_at"), "opened_at", "When the wait was noted, UTC"),
    ),
    "(SELECT * FROM trialsite_consentgap WHERE ends_on IS NULL OR ends_on >= starts_on) x {joins}",
    "s.screening_number, x.id",
)

CONSENT_FORMS = Dataset(
    name="consent_forms",
    title="Versions of the consent form by site",
    sql=f"""
        SELECT i.code AS site, x.version, x.approved_on, x.effective_on,
               {_yes("x.needs_reconsent")} AS needs_reconsent, x.changes,
               nullif(x.protocol_version, '') AS protocol_version,
               {_yes("x.in_error_at IS NOT NULL")} AS in_error,
               nullif(x.in_error_reason, '') AS in_error_reason, u.printed_name AS entered_by,
               {instant("x.entered_at")} AS entered_at
        FROM enrollment_consentform x
        JOIN trialsite_site i ON i.id = x.site_id
        LEFT JOIN trialsite_user u ON u.id = x.entered_by_id
        ORDER BY i.code, x.effective_on, x.id
    """,  # noqa: S608  (no value comes from outside)
    columns=(
        Column("site", _SITE[2]),
        Column("version", "Version as printed on the form"),
        Column("approved_on", "Date of approval by the site's ethics committee"),
        Column("effective_on", "First day of use"),
        Column("needs_reconsent", "Y if subjects with an older version sign again"),
        Column("changes", "What is new"),
        Column("protocol_version", "Protocol version that consent to it agrees to; empty where unchanged"),
        Column("in_error", "Y for a version that was listed in error"),
        Column("in_error_reason", "Why it was listed in error; empty otherwise"),
        Column("entered_by", "Who entered it"),
        Column("entered_at", "When it was entered, UTC"),
    ),
)

SCREENING_ANSWERS = _dataset(
    "screening_answers",
    "Answers on the eligibility checklist, every version",
    (
        _NUMBER,
        _SITE,
        ("x.item", "item", "Question"),
        ("x.version", "version", "Version of the answer"),
        (_yes("x.superseded_at IS NULL"), "current", "Y for the version that stands"),
        (f"nullif(x.value, '{UNKNOWN}')", "value", "Answer as coded"),
        (
            f"CASE WHEN x.value = '{UNKNOWN}' THEN 'UNK' ELSE 'DONE' END",
            "status",
            "DONE, or UNK where unknown was chosen",
        ),
        ("x.evidence_on", "evidence_on", "Date of the evidence"),
        (_status("x.evidence_on", "UNK"), "evidence_on_status", "DONE or UNK"),
        ("nullif(x.reason, '')", "change_reason", "Why it was changed; empty at first entry"),
        ("u.printed_name", "entered_by", "Who entered it"),
        (instant("x.entered_at"), "entered_at", "When it was entered, UTC"),
    ),
    "enrollment_screeninganswer x {joins} LEFT JOIN trialsite_user u ON u.id = x.entered_by_id",
    "s.screening_number, x.item, x.version",
)

_EVIDENCE = (
    "(SELECT string_agg((e ->> 'label') || ' ' || (e ->> 'value') || CASE WHEN e ->> 'on' = '' THEN '' ELSE"
    " ' (' || (e ->> 'on') || ')' END, '; ' ORDER BY n) FROM jsonb_array_elements(c.row -> 'evidence')"
    " WITH ORDINALITY AS piece (e, n))"
)
_SIGNATURE = (
    "CASE WHEN g.id IS NULL THEN 'NOT SIGNED' WHEN EXISTS (SELECT FROM trialsite_signatureevent v"
    " WHERE v.signature_id = g.id) THEN 'BROKEN' ELSE 'SIGNED' END"
)
ELIGIBILITY = _dataset(
    "eligibility",
    "Eligibility, one row per criterion of the checklist that was sent last",
    (
        _NUMBER,
        _SITE,
        ("c.row ->> 'criterion'", "criterion", "Criterion"),
        ("c.row ->> 'words'", "words", "Criterion in words"),
        ("c.row ->> 'outcome'", "outcome", "MET, NOT_MET, INDETERMINATE or NOT_APPLICABLE"),
        (_EVIDENCE, "evidence", "Evidence with its dates"),
        ("c.row -> 'waiver' ->> 'reason'", "waiver_reason", "Why it was waived; empty where it was not"),
        ("c.row -> 'waiver' ->> 'approved_by'", "waived_by", "Investigator who approved the waiver; empty without one"),
        ("x.judgements ->> 'as_of'", "as_of", "Day for which it was judged"),
        ("x.protocol_version", "protocol_version", "Protocol version"),
        (instant("x.computed_at"), "sent_at", "When the checklist was sent, UTC"),
        ("u.printed_name", "sent_by", "Who sent it"),
        ("g.printed_name", "signed_by", "Investigator who signed it"),
        (instant("g.signed_at"), "signed_at", "When it was signed, UTC"),
        (
            _SIGNATURE,
            "signature_status",
            "SIGNED, NOT SIGNED, or BROKEN where the evidence changed under the signature",
        ),
    ),
    "(SELECT DISTINCT ON (subject_id) * FROM enrollment_eligibilitysnapshot ORDER BY subject_id, id DESC) x {joins}"
    " CROSS JOIN LATERAL jsonb_array_elements(x.judgements -> 'criteria') WITH ORDINALITY AS c (row, place)"
    " LEFT JOIN trialsite_user u ON u.id = x.sent_by_id LEFT JOIN trialsite_signature g ON g.id = x.signature_id",
    "s.screening_number, c.place",
)

_REGISTERED_WITH = (
    "CASE WHEN EXISTS (SELECT FROM enrollment_registration r JOIN enrollment_eligibilitysnapshot e"
    " ON e.id = r.snapshot_id CROSS JOIN LATERAL jsonb_array_elements(e.judgements -> 'criteria') AS c (row)"
    " WHERE r.subject_id = x.subject_id AND c.row -> 'waiver' IS NOT NULL AND c.row ->> 'criterion' = x.criterion)"
    " THEN 'Y' ELSE 'N' END"
)
WAIVERS = _dataset(
    "waivers",
    "Waivers of criteria that were not met: asked for, approved and refused",
    (
        _NUMBER,
        _SITE,
        ("x.criterion", "criterion", "Criterion"),
        ("x.judgement ->> 'words'", "words", "Criterion in words"),
        (_EVIDENCE.replace("c.row", "x.judgement"), "evidence", "Evidence on which it was asked for"),
        ("x.reason", "reason", "Why it was asked for"),
        ("u.printed_name", "requested_by", "Who asked for it"),
        (instant("x.requested_at"), "requested_at", "When it was asked for, UTC"),
        (
            "CASE x.decision WHEN '' THEN 'WAITING' ELSE upper(x.decision) END",
            "decision",
            "APPROVED, REFUSED or WAITING",
        ),
        ("nullif(x.decision_reason, '')", "decision_reason", "Why it was decided so; empty while WAITING"),
        ("g.printed_name", "decided_by", "Investigator who signed the decision"),
        (instant("x.decided_at"), "decided_at", "When it was signed, UTC"),
        (
            f"CASE WHEN x.decision = '' THEN 'NA' ELSE {_SIGNATURE} END",
            "signature_status",
            "SIGNED, BROKEN where the evidence changed under it, NA while WAITING",
        ),
        (_REGISTERED_WITH, "registered_with", "Y if the subject was registered with this deviation"),
    ),
    "enrollment_waiver x {joins} LEFT JOIN trialsite_user u ON u.id = x.requested_by_id"
    " LEFT JOIN trialsite_signature g ON g.id = x.signature_id",
    "s.screening_number, x.id",
)

REGISTRATIONS = _dataset(
    "registrations",
    "Registrations",
    (
        _NUMBER,
        _SCREENING,
        _SITE,
        ("x.registered_on", "registered_on", "Date of registration"),
        ("g.printed_name", "eligibility_signed_by", "Investigator who signed eligibility"),
        (instant("g.signed_at"), "eligibility_signed_at", "When eligibility was signed, UTC"),
        ("u.printed_name", "registered_by", "Who registered"),
        (instant("x.registered_at"), "registered_at", "When it was registered, UTC"),
    ),
    "enrollment_registration x {joins} LEFT JOIN trialsite_user u ON u.id = x.registered_by_id"
    " JOIN enrollment_eligibilitysnapshot p ON p.id = x.snapshot_id"
    " LEFT JOIN trialsite_signature g ON g.id = p.signature_id",
    "s.screening_number",
)

_UNMET = (
    "(SELECT string_agg(one, ' ' ORDER BY n) FROM jsonb_array_elements_text(x.criteria) WITH ORDINALITY"
    " AS unmet (one, n))"
)
SCREEN_FAILURES = _dataset(
    "screen_failures",
    "Screen failures",
    (
        _NUMBER,
        _SITE,
        ("x.failed_on", "failed_on", "Date on which screening ended"),
        (
            "CASE WHEN jsonb_array_length(x.criteria) = 0 THEN 'CONSENT_WITHDRAWN' ELSE 'CRITERION' END",
            "cause",
            "CRITERION or CONSENT_WITHDRAWN",
        ),
        (
            _UNMET,
            "criteria",
            "Criteria not met, parted by spaces; empty where consent was withdrawn",
        ),
        ("x.reason", "reason", "Reason in words"),
        (
            "CASE x.passive_follow_up_allowed WHEN TRUE THEN 'Y' WHEN FALSE THEN 'N' ELSE 'NOT_APPLICABLE' END",
            "passive_follow_up_allowed",
            "Scope of a withdrawal: Y if public records may still be followed, N if nothing more is collected",
        ),
        ("u.printed_name", "recorded_by", "Who recorded it"),
        (instant("x.recorded_at"), "recorded_at", "When it was recorded, UTC"),
    ),
    "enrollment_screenfailure x {joins} LEFT JOIN trialsite_user u ON u.id = x.recorded_by_id",
    "s.screening_number",
)

DATASETS: tuple[Dataset, ...] = (
    SUBJECTS,
    CONSENT_FORMS,
    CONSENTS,
    CONSENT_GAPS,
    SCREENING_ANSWERS,
    ELIGIBILITY,
    WAIVERS,
    REGISTRATIONS,
    SCREEN_FAILURES,
)
