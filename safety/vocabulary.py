"""Words of this room."""

from django.db.models import TextChoices

from protocol.ctcae_terms import ALLOWED_GRADES
from protocol.safety_clocks import ClockName
from protocol.versions import ORIGINAL
from protocol.vocabulary import Drug, Route

#: The version whose terms and grades are offered. Each event keeps the version it was graded in.
CTCAE = ORIGINAL.config.ctcae_version
TERMS = frozenset(ALLOWED_GRADES)
DRUGS = (Drug.ANAKINRA, Drug.DEXAMETHASONE)


#: How a medication is given. UNKNOWN was asked for and not found out.
ROUTES: tuple[tuple[str, str], ...] = (
    (Route.ORAL.value, "By mouth"),
    (Route.INTRAVENOUS.value, "Intravenous"),
    (Route.SUBCUTANEOUS.value, "Subcutaneous"),
    (Route.INTRAMUSCULAR.value, "Intramuscular"),
    (Route.INHALED.value, "Inhaled"),
    (Route.NASAL.value, "Nasal"),
    (Route.TOPICAL.value, "On the skin"),
    (Route.EYE.value, "In the eye"),
    (Route.RECTAL.value, "Rectal"),
    (Route.OTHER.value, "Another way"),
    (Route.UNKNOWN.value, "Unknown"),
)


class Attribution(TextChoices):
    """How surely the event comes from a drug; related is possible or more."""

    UNRELATED = "UNRELATED", "Unrelated"
    UNLIKELY = "UNLIKELY", "Unlikely"
    POSSIBLE = "POSSIBLE", "Possible"
    PROBABLE = "PROBABLE", "Probable"
    DEFINITE = "DEFINITE", "Definite"
    NOT_GIVEN = "NOT_GIVEN", "Drug not given"


RELATED = frozenset({Attribution.POSSIBLE, Attribution.PROBABLE, Attribution.DEFINITE})
#: What a cause other than a drug can be judged to be.
OTHER_CAUSES = [(one.value, one.label) for one in Attribution if one is not Attribution.NOT_GIVEN]


class ActionTaken(TextChoices):
    """What was done with a drug because of the event."""

    NONE = "NONE", "None"
    HELD = "HELD", "Held"
    REDUCED = "REDUCED", "Reduced"
    STOPPED = "STOPPED", "Stopped"
    NOT_GIVEN = "NOT_GIVEN", "Drug not given"


#: Actions that change what is given: an order for the calendar goes with them.
ON_THE_DOSE = frozenset({ActionTaken.HELD, ActionTaken.REDUCED, ActionTaken.STOPPED})


class WhoIsPregnant(TextChoices):
    SUBJECT = "SUBJECT", "The subject"
    PARTNER = "PARTNER", "The subject's partner"


class PregnancyOutcome(TextChoices):
    ONGOING = "ONGOING", "Ongoing"
    LIVE_BIRTH = "LIVE_BIRTH", "Live birth"
    ANOMALY = "ANOMALY", "Live birth with an anomaly"
    MISCARRIAGE = "MISCARRIAGE", "Miscarriage"
    STILLBIRTH = "STILLBIRTH", "Stillbirth"
    TERMINATION = "TERMINATION", "Termination"
    UNKNOWN = "UNKNOWN", "Unknown"


class Answered(TextChoices):
    """A question of the reporting form; empty while nobody has answered."""

    YES = "YES", "Yes"
    NO = "NO", "No"
    UNKNOWN = "UNKNOWN", "Unknown"
    NOT_APPLICABLE = "NOT_APPLICABLE", "Does not apply"


class Outcome(TextChoices):
    RECOVERED = "RECOVERED", "Recovered"
    SEQUELAE = "SEQUELAE", "Recovered with sequelae"
    RECOVERING = "RECOVERING", "Recovering"
    NOT_RECOVERED = "NOT_RECOVERED", "Not recovered"
    FATAL = "FATAL", "Fatal"
    UNKNOWN = "UNKNOWN", "Unknown"


ENDED = frozenset({Outcome.RECOVERED, Outcome.SEQUELAE})
LASTING = frozenset({Outcome.RECOVERING, Outcome.NOT_RECOVERED})


class Seriousness(TextChoices):
    """The six criteria of ICH E2A; the value is the column that keeps it."""

    DEATH = "is_fatal", "Results in death"
    LIFE_THREATENING = "is_life_threatening", "Life-threatening at the time"
    HOSPITAL = "needs_hospital", "In-patient admission, or a longer stay"
    DISABILITY = "disables", "Persistent or significant incapacity"
    CONGENITAL = "is_congenital", "Congenital anomaly or birth defect"
    IMPORTANT = "is_important", "Other important medical event"


#: Terms at the top of the picker: those that the drugs and the disease bring most often.
OFTEN = (
    ("Often with anakinra", (
        "Injection site reaction", "Upper respiratory infection", "Sinusitis", "Lung infection", "Skin infection",
        "Headache", "Nausea", "Diarrhea", "Arthralgia", "Flu like symptoms", "Fever", "Neutrophil count decreased",
        "Rash maculo-papular", "Allergic reaction",
    )),
    ("Often with dexamethasone", (
        "Insomnia", "Agitation", "Irritability", "Depression", "Hyperglycemia", "Hypertension", "Edema limbs",
        "Weight gain", "Dyspepsia", "Hiccups", "Generalized muscle weakness", "Fatigue", "Thrush", "Bruising",
    )),
    ("Often with the disease", ("Anemia", "Hypercalcemia", "Creatinine increased", "Bone pain")),
)  # fmt: skip
_OFTEN_TERMS = {term for _, terms in OFTEN for term in terms}
#: Every term once, in groups.
TERM_GROUPS = (*OFTEN, ("All other terms", tuple(sorted(TERMS - _OFTEN_TERMS))))

#: Clock -> who is told, and who acts.
CLOCK_WORDS: dict[ClockName, tuple[str, str]] = {
    ClockName.SPONSOR: ("Report to the sponsor", "Coordinator or investigator"),
    ClockName.AUTHORITY: ("Report to the authority", "Data manager at the coordinating centre"),
}
