"""What the laboratory room lets people take away: results, assessments, responses, reference ranges."""

from __future__ import annotations

from trialsite.exporting import SUBJECT_NUMBER, Column, Dataset, instant

LAB_RESULTS = Dataset(
    name="lab_results",
    title="Laboratory results, every version",
    sql=f"""
SELECT {SUBJECT_NUMBER}, i.code, v.code, p.panel, r.analyte, p.collected_on,
       to_char(p.collected_time, 'HH24:MI'), l.name, CASE WHEN l.is_central THEN 'Y' ELSE 'N' END, p.accession,
       p.method, r.typed, r.typed_unit, r.comparator, trim_scale(r.value), r.unit, r.coded,
       CASE WHEN r.missing = '' THEN 'DONE' ELSE 'NOT DONE' END, r.missing, r.missing_reason,
       trim_scale(r.reference_low), trim_scale(r.reference_high), r.conversion_version, r.version,
       CASE WHEN r.superseded_at IS NULL THEN 'Y' ELSE 'N' END, r.reason,
       CASE WHEN p.status = 'in_error' THEN 'Y' ELSE 'N' END, p.status_reason, u.printed_name,
       {instant("r.entered_at")}, {instant("r.superseded_at")}, 'lab_result:' || r.id
  FROM labs_labresult r
  JOIN labs_specimen p ON p.id = r.specimen_id
  JOIN trialsite_visit v ON v.id = p.visit_id
  JOIN trialsite_subject s ON s.id = r.subject_id
  JOIN trialsite_site i ON i.id = r.site_id
  LEFT JOIN labs_laboratory l ON l.id = p.laboratory_id
  LEFT JOIN trialsite_user u ON u.id = r.entered_by_id
 ORDER BY r.id
""",
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("visit", "Visit code"),
        Column("panel", "Panel"),
        Column("analyte", "Analyte"),
        Column("collected_on", "Collection date"),
        Column("collected_time", "Collection time, site's local time"),
        Column("laboratory", "Laboratory that measured it"),
        Column("central", "Y if that is a central laboratory"),
        Column("accession", "Accession number of the report"),
        Column("method", "Method, where stated"),
        Column("typed", "Exactly what was typed"),
        Column("typed_unit", "Unit as typed"),
        Column("comparator", "< or > of a censored value"),
        Column("value", "Value in the canonical unit"),
        Column("unit", "Canonical UCUM unit"),
        Column("coded", "Code of a coded result"),
        Column("status", "DONE or NOT DONE"),
        Column("missing", "ND not done, NA not applicable, UNK unknown, PEND pending"),
        Column("missing_reason", "Why it is missing"),
        Column("reference_low", "Lower limit of normal, canonical unit, as it held on that date"),
        Column("reference_high", "Upper limit of normal, canonical unit, as it held on that date"),
        Column("conversion_version", "Version of the factors that the value was converted with"),
        Column("version", "Version within its specimen"),
        Column("current", "Y for the version that stands"),
        Column("change_reason", "Why it was changed, empty at first entry"),
        Column("specimen_in_error", "Y if the specimen was entered in error or its collection corrected"),
        Column("specimen_reason", "Why the specimen no longer stands"),
        Column("entered_by", "Who entered it"),
        Column("entered_at", "When it was entered, UTC"),
        Column("superseded_at", "When it ceased to stand, UTC"),
        Column("source", "Reference by which signatures and explanations name this version"),
    ),
)

_ASSESSED = (
    ("immunofixation_on", "Date of immunofixation"),
    ("serum_ife", "Serum immunofixation: NEGATIVE, POSITIVE, empty if not done"),
    ("urine_ife", "Urine immunofixation: NEGATIVE, POSITIVE, empty if not done"),
    ("marrow_on", "Date of marrow"),
    ("bm_pc", "Marrow plasma cells, %, empty if not done"),
    ("bm_clonal", "Clonal plasma cells: NEGATIVE, POSITIVE, empty if not done"),
    ("circulating_pc_per_ul", "Circulating plasma cells per uL, empty if not done"),
    ("imaging_on", "Date of imaging"),
    ("imaging_method", "Method of imaging"),
    ("bone_lesions", "NONE, UNCHANGED, NEW_OR_ENLARGED, empty if not assessed"),
    ("focal_mri_lesions", "Focal MRI lesions of 5 mm or more, empty if not assessed"),
    ("plasmacytoma", "NONE, UNCHANGED, NEW_OR_ENLARGED, empty if not assessed"),
    ("plasmacytoma_spd_mm2", "Sum of products of diameters, mm2, empty if not measured"),
    ("attribution_on", "Date of the sample that was judged"),
    ("calcium_attributed", "High calcium due to myeloma: t, f, empty if not judged"),
    ("renal_attributed", "Renal insufficiency due to myeloma: t, f, empty if not judged"),
    ("anaemia_attributed", "Anaemia due to myeloma: t, f, empty if not judged"),
    ("bone_attributed", "Bone lesions due to myeloma: t, f, empty if not judged"),
    ("comment", "Comment"),
)

DISEASE_ASSESSMENTS = Dataset(
    name="disease_assessments",
    title="Disease assessments, every version",
    sql=f"""
SELECT {SUBJECT_NUMBER}, i.code, v.code, {", ".join(f"d.{name}" for name, _ in _ASSESSED)},
       d.version, CASE WHEN d.superseded_at IS NULL THEN 'Y' ELSE 'N' END,
       CASE WHEN d.in_error THEN 'Y' ELSE 'N' END, d.reason, u.printed_name, {instant("d.entered_at")},
       {instant("d.superseded_at")}, 'disease_assessment:' || d.id
  FROM labs_diseaseassessment d
  JOIN trialsite_visit v ON v.id = d.visit_id
  JOIN trialsite_subject s ON s.id = d.subject_id
  JOIN trialsite_site i ON i.id = d.site_id
  LEFT JOIN trialsite_user u ON u.id = d.entered_by_id
 ORDER BY d.id
""",
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("visit", "Visit code"),
        *(Column(name, words) for name, words in _ASSESSED),
        Column("version", "Version of the form at this visit"),
        Column("current", "Y for the version that stands"),
        Column("in_error", "Y if it was entered in error"),
        Column("change_reason", "Why it was changed, empty at first entry"),
        Column("entered_by", "Who entered it"),
        Column("entered_at", "When it was entered, UTC"),
        Column("superseded_at", "When it ceased to stand, UTC"),
        Column("source", "Reference by which signatures and explanations name this version"),
    ),
)

RESPONSES = Dataset(
    name="responses",
    title="Derived responses, every time point of every computation",
    sql=f"""
SELECT {SUBJECT_NUMBER}, i.code, a.id, {instant("a.computed_at")}, a.caused_by, a.protocol_version,
       a.criteria_version, a.fingerprint,
       CASE WHEN a.id = max(a.id) OVER (PARTITION BY a.subject_id) THEN 'Y' ELSE 'N' END, a.confirmed,
       e.epoch ->> 'number', t.point ->> 'on', t.point ->> 'label', t.point ->> 'timepoint',
       t.point ->> 'confirmed',
       (SELECT string_agg(one, ' ' ORDER BY one) FROM jsonb_array_elements_text(t.point -> 'missing_critical') one),
       (SELECT string_agg(one, ' ' ORDER BY one) FROM jsonb_array_elements_text(t.point -> 'pd_reasons') one),
       CASE WHEN g.intact > 0 THEN 'SIGNED' WHEN g.broken > 0 THEN 'BROKEN' ELSE 'UNSIGNED' END
  FROM labs_responseassessment a
  JOIN trialsite_subject s ON s.id = a.subject_id
  JOIN trialsite_site i ON i.id = a.site_id
  CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE ended.id IS NULL) AS intact, count(*) FILTER (WHERE ended.id IS NOT NULL) AS broken
         FROM labs_responsesignature rs
         LEFT JOIN trialsite_signatureevent ended ON ended.signature_id = rs.signature_id
        WHERE rs.assessment_id = a.id) g
  CROSS JOIN LATERAL jsonb_array_elements(a.result -> 'epochs') WITH ORDINALITY AS e (epoch, place)
  CROSS JOIN LATERAL jsonb_array_elements(e.epoch -> 'time_points') WITH ORDINALITY AS t (point, place)
 ORDER BY a.id, e.place, t.place
""",
    columns=(
        Column("subject", "Subject number"),
        Column("site", "Site code"),
        Column("assessment", "Number of the computation"),
        Column("computed_at", "When it was computed, UTC"),
        Column("caused_by", "The change that made the machine compute it"),
        Column("protocol_version", "Version of the protocol"),
        Column("criteria_version", "Version of the response criteria"),
        Column("fingerprint", "SHA-256 of all inputs and of the rule version"),
        Column("current", "Y for the newest computation of the subject"),
        Column("confirmed_status", "Confirmed response of the subject by this computation"),
        Column("epoch", "1 against the study baseline, 2 against the start of high dose"),
        Column("on", "Date of the time point"),
        Column("visit", "Visit or visits of the time point"),
        Column("timepoint_response", "Response of this time point by itself"),
        Column("confirmed_response", "Confirmed status at this time point"),
        Column("missing_critical", "Data that were missing for a better category"),
        Column("pd_reasons", "What showed progression"),
        Column("signature", "SIGNED, BROKEN or UNSIGNED: the investigator's signature under this computation"),
    ),
)

REFERENCE_RANGES = Dataset(
    name="reference_ranges",
    title="Reference ranges of the laboratories, every version",
    sql=f"""
SELECT i.code, l.name, CASE WHEN l.is_central THEN 'Y' ELSE 'N' END, r.analyte,
       CASE WHEN r.sex = '' THEN 'BOTH' ELSE r.sex END, r.age_from, r.age_to, trim_scale(r.low), trim_scale(r.high),
       r.unit, r.valid_from, r.valid_to, u.printed_name, {instant("r.entered_at")}
  FROM labs_referencerange r
  JOIN labs_laboratory l ON l.id = r.laboratory_id
  JOIN trialsite_site i ON i.id = r.site_id
  LEFT JOIN trialsite_user u ON u.id = r.entered_by_id
 ORDER BY r.id
""",
    columns=(
        Column("site", "Site code"),
        Column("laboratory", "Laboratory"),
        Column("central", "Y if it is a central laboratory"),
        Column("analyte", "Analyte"),
        Column("sex", "F, M or BOTH"),
        Column("age_from", "First age, years"),
        Column("age_to", "Last age, years"),
        Column("low", "Lower limit, empty for none"),
        Column("high", "Upper limit, empty for none"),
        Column("unit", "Canonical UCUM unit"),
        Column("valid_from", "First day"),
        Column("valid_to", "Last day, empty while it holds"),
        Column("entered_by", "Who entered it"),
        Column("entered_at", "When it was entered, UTC"),
    ),
)

DATASETS: tuple[Dataset, ...] = (LAB_RESULTS, DISEASE_ASSESSMENTS, RESPONSES, REFERENCE_RANGES)
