"""The words of the trial as closed lists. Every value is what is stored in the database and written to files."""

from enum import StrEnum


class Phase(StrEnum):
    SCREENING = "SCREENING"
    SCREEN_FAILED = "SCREEN_FAILED"
    ENROLLED = "ENROLLED"
    INDUCTION = "INDUCTION"
    ANAKINRA_ONLY = "ANAKINRA_ONLY"
    LOW_DEX_7_12 = "LOW_DEX_7_12"
    LOW_DEX_13_18 = "LOW_DEX_13_18"
    HIGH_DEX = "HIGH_DEX"
    EXTENSION = "EXTENSION"
    FOLLOW_UP = "FOLLOW_UP"
    COMPLETED = "COMPLETED"
    WITHDRAWN = "WITHDRAWN"
    LOST = "LOST"
    DEAD = "DEAD"
    OFF_STUDY = "OFF_STUDY"


TREATMENT_PHASES = (
    Phase.INDUCTION,
    Phase.ANAKINRA_ONLY,
    Phase.LOW_DEX_7_12,
    Phase.LOW_DEX_13_18,
    Phase.HIGH_DEX,
    Phase.EXTENSION,
)
LOW_DEX_PHASES = (Phase.LOW_DEX_7_12, Phase.LOW_DEX_13_18)
TERMINAL_PHASES = (
    Phase.SCREEN_FAILED,
    Phase.COMPLETED,
    Phase.WITHDRAWN,
    Phase.LOST,
    Phase.DEAD,
    Phase.OFF_STUDY,
)


class Response(StrEnum):
    SCR = "sCR"
    CR = "CR"
    VGPR = "VGPR"
    PR = "PR"
    MR = "MR"
    SD = "SD"
    PD = "PD"
    NE = "NE"


#: Running-maximum order of confirmed responses: progression absorbs everything (clinical specification 2.3).
RESPONSE_ORDER = (
    Response.NE,
    Response.SD,
    Response.MR,
    Response.PR,
    Response.VGPR,
    Response.CR,
    Response.SCR,
    Response.PD,
)
#: Minimal response or better: what steers the branch at month 6.
#: The floor of the response rate and of the duration of response; minimal response or better stands beside it.
PARTIAL_OR_BETTER = (Response.PR, Response.VGPR, Response.CR, Response.SCR)
RESPONDING = (Response.MR, *PARTIAL_OR_BETTER)


def rank(response: Response) -> int:
    """Place of a response in RESPONSE_ORDER, NE = 0."""
    return RESPONSE_ORDER.index(response)


class ProposalKind(StrEnum):
    AWAIT_MONTH6 = "AWAIT_MONTH6"
    AWAIT_DATA = "AWAIT_DATA"
    AWAIT_CONFIRMATION = "AWAIT_CONFIRMATION"
    ASSIGN_ANAKINRA_ONLY = "ASSIGN_ANAKINRA_ONLY"
    ASSIGN_LOW_DEX = "ASSIGN_LOW_DEX"
    ASSIGN_HIGH_DEX = "ASSIGN_HIGH_DEX"
    CONTINUE_LOW_DEX_13_18 = "CONTINUE_LOW_DEX_13_18"
    END_OF_PROTOCOL_THERAPY_DECISION = "END_OF_PROTOCOL_THERAPY_DECISION"
    OFF_TREATMENT_PD = "OFF_TREATMENT_PD"


class Flag(StrEnum):
    DISCORDANT_TIMEPOINT = "DISCORDANT_TIMEPOINT"
    ACTIVE_MM = "ACTIVE_MM"
    MDE_CANDIDATE_UNATTRIBUTED = "MDE_CANDIDATE_UNATTRIBUTED"
    ASSIGNMENT_DISCREPANCY = "ASSIGNMENT_DISCREPANCY"


class PdReason(StrEnum):
    SERUM_M = "SERUM_M"
    URINE_M = "URINE_M"
    FLC = "FLC"
    BM_PC = "BM_PC"
    BONE_LESION = "BONE_LESION"
    PLASMACYTOMA = "PLASMACYTOMA"
    CALCIUM = "CALCIUM"
    CIRCULATING_PC = "CIRCULATING_PC"


#: Progression seen by imaging or in the marrow stands alone; every other kind needs a second sample.
STANDALONE_PD = (PdReason.BM_PC, PdReason.BONE_LESION, PdReason.PLASMACYTOMA)


class Mde(StrEnum):
    """Myeloma-defining events: CRAB letters, then the SLiM biomarkers."""

    CALCIUM = "C"
    RENAL = "R"
    ANAEMIA = "A"
    BONE = "B"
    MARROW_60 = "S"
    FLC_100 = "LI"
    MRI_FOCAL = "M"


CRAB = (Mde.CALCIUM, Mde.RENAL, Mde.ANAEMIA, Mde.BONE)
SLIM = (Mde.MARROW_60, Mde.FLC_100, Mde.MRI_FOCAL)


class Component(StrEnum):
    """A way in which disease can be measured at baseline."""

    SERUM = "S"
    URINE = "U"
    FLC = "F"
    MARROW = "B"


class Drug(StrEnum):
    ANAKINRA = "anakinra"
    DEXAMETHASONE = "dexamethasone"


class CriteriaVersion(StrEnum):
    EBMT1998 = "EBMT1998"
    IMWG2006 = "IMWG2006"
    IMWG2011 = "IMWG2011"
    IMWG2016 = "IMWG2016"


class CtcaeVersion(StrEnum):
    V3 = "3.0"
    V4 = "4.0"
    V5 = "5.0"
    V6 = "6.0"


class MonthConvention(StrEnum):
    CALENDAR = "CALENDAR"
    D28 = "D28"
    D30 = "D30"


class NadirMode(StrEnum):
    LOWEST_OBSERVED = "LOWEST_OBSERVED"
    LOWEST_CONFIRMED = "LOWEST_CONFIRMED"


class Month6Basis(StrEnum):
    CONFIRMED_STATUS = "CONFIRMED_STATUS"
    TIMEPOINT = "TIMEPOINT"


class FollowUpOrigin(StrEnum):
    END_OF_TREATMENT = "END_OF_TREATMENT"
    REGISTRATION = "REGISTRATION"


class PdAction(StrEnum):
    """What a progression leads to where the protocol leaves it open (A01, A02)."""

    HIGH_DEX = "HIGH_DEX"
    OFF_TREATMENT = "OFF_TREATMENT"


class CriterionOutcome(StrEnum):
    MET = "MET"
    NOT_MET = "NOT_MET"
    INDETERMINATE = "INDETERMINATE"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class DueState(StrEnum):
    PLANNED = "PLANNED"
    DUE = "DUE"
    OVERDUE = "OVERDUE"
    DONE = "DONE"
    NOT_DONE = "NOT_DONE"
    NOT_EXPECTED = "NOT_EXPECTED"


class MissingReason(StrEnum):
    ND = "ND"
    NA = "NA"
    UNK = "UNK"
    PEND = "PEND"


class DoseAction(StrEnum):
    """What was ordered for a drug from a day on. It lowers what is given and never moves the calendar (D-06)."""

    HOLD = "HOLD"
    REDUCE = "REDUCE"
    STOP = "STOP"


class Advice(StrEnum):
    """What a rule of dose modification suggests. It warns and never acts; a person records an order or does not."""

    HOLD = "HOLD"
    RESUME = "RESUME"
    REDUCE = "REDUCE"
    STOP = "STOP"
    CONSIDER = "CONSIDER"
    NOTE = "NOTE"


class DoseStatus(StrEnum):
    TAKEN = "TAKEN"
    MISSED = "MISSED"
    HELD = "HELD"


class Severity(StrEnum):
    HARD = "HARD"
    SOFT = "SOFT"


class LabKind(StrEnum):
    CENTRAL = "CENTRAL"
    LOCAL = "LOCAL"


class Necessity(StrEnum):
    """How an item stands in a column of the schedule of events."""

    REQUIRED = "X"
    OPTIONAL = "o"
    CONDITIONAL = "if"


class PanelCode(StrEnum):
    MYELOMA = "myeloma"
    URINE = "urine"
    MARROW = "marrow"
    HAEMATOLOGY = "haematology"
    CHEMISTRY = "chemistry"
    INFLAMMATION = "inflammation"
    RESEARCH = "research"
    PREGNANCY = "pregnancy"
    PERFORMANCE = "performance"


class Analyte(StrEnum):
    SERUM_M = "serum_m"
    SPEP_TEXT = "spep_text"
    SERUM_IFE = "serum_ife"
    TOTAL_PROTEIN = "total_protein"
    URINE_PROTEIN = "urine_protein"
    URINE_VOLUME = "urine_volume"
    URINE_M = "urine_m"
    URINE_M_SHARE = "urine_m_share"
    URINE_M_CONC = "urine_m_conc"
    URINE_IFE = "urine_ife"
    IGG = "igg"
    IGA = "iga"
    IGM = "igm"
    FLC_KAPPA = "flc_kappa"
    FLC_LAMBDA = "flc_lambda"
    FLC_RATIO = "flc_ratio"
    HS_CRP = "hs_crp"
    PCLI = "pcli"
    BM_PC = "bm_pc"
    BM_CLONAL = "bm_clonal"
    CIRCULATING_PC = "circulating_pc"
    IL6 = "il6"
    IL1 = "il1"
    WBC = "wbc"
    ANC = "anc"
    LYMPH = "lymph"
    MONO = "mono"
    EOS = "eos"
    BASO = "baso"
    HB = "hb"
    HCT = "hct"
    PLT = "plt"
    CREATININE = "creatinine"
    CRCL = "crcl"
    CALCIUM = "calcium"
    CALCIUM_CORRECTED = "calcium_corrected"
    CALCIUM_IONIZED = "calcium_ionized"
    ALBUMIN = "albumin"
    AST = "ast"
    ALT = "alt"
    ALP = "alp"
    GGT = "ggt"
    BILIRUBIN = "bilirubin"
    LDH = "ldh"
    B2M = "b2m"
    GLUCOSE = "glucose"
    GLUCOSE_FASTING = "glucose_fasting"
    SODIUM = "sodium"
    POTASSIUM = "potassium"
    URATE = "urate"
    BUN = "bun"
    PHOSPHATE = "phosphate"
    HCG_SERUM = "hcg_serum"
    HCG_URINE = "hcg_urine"
    ECOG = "ecog"


class Route(StrEnum):
    """How a medication is given, in the words of CDISC's list of routes."""

    ORAL = "ORAL"
    INTRAVENOUS = "INTRAVENOUS"
    SUBCUTANEOUS = "SUBCUTANEOUS"
    INTRAMUSCULAR = "INTRAMUSCULAR"
    INHALED = "RESPIRATORY"
    NASAL = "NASAL"
    TOPICAL = "TOPICAL"
    EYE = "OPHTHALMIC"
    RECTAL = "RECTAL"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"
