"""What the laboratory room lets people take away: results, assessments, responses, reference ranges."""

from __future__ import annotations

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

#: A column as it is written here: the SQL that gives it, its name in the file, what it means.
Field = tuple[str, str, str]


def _words_of(list_name: str) -> str:
    """SQL for a list of a time point as words parted by spaces."""
    return f"(SELECT string_agg(one, ' ' ORDER BY one) FROM jsonb_array_elements_text(t.point -> '{list_name}') one)"  # noqa: S608


def _dataset(name: str, title: str, fields: tuple[Field, ...], source: str) -> Dataset:
    chosen = ", ".join(f'{sql} AS "{column}"' for sql, column, _ in fields)
    return Dataset(
        name=name,
        title=title,
        sql=f"SELECT {chosen} {source}",
        columns=tuple(Column(column, words) for _, column, words in fields),
    )


LAB_RESULTS = _dataset(
    "lab_results",
    "Laboratory results, every version",
    (
        (SUBJECT_NUMBER, "subject", "Subject number, before registration the screening number"),
        ("i.code", "site", "Site code"),
        ("v.code", "visit", "Visit code"),
        ("p.panel", "panel", "Panel"),
        ("r.analyte", "analyte", "Analyte"),
        ("p.collected_on", "collected_on", "Collection date"),
        ("to_char(p.collected_time, 'HH24:MI')", "collected_time", "Collection time, site's local time"),
        ("l.name", "laboratory", "Laboratory that measured it"),
        ("CASE WHEN l.is_central THEN 'Y' ELSE 'N' END", "central", "Y if that is a central laboratory"),
        ("p.accession", "accession", "Accession number of the report"),
        ("p.method", "method", "Method, where stated"),
        ("r.typed", "typed", "Exactly what was typed"),
        ("r.typed_unit", "typed_unit", "Unit as typed"),
        ("r.comparator", "comparator", "< or > of a censored value"),
        ("trim_scale(r.value)", "value", "Value in the canonical unit"),
        ("r.unit", "unit", "Canonical UCUM unit"),
        ("r.coded", "coded", "Code of a coded result"),
        ("CASE WHEN r.missing = '' THEN 'DONE' ELSE 'NOT DONE' END", "status", "DONE or NOT DONE"),
        ("r.missing", "missing", "ND not done, NA not applicable, UNK unknown, PEND pending"),
        ("r.missing_reason", "missing_reason", "Why it is missing"),
        (
            "trim_scale(r.reference_low)",
            "reference_low",
            "Lower limit of normal, canonical unit, as it held on that date",
        ),
        (
            "trim_scale(r.reference_high)",
            "reference_high",
            "Upper limit of normal, canonical unit, as it held on that date",
        ),
        ("r.conversion_version", "conversion_version", "Version of the factors that the value was converted with"),
        ("r.version", "version", "Version within its specimen"),
        ("CASE WHEN r.superseded_at IS NULL THEN 'Y' ELSE 'N' END", "current", "Y for the version that stands"),
        ("r.reason", "change_reason", "Why it was changed, empty at first entry"),
        (
            "CASE WHEN p.status = 'in_error' THEN 'Y' ELSE 'N' END",
            "specimen_in_error",
            "Y if the specimen was entered in error or its collection corrected",
        ),
        ("p.status_reason", "specimen_reason", "Why the specimen no longer stands"),
        ("u.printed_name", "entered_by", "Who entered it"),
        (instant("r.entered_at"), "entered_at", "When it was entered, UTC"),
        (instant("r.superseded_at"), "superseded_at", "When it ceased to stand, UTC"),
        ("'lab_result:' || r.id", "source", "Reference by which signatures and explanations name this version"),
    ),
    """
    FROM labs_labresult r
    JOIN labs_specimen p ON p.id = r.specimen_id
    JOIN trialsite_visit v ON v.id = p.visit_id
    JOIN trialsite_subject s ON s.id = r.subject_id
    JOIN trialsite_site i ON i.id = r.site_id
    LEFT JOIN labs_laboratory l ON l.id = p.laboratory_id
    LEFT JOIN trialsite_user u ON u.id = r.entered_by_id
    ORDER BY r.id
    """,
)

DISEASE_ASSESSMENTS = _dataset(
    "disease_assessments",
    "Disease assessments, every version",
    (
        (SUBJECT_NUMBER, "subject", "Subject number, before registration the screening number"),
        ("i.code", "site", "Site code"),
        ("v.code", "visit", "Visit code"),
        ("d.immunofixation_on", "immunofixation_on", "Date of immunofixation"),
        ("d.serum_ife", "serum_ife", "Serum immunofixation: NEGATIVE, POSITIVE, empty if not done"),
        ("d.urine_ife", "urine_ife", "Urine immunofixation: NEGATIVE, POSITIVE, empty if not done"),
        ("d.marrow_on", "marrow_on", "Date of marrow"),
        ("d.bm_pc", "bm_pc", "Marrow plasma cells, %, empty if not done"),
        ("d.bm_clonal", "bm_clonal", "Clonal plasma cells: NEGATIVE, POSITIVE, empty if not done"),
        ("d.circulating_pc_per_ul", "circulating_pc_per_ul", "Circulating plasma cells per uL, empty if not done"),
        ("d.imaging_on", "imaging_on", "Date of imaging"),
        ("d.imaging_method", "imaging_method", "Method of imaging"),
        ("d.bone_lesions", "bone_lesions", "NONE, UNCHANGED, NEW_OR_ENLARGED, empty if not assessed"),
        ("d.focal_mri_lesions", "focal_mri_lesions", "Focal MRI lesions of 5 mm or more, empty if not assessed"),
        ("d.plasmacytoma", "plasmacytoma", "NONE, UNCHANGED, NEW_OR_ENLARGED, empty if not assessed"),
        ("d.plasmacytoma_spd_mm2", "plasmacytoma_spd_mm2", "Sum of products of diameters, mm2, empty if not measured"),
        ("d.attribution_on", "attribution_on", "Date of the sample that was judged"),
        ("d.calcium_attributed", "calcium_attributed", "High calcium due to myeloma: t, f, empty if not judged"),
        ("d.renal_attributed", "renal_attributed", "Renal insufficiency due to myeloma: t, f, empty if not judged"),
        ("d.anaemia_attributed", "anaemia_attributed", "Anaemia due to myeloma: t, f, empty if not judged"),
        ("d.bone_attributed", "bone_attributed", "Bone lesions due to myeloma: t, f, empty if not judged"),
        ("d.comment", "comment", "Comment"),
        ("d.version", "version", "Version of the form at this visit"),
        ("CASE WHEN d.superseded_at IS NULL THEN 'Y' ELSE 'N' END", "current", "Y for the version that stands"),
        ("CASE WHEN d.in_error THEN 'Y' ELSE 'N' END", "in_error", "Y if it was entered in error"),
        ("d.reason", "change_reason", "Why it was changed, empty at first entry"),
        ("u.printed_name", "entered_by", "Who entered it"),
        (instant("d.entered_at"), "entered_at", "When it was entered, UTC"),
        (instant("d.superseded_at"), "superseded_at", "When it ceased to stand, UTC"),
        ("'disease_assessment:' || d.id", "source", "Reference by which signatures and explanations name this version"),
    ),
    """
    FROM labs_diseaseassessment d
    JOIN trialsite_visit v ON v.id = d.visit_id
    JOIN trialsite_subject s ON s.id = d.subject_id
    JOIN trialsite_site i ON i.id = d.site_id
    LEFT JOIN trialsite_user u ON u.id = d.entered_by_id
    ORDER BY d.id
    """,
)

RESPONSES = _dataset(
    "responses",
    "Derived responses, every time point of every computation",
    (
        (SUBJECT_NUMBER, "subject", "Subject number"),
        ("i.code", "site", "Site code"),
        ("a.id", "assessment", "Number of the computation"),
        (instant("a.computed_at"), "computed_at", "When it was computed, UTC"),
        ("a.caused_by", "caused_by", "The change that made the machine compute it"),
        ("a.protocol_version", "protocol_version", "Version of the protocol"),
        ("a.criteria_version", "criteria_version", "Version of the response criteria"),
        ("a.fingerprint", "fingerprint", "SHA-256 of all inputs and of the rule version"),
        (
            "CASE WHEN a.id = newest.id THEN 'Y' ELSE 'N' END",
            "current",
            "Y for the newest computation of the subject",
        ),
        ("a.confirmed", "confirmed_status", "Confirmed response of the subject by this computation"),
        ("e.epoch ->> 'number'", "epoch", "1 against the study baseline, 2 against the start of high dose"),
        ("t.point ->> 'on'", "on", "Date of the time point"),
        ("t.point ->> 'label'", "visit", "Visit or visits of the time point"),
        ("t.point ->> 'timepoint'", "timepoint_response", "Response of this time point by itself"),
        ("t.point ->> 'confirmed'", "confirmed_response", "Confirmed status at this time point"),
        (
            _words_of("missing_critical"),
            "missing_critical",
            "Data that were missing for a better category",
        ),
        (
            _words_of("pd_reasons"),
            "pd_reasons",
            "What showed progression",
        ),
        (
            "CASE WHEN g.intact > 0 THEN 'SIGNED' WHEN g.broken > 0 THEN 'BROKEN' ELSE 'UNSIGNED' END",
            "signature",
            "SIGNED, BROKEN or UNSIGNED: the investigator's signature under this computation",
        ),
    ),
    """
    FROM labs_responseassessment a
    JOIN trialsite_subject s ON s.id = a.subject_id
    JOIN trialsite_site i ON i.id = a.site_id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE ended.id IS NULL) AS intact,
               count(*) FILTER (WHERE ended.id IS NOT NULL) AS broken
        FROM labs_responsesignature rs
        LEFT JOIN trialsite_signatureevent ended ON ended.signature_id = rs.signature_id
        WHERE rs.assessment_id = a.id) g
    CROSS JOIN LATERAL (SELECT max(id) AS id FROM labs_responseassessment WHERE subject_id = a.subject_id) newest
    CROSS JOIN LATERAL jsonb_array_elements(a.result -> 'epochs') WITH ORDINALITY AS e (epoch, place)
    CROSS JOIN LATERAL jsonb_array_elements(e.epoch -> 'time_points') WITH ORDINALITY AS t (point, place)
    ORDER BY a.id, e.place, t.place
    """,
)

REFERENCE_RANGES = _dataset(
    "reference_ranges",
    "Reference ranges of the laboratories, every version",
    (
        ("i.code", "site", "Site code"),
        ("l.name", "laboratory", "Laboratory"),
        ("CASE WHEN l.is_central THEN 'Y' ELSE 'N' END", "central", "Y if it is a central laboratory"),
        ("r.analyte", "analyte", "Analyte"),
        ("CASE WHEN r.sex = '' THEN 'BOTH' ELSE r.sex END", "sex", "F, M or BOTH"),
        ("r.age_from", "age_from", "First age, years"),
        ("r.age_to", "age_to", "Last age, years"),
        ("trim_scale(r.low)", "low", "Lower limit, empty for none"),
        ("trim_scale(r.high)", "high", "Upper limit, empty for none"),
        ("r.unit", "unit", "Canonical UCUM unit"),
        ("r.valid_from", "valid_from", "First day"),
        ("r.valid_to", "valid_to", "Last day, empty while it holds"),
        ("u.printed_name", "entered_by", "Who entered it"),
        (instant("r.entered_at"), "entered_at", "When it was entered, UTC"),
    ),
    """
    FROM labs_referencerange r
    JOIN labs_laboratory l ON l.id = r.laboratory_id
    JOIN trialsite_site i ON i.id = r.site_id
    LEFT JOIN trialsite_user u ON u.id = r.entered_by_id
    ORDER BY r.id
    """,
)

IMPORT_ROWS = _dataset(
    "lab_import_rows",
    "Rows of laboratory files and what became of each",
    (
        ("coalesce(s.subject_number, s.screening_number, '')", "subject", "Subject number, empty if none was matched"),
        ("i.code", "site", "Site code"),
        ("f.id", "import", "Number of the import"),
        ("f.name", "file", "Name of the file"),
        ("f.sha256", "sha256", "SHA-256 of the file as received"),
        ("l.name", "laboratory", "Laboratory"),
        ("f.state", "import_state", "matching, review, done or cancelled"),
        ("r.line", "row", "Row of the file, the heading is row 1"),
        ("r.received #>> '{parts,accession}'", "accession", "Accession number as received"),
        ("r.received #>> '{parts,test}'", "test", "Test as received"),
        ("r.received #>> '{parts,value}'", "result", "Result as received"),
        ("r.received #>> '{parts,unit}'", "unit", "Unit as received"),
        ("r.analyte", "analyte", "Analyte that it was matched to"),
        ("r.collected_on", "collected_on", "Collection date as understood"),
        ("r.visit_code", "visit", "Visit code"),
        ("r.would_save", "understood", "The result as it was understood, canonical unit"),
        ("r.recorded", "recorded", "What was recorded in its place"),
        ("r.disposition", "disposition", "new, unchanged, corrected, conflicting or rejected"),
        ("r.words", "words", "Why, in a sentence"),
        ("r.decision", "decision", "replace, keep or leave_out, empty if nobody had to decide"),
        ("r.decision_reason", "decision_reason", "Reason of the decision"),
        ("CASE WHEN r.settled_at IS NULL THEN 'N' ELSE 'Y' END", "settled", "N while the row waits in quarantine"),
        ("u.printed_name", "settled_by", "Who settled it"),
        (instant("r.settled_at"), "settled_at", "When it was settled, UTC"),
        (
            "CASE WHEN r.result_id IS NULL THEN '' ELSE 'lab_result:' || r.result_id END",
            "source",
            "Result it stands in",
        ),
    ),
    """
    FROM labs_importrow r
    JOIN labs_labimport f ON f.id = r.lab_import_id
    JOIN labs_laboratory l ON l.id = f.laboratory_id
    JOIN trialsite_site i ON i.id = r.site_id
    LEFT JOIN trialsite_subject s ON s.id = r.subject_id
    LEFT JOIN trialsite_user u ON u.id = r.settled_by_id
    ORDER BY r.id
    """,
)

DATASETS: tuple[Dataset, ...] = (LAB_RESULTS, DISEASE_ASSESSMENTS, RESPONSES, REFERENCE_RANGES, IMPORT_ROWS)
