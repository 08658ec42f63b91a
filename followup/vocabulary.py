"""Words of this room: why treatment ends, how people are reached, and what the reminders say."""

from enum import StrEnum

from protocol.vocabulary import Phase


class EndReason(StrEnum):
    """Why protocol therapy ended (T9 to T14)."""

    COMPLETED = "COMPLETED"
    TOXICITY = "TOXICITY"
    INTERCURRENT_ILLNESS = "INTERCURRENT_ILLNESS"
    PROGRESSION_ON_HIGH_DEX = "PROGRESSION_ON_HIGH_DEX"
    PROGRESSION = "PROGRESSION"
    SUBJECT_DECISION = "SUBJECT_DECISION"
    PHYSICIAN_DECISION = "PHYSICIAN_DECISION"
    NEW_THERAPY = "NEW_THERAPY"
    PREGNANCY = "PREGNANCY"
    OTHER = "OTHER"


END_REASON_WORDS: dict[EndReason, str] = {
    EndReason.COMPLETED: "Protocol therapy completed",
    EndReason.TOXICITY: "Unacceptable toxicity",
    EndReason.INTERCURRENT_ILLNESS: "Intercurrent illness",
    EndReason.PROGRESSION_ON_HIGH_DEX: "Progression on high-dose dexamethasone",
    EndReason.PROGRESSION: "Progression, no further protocol therapy",
    EndReason.SUBJECT_DECISION: "Subject's decision, follow-up continues",
    EndReason.PHYSICIAN_DECISION: "Physician's decision",
    EndReason.NEW_THERAPY: "New anti-myeloma therapy",
    EndReason.PREGNANCY: "Pregnancy",
    EndReason.OTHER: "Other reason",
}

#: The only way to learn of a subject who left and is not contacted any more.
PUBLIC_RECORDS = "registry"
#: How a subject is reached.
METHODS: dict[str, str] = {
    "phone": "Telephone",
    "visit": "Visit at the site",
    "letter": "Letter or e-mail",
    "physician": "Through another physician",
    PUBLIC_RECORDS: "Public records",
}

#: What the mail of a reminder step says waits, by days from the due date.
STEP_WORDS: dict[int, str] = {
    -30: "may be made from today",
    -7: "is due in a week",
    0: "is due today",
    31: "is overdue: its window has closed",
}

PHASE_WORDS: dict[Phase, str] = {
    Phase.INDUCTION: "induction",
    Phase.ANAKINRA_ONLY: "anakinra alone",
    Phase.LOW_DEX_7_12: "anakinra and low-dose dexamethasone, months 7 to 12",
    Phase.LOW_DEX_13_18: "anakinra and low-dose dexamethasone, months 13 to 18",
    Phase.HIGH_DEX: "anakinra and high-dose dexamethasone",
    Phase.EXTENSION: "extension",
}


def step_name(days: int) -> str:
    """30 days before, on the due date, 31 days after."""
    if days == 0:
        return "on the due date"
    return f"{abs(days)} days {'before' if days < 0 else 'after'}"
