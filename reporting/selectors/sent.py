"""What stands of an eligibility checklist that was sent, and whether it should be sent again, told by the database."""

from __future__ import annotations

from django.db.models import BooleanField, Exists, Func, OuterRef, Q
from django.db.models.expressions import Value
from django.db.models.fields import TextField
from django.db.models.functions import Cast, Concat

from enrollment.models import ScreeningAnswer, Waiver
from labs.models import DiseaseAssessment, LabResult
from safety.models import ConcomitantMedication

#: What was sent says no and no waiver lets it pass.
_UNMET = """jsonb_path_exists(%(expressions)s, '$.criteria[*] ? (@.outcome == "NOT_MET" && !exists(@.waiver))')"""
#: What was sent tells the medication of this source as one that goes on (safety.selectors.medications.in_words).
_ONGOING = '$.criteria[*].evidence[*] ? (@.source == $source && @.value like_regex " and ongoing: ")'
_MINE = {"subject": OuterRef("subject")}


def _since(*instants: str) -> Q:
    """Any of these columns lies after the sending."""
    found = Q()
    for one in instants:
        found |= Q(**{f"{one}__gt": OuterRef("computed_at")})
    return found


def _told_as_ongoing() -> Func:
    source = Concat(Value("medication:"), "pk", output_field=TextField())
    told = Func(Cast(Value("source"), TextField()), source, function="jsonb_build_object")
    path = Func(Value(_ONGOING), template="%(expressions)s::jsonpath")
    return Func(OuterRef("judgements"), path, told, function="jsonb_path_exists", output_field=BooleanField())


_RECORDED = ConcomitantMedication.objects.filter(_since("recorded_at", "in_error_at"), **_MINE)
_ENDED = ConcomitantMedication.objects.filter(~Q(stopped=""), _told_as_ongoing(), **_MINE)

#: For a query of `EligibilitySnapshot`: `has_news` where evidence or a waiver is newer than what was sent.
STANDING_OF_SENT = {
    "is_unmet": Func("judgements", template=_UNMET, output_field=BooleanField()),
    "has_news": Exists(LabResult.objects.filter(_since("entered_at", "superseded_at"), **_MINE))
    | Exists(DiseaseAssessment.objects.filter(_since("entered_at", "superseded_at"), **_MINE))
    | Exists(ScreeningAnswer.objects.filter(_since("entered_at"), **_MINE))
    | Exists(_RECORDED)
    | Exists(_ENDED)
    | Exists(Waiver.objects.filter(_since("decided_at"), decision=Waiver.Decision.APPROVED, **_MINE)),
}
