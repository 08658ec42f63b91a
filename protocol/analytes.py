"""The laboratory table of the trial: analytes and panels (clinical specification section 3).

Reference ranges are typical adult values that each laboratory's own dated ranges replace.
"""

from collections.abc import Mapping
from decimal import Decimal

from protocol.schema import AnalyteSpec, Panel, ReferenceRange
from protocol.units import accepted_units, canonical_unit
from protocol.vocabulary import Analyte as A
from protocol.vocabulary import PanelCode

NEG_POS = ("neg", "pos")


def _range(low: str, high: str, sex: str = "") -> ReferenceRange:
    return ReferenceRange(Decimal(low) if low else None, Decimal(high) if high else None, sex)


def _number(
    analyte: A,
    label: str,
    short: str,
    loinc: str,
    decimals: int,
    plausible: tuple[str, str],
    *reference: ReferenceRange,
    note: str = "",
    derived: bool = False,
) -> AnalyteSpec:
    low, high = plausible
    return AnalyteSpec(
        analyte,
        label,
        short,
        loinc,
        canonical_unit(analyte),
        accepted_units(analyte),
        decimals,
        (Decimal(low), Decimal(high)),
        reference,
        note=note,
        derived=derived,
    )


def _coded(analyte: A, label: str, short: str, loinc: str, codes: tuple[str, ...] = NEG_POS) -> AnalyteSpec:
    return AnalyteSpec(analyte, label, short, loinc, "", ("",), 0, None, (), codes)


#: What a serum electrophoresis is read as: proposed, not confirmed; the specification has text.
SPEP = ("no_band", "faint_band", "band", "bands")

_ROWS = (
    _number(A.SERUM_M, "Serum M-spike", "M-spike", "33358-3", 2, ("0", "12"), _range("", "0")),
    AnalyteSpec(
        A.SPEP_TEXT,
        "Serum electrophoresis, interpretation",
        "SPEP",
        "12851-2",
        "",
        ("",),
        0,
        None,
        (),
        SPEP,
        note="the answers are proposed, not confirmed: laboratories write their own words",
    ),
    _coded(A.SERUM_IFE, "Serum immunofixation", "Serum IFE", "25700-6"),
    _number(A.TOTAL_PROTEIN, "Total protein", "Protein", "2885-2", 1, ("3", "15"), _range("6.3", "7.9")),
    _number(A.URINE_PROTEIN, "Urine total protein, 24 h", "U protein", "2889-4", 0, ("0", "30000"), _range("", "229")),
    _number(A.URINE_VOLUME, "Urine volume, 24 h", "U volume", "3167-4", 0, ("100", "10000"), _range("800", "2000")),
    _number(
        A.URINE_M,
        "Urine M-protein, 24 h",
        "Urine M",
        "40661-1",
        0,
        ("0", "30000"),
        _range("", "0"),
        note="the long name of the LOINC code is not confirmed",
    ),
    _number(
        A.URINE_M_SHARE,
        "Urine M-spike, share of total protein",
        "U M share",
        "",
        1,
        ("0", "100"),
        note="for laboratories that report no M-protein of 24 h",
    ),
    _number(
        A.URINE_M_CONC,
        "Urine M-protein, concentration",
        "U M conc.",
        "",
        1,
        ("0", "5000"),
        note="for laboratories that report no M-protein of 24 h",
    ),
    _coded(A.URINE_IFE, "Urine immunofixation", "Urine IFE", "13440-3"),
    _number(A.IGG, "Immunoglobulin G", "IgG", "2465-3", 0, ("0", "15000"), _range("767", "1590")),
    _number(A.IGA, "Immunoglobulin A", "IgA", "2458-8", 0, ("0", "12000"), _range("61", "356")),
    _number(A.IGM, "Immunoglobulin M", "IgM", "2472-9", 0, ("0", "12000"), _range("37", "286")),
    _number(A.FLC_KAPPA, "Free light chain kappa", "FLC κ", "36916-5", 2, ("0.1", "50000"), _range("3.3", "19.4")),
    _number(A.FLC_LAMBDA, "Free light chain lambda", "FLC λ", "33944-0", 2, ("0.1", "50000"), _range("5.7", "26.3")),
    _number(
        A.FLC_RATIO,
        "Free light chain ratio",
        "κ/λ",
        "48378-4",
        4,
        ("0.0001", "10000"),
        _range("0.26", "1.65"),
        derived=True,
    ),
    _number(
        A.HS_CRP,
        "C-reactive protein, high sensitivity",
        "hs-CRP",
        "30522-7",
        2,
        ("0.01", "500"),
        _range("", "3"),
        note="draw away from infection; plain CRP is not interchangeable",
    ),
    _number(A.PCLI, "Plasma cell labelling index", "PCLI", "", 1, ("0", "30"), note="local code; no LOINC code"),
    _number(A.BM_PC, "Marrow plasma cells", "Marrow PC", "11118-7", 1, ("0", "100"), _range("", "5")),
    _coded(A.BM_CLONAL, "Marrow clonality", "Clonality", "", ("neg", "pos", "ND")),
    _number(A.CIRCULATING_PC, "Circulating plasma cells", "Circ. PC", "", 0, ("0", "500000"), note="local code"),
    _number(A.IL6, "Interleukin 6", "IL-6", "26881-3", 1, ("0", "10000")),
    _number(A.IL1, "IL-1 production index", "IL-1", "", 1, ("0", "100"), note="research; 1.0 or more: myeloma range"),
    _number(A.WBC, "White blood cells", "WBC", "6690-2", 2, ("0", "500"), _range("3.5", "10.5")),
    _number(A.ANC, "Neutrophils, absolute", "ANC", "751-8", 2, ("0", "300"), _range("1.7", "7.0")),
    _number(A.LYMPH, "Lymphocytes, absolute", "Lymph", "731-0", 2, ("0", "300"), _range("0.9", "2.9")),
    _number(A.MONO, "Monocytes, absolute", "Mono", "742-7", 2, ("0", "300")),
    _number(A.EOS, "Eosinophils, absolute", "Eos", "711-2", 2, ("0", "300")),
    _number(A.BASO, "Basophils, absolute", "Baso", "704-7", 2, ("0", "300")),
    _number(
        A.HB,
        "Haemoglobin",
        "Hb",
        "718-7",
        1,
        ("2", "25"),
        _range("12.0", "15.5", "F"),
        _range("13.5", "17.5", "M"),
    ),
    _number(A.HCT, "Haematocrit", "Hct", "4544-3", 1, ("5", "75")),
    _number(A.PLT, "Platelets", "Plt", "777-3", 0, ("0", "3000"), _range("150", "450")),
    _number(
        A.CREATININE,
        "Creatinine",
        "Creat",
        "2160-0",
        2,
        ("0.1", "25"),
        _range("0.6", "1.1", "F"),
        _range("0.8", "1.3", "M"),
    ),
    _number(A.CRCL, "Creatinine clearance", "CrCl", "2164-2", 0, ("1", "250"), note="measured, else Cockcroft-Gault"),
    _number(A.CALCIUM, "Calcium, total", "Ca", "17861-6", 1, ("4", "20"), _range("8.9", "10.1")),
    _number(
        A.CALCIUM_CORRECTED,
        "Calcium, corrected for albumin",
        "Ca corr",
        "29265-6",
        1,
        ("4", "20"),
        _range("8.9", "10.1"),
        derived=True,
    ),
    _number(A.CALCIUM_IONIZED, "Calcium, ionized", "Ca ion", "1994-3", 2, ("0.5", "2.5")),
    _number(A.ALBUMIN, "Albumin", "Alb", "1751-7", 1, ("0.5", "7"), _range("3.5", "5.0")),
    _number(A.AST, "Aspartate aminotransferase", "AST", "1920-8", 0, ("1", "20000"), _range("8", "48")),
    _number(A.ALT, "Alanine aminotransferase", "ALT", "1742-6", 0, ("1", "20000"), _range("7", "55")),
    _number(A.ALP, "Alkaline phosphatase", "ALP", "6768-6", 0, ("1", "20000"), _range("45", "115")),
    _number(A.GGT, "Gamma-glutamyl transferase", "GGT", "2324-2", 0, ("1", "20000"), _range("8", "61")),
    _number(A.BILIRUBIN, "Bilirubin, total", "Bili", "1975-2", 1, ("0", "50"), _range("", "1.2")),
    _number(A.LDH, "Lactate dehydrogenase", "LDH", "2532-0", 0, ("20", "20000"), _range("122", "222")),
    _number(A.B2M, "Beta-2 microglobulin", "β2M", "1952-1", 2, ("0.3", "100"), _range("1.2", "2.7")),
    _number(A.GLUCOSE, "Glucose, random", "Gluc", "2345-7", 0, ("10", "2000")),
    _number(A.GLUCOSE_FASTING, "Glucose, fasting", "Gluc f", "1558-6", 0, ("10", "2000"), _range("70", "99")),
    _number(A.SODIUM, "Sodium", "Na", "2951-2", 0, ("100", "180"), _range("135", "145")),
    _number(A.POTASSIUM, "Potassium", "K", "2823-3", 1, ("1.5", "9"), _range("3.6", "5.2")),
    _number(A.URATE, "Urate", "Urate", "3084-1", 1, ("0.5", "30"), _range("2.7", "8.0")),
    _number(A.BUN, "Urea nitrogen", "BUN", "3094-0", 0, ("1", "250"), _range("6", "24")),
    _number(A.PHOSPHATE, "Phosphate", "Phos", "2777-1", 1, ("0.3", "20"), _range("2.5", "4.5")),
    _coded(A.HCG_SERUM, "Pregnancy test, serum hCG", "hCG serum", "2118-8"),
    _coded(A.HCG_URINE, "Pregnancy test, urine hCG", "hCG urine", "2106-3"),
    AnalyteSpec(
        A.ECOG,
        "ECOG performance status",
        "ECOG",
        "89247-1",
        "1",
        ("1",),
        0,
        (Decimal(0), Decimal(5)),
        (_range("", "0"),),
        note="grade 0 to 5",
    ),
)

ANALYTES: Mapping[A, AnalyteSpec] = {row.analyte: row for row in _ROWS}

_PANEL_ROWS = (
    Panel(
        PanelCode.MYELOMA,
        "Myeloma proteins, serum",
        (A.SERUM_M, A.SERUM_IFE, A.TOTAL_PROTEIN, A.IGG, A.IGA, A.IGM, A.FLC_KAPPA, A.FLC_LAMBDA, A.SPEP_TEXT),
        central=True,
    ),
    Panel(
        PanelCode.URINE,
        "Urine, 24 hours",
        (A.URINE_VOLUME, A.URINE_PROTEIN, A.URINE_M_SHARE, A.URINE_M_CONC, A.URINE_M, A.URINE_IFE),
        central=True,
    ),
    Panel(
        PanelCode.MARROW,
        "Marrow",
        (A.BM_PC, A.BM_CLONAL, A.PCLI, A.CIRCULATING_PC),
        central=True,
    ),
    Panel(
        PanelCode.HAEMATOLOGY,
        "Haematology",
        (A.WBC, A.ANC, A.LYMPH, A.MONO, A.EOS, A.BASO, A.HB, A.HCT, A.PLT),
    ),
    Panel(
        PanelCode.CHEMISTRY,
        "Chemistry",
        (
            A.CREATININE,
            A.CRCL,
            A.CALCIUM,
            A.CALCIUM_IONIZED,
            A.ALBUMIN,
            A.AST,
            A.ALT,
            A.ALP,
            A.GGT,
            A.BILIRUBIN,
            A.LDH,
            A.B2M,
            A.GLUCOSE,
            A.GLUCOSE_FASTING,
            A.SODIUM,
            A.POTASSIUM,
            A.URATE,
            A.BUN,
            A.PHOSPHATE,
        ),
    ),
    Panel(PanelCode.INFLAMMATION, "Inflammation", (A.HS_CRP,), central=True),
    Panel(PanelCode.RESEARCH, "Research", (A.IL6, A.IL1), central=True),
    Panel(PanelCode.PREGNANCY, "Pregnancy test", (A.HCG_SERUM, A.HCG_URINE)),
    Panel(PanelCode.PERFORMANCE, "Performance status", (A.ECOG,)),
)

PANELS: Mapping[PanelCode, Panel] = {panel.code: panel for panel in _PANEL_ROWS}
