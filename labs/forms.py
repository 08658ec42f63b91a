"""Forms of the laboratory room. They read what was typed; whether it is possible is judged by the services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

from django import forms

from labs.entries import Collection
from labs.models import DiseaseAssessment, Laboratory
from labs.services import Assessed
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from trialsite.days import DayField, in_words, tell_today
from trialsite.models import Sex, Site

#: Reasons for changing what is recorded. Never preselected.
CHANGE_REASONS = (
    "Transcription error",
    "Corrected by the laboratory",
    "Wrong unit",
    "Wrong date",
    "Wrong subject or sample",
    "Other",
)
#: Reasons for a gap.
GAP_REASONS = ("Declined", "Sample problem", "Not ordered", "Equipment problem", "Other")
OTHER = "Other"


def choices_of(words: Iterable[str]) -> list[tuple[str, str]]:
    return [("", "Choose"), *((one, one) for one in words)]


class ReasonForm(forms.Form):
    """Why recorded data change: one reason of a list, and words of one's own where the list does not say it."""

    all_optional = True

    change_reason = forms.ChoiceField(label="Reason for change", choices=choices_of(CHANGE_REASONS), required=False)
    change_words = forms.CharField(label="In your own words", max_length=200, required=False)

    def words(self) -> str:
        """The reason as it is stored; empty if none was given, or "Other" without words."""
        chosen = str(self.cleaned_data.get("change_reason", ""))
        own = str(self.cleaned_data.get("change_words", "")).strip()
        if chosen in ("", OTHER):
            return own
        return f"{chosen}: {own}" if own else chosen


class ErrorReasonForm(forms.Form):
    """Why something should never have been entered."""

    reason = forms.CharField(
        label="Why this was entered in error", max_length=200, error_messages={"required": "Say why."}
    )


def _time_of_collection() -> forms.TimeField:
    return forms.TimeField(
        label="Time",
        required=False,
        input_formats=["%H:%M", "%H.%M", "%H%M"],
        error_messages={"invalid": "Enter a time such as 08:10."},
        widget=forms.TimeInput(format="%H:%M", attrs={"size": 5, "autocomplete": "off"}),
    )


class CollectionForm(forms.Form):
    """When the samples of a visit were drawn, and which laboratory measured them."""

    all_optional = True

    collected_on = DayField(label="Collected", help_text="", words="Enter the collection date.")
    collected_time = _time_of_collection()
    laboratory = forms.ChoiceField(label="Laboratory", required=False)
    accession = forms.CharField(
        label="Accession", max_length=40, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    ordinary_care = forms.BooleanField(label="Drawn before consent, as ordinary care", required=False)

    def __init__(self, *args: Any, laboratories: Iterable[Laboratory], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(str(one.pk), one.name) for one in laboratories]
        self.fields["laboratory"] = forms.ChoiceField(
            label="Laboratory", choices=[*named, ("", "Not stated")], required=False
        )
        tell_today(self, today)

    @property
    def laboratory_id(self) -> int | None:
        chosen = self.cleaned_data.get("laboratory")
        return int(chosen) if chosen else None

    @property
    def time(self) -> time | None:
        return self.cleaned_data.get("collected_time")


#: A panel's own laboratory: as on top of the page, or said to be unknown.
AS_ABOVE, NOT_STATED = "", "none"


class ApartForm(forms.Form):
    """One panel that was drawn or measured apart from the others, or not done at all.

    A day or a laboratory of its own makes it a sample of its own: then time and accession are its own too.
    """

    on = DayField(label="Collected", required=False, help_text="")
    time = _time_of_collection()
    laboratory = forms.ChoiceField(label="Laboratory", required=False)
    accession = forms.CharField(label="Accession", max_length=40, required=False)
    method = forms.CharField(label="Method", max_length=60, required=False)
    not_done = forms.ChoiceField(label="Not done, because", choices=choices_of(GAP_REASONS), required=False)

    def __init__(self, *args: Any, label: str, laboratories: Iterable[Laboratory], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label = label
        named = [(str(one.pk), one.name) for one in laboratories]
        choices = [(AS_ABOVE, "As above"), *named, (NOT_STATED, "Not stated")]
        self.fields["laboratory"] = forms.ChoiceField(label="Laboratory", choices=choices, required=False)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{label}: {str(field.label).lower()}"
        tell_today(self, today)

    def collection(self, head: CollectionForm) -> Collection:
        """How this panel was collected. Only of readable forms."""
        own, common = self.cleaned_data, head.cleaned_data
        if own["on"] is None and own["laboratory"] == AS_ABOVE:
            return Collection(
                on=common["collected_on"],
                time=own["time"] or head.time,
                laboratory_id=head.laboratory_id,
                accession=own["accession"] or common["accession"],
                method=own["method"],
            )
        return Collection(
            on=own["on"] or common["collected_on"],
            time=own["time"],
            laboratory_id=head.laboratory_id if own["laboratory"] == AS_ABOVE else _laboratory(own["laboratory"]),
            accession=own["accession"],
            method=own["method"],
        )


def _laboratory(chosen: str) -> int | None:
    return None if chosen == NOT_STATED else int(chosen)


def apart_answers(drawn: Collection, head: Collection) -> dict[str, object]:
    """The boxes of a panel whose sample stands: empty where it is the one on top of the page."""
    if replace(drawn, method=head.method) == head:
        return {"method": drawn.method}
    return {
        "on": drawn.on,
        "time": drawn.time,
        "laboratory": NOT_STATED if drawn.laboratory_id is None else str(drawn.laboratory_id),
        "accession": drawn.accession,
        "method": drawn.method,
    }


class NotDoneForm(forms.Form):
    """Why a planned visit will not take place."""

    reason = forms.CharField(
        label="Why the visit was not done", max_length=200, error_messages={"required": "Say why."}
    )


class UnscheduledForm(forms.Form):
    """A visit outside the schedule."""

    occurred_on = DayField(label="Visit date")
    reason = forms.CharField(
        label="Why the visit took place",
        help_text="For example: sample to confirm a response.",
        max_length=200,
        error_messages={"required": "Say why the visit took place."},
    )


YES_NO = [("yes", "Yes"), ("no", "No"), ("", "Not judged")]
FOUND = [*((value, label) for value, label in reversed(DiseaseAssessment.Finding.choices)), ("", "Not done")]
LESIONS = [*DiseaseAssessment.Lesions.choices, ("", "Not assessed")]


def _found(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=FOUND, widget=forms.RadioSelect, required=False)


def _lesions(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=LESIONS, widget=forms.RadioSelect, required=False)


def _judged(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=YES_NO, widget=forms.RadioSelect, required=False)


def _figure(label: str, *, digits: int, places: int) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        max_digits=digits,
        decimal_places=places,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"invalid": "Enter a number, or leave the box empty if it was not done."},
    )


class DiseaseForm(forms.Form):
    """Immunofixation, marrow, lesions, plasmacytoma, attribution. An empty answer is "not done"."""

    #: No answer is needed, so that none is marked as optional.
    all_optional = True

    immunofixation_on = DayField(label="Date of immunofixation", required=False, help_text="")
    serum_ife = _found("Serum immunofixation")
    urine_ife = _found("Urine immunofixation")
    marrow_on = DayField(label="Date of marrow", required=False, help_text="")
    bm_pc = _figure("Marrow plasma cells, %", digits=5, places=2)
    bm_clonal = _found("Clonal plasma cells")
    circulating_pc_per_ul = _figure("Circulating plasma cells, per µL", digits=8, places=1)
    imaging_on = DayField(label="Date of imaging", required=False, help_text="")
    imaging_method = forms.CharField(label="Method", max_length=40, required=False, help_text="For example MRI.")
    bone_lesions = _lesions("Bone lesions")
    focal_mri_lesions = forms.IntegerField(
        label="Focal MRI lesions of 5 mm or more",
        required=False,
        min_value=0,
        max_value=999,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"invalid": "Enter a whole number."},
    )
    plasmacytoma = _lesions("Soft-tissue plasmacytoma")
    plasmacytoma_spd_mm2 = _figure("Plasmacytoma, sum of products of diameters, mm²", digits=8, places=1)
    attribution_on = DayField(
        label="Date of the sample judged", required=False, help_text="The collection date of the results in question."
    )
    calcium_attributed = _judged("C: high calcium is due to myeloma")
    renal_attributed = _judged("R: renal insufficiency is due to myeloma")
    anaemia_attributed = _judged("A: anaemia is due to myeloma")
    bone_attributed = _judged("B: bone lesions are due to myeloma")
    comment = forms.CharField(label="Comment", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def assessed(self) -> Assessed:
        """The answers as the service takes them."""
        answers = dict(self.cleaned_data)
        for name in JUDGED:
            answers[name] = {"yes": True, "no": False}.get(answers[name])
        return Assessed(**answers)


JUDGED = ("calcium_attributed", "renal_attributed", "anaemia_attributed", "bone_attributed")
#: Headings of the form and the fields under each.
DISEASE_PARTS = (
    ("Immunofixation", ("immunofixation_on", "serum_ife", "urine_ife")),
    ("Marrow", ("marrow_on", "bm_pc", "bm_clonal", "circulating_pc_per_ul")),
    (
        "Imaging and lesions",
        ("imaging_on", "imaging_method", "bone_lesions", "focal_mri_lesions", "plasmacytoma", "plasmacytoma_spd_mm2"),
    ),
    ("Attribution by the investigator", ("attribution_on", *JUDGED)),
)


def answers_of(assessment: DiseaseAssessment) -> dict[str, object]:
    """A stored assessment as the form shows it."""
    return {name: shown(name, getattr(assessment, name)) for name in DiseaseForm.base_fields}


def shown(name: str, value: Any) -> object:
    """One stored answer as the form shows it."""
    words = {True: "yes", False: "no", None: ""}
    return words[value] if name in JUDGED else _trimmed(value)


def as_text(answer: object) -> str:
    """What a browser would send for an answer that the form shows."""
    if isinstance(answer, date):
        return in_words(answer)
    if isinstance(answer, time):
        return f"{answer:%H:%M}"
    return "" if answer is None else str(answer)


def _trimmed(value: object) -> object:
    """Numbers without the zeros that the column pads."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class TokenForm(forms.Form):
    """A new token of a laboratory."""

    label = forms.CharField(
        label="Held by",
        max_length=60,
        help_text="Which system of the laboratory sends with it, for example LIS interface.",
        error_messages={"required": "Say which system of the laboratory will hold the token."},
    )


class LaboratoryForm(forms.Form):
    """A laboratory of a site."""

    site = forms.ModelChoiceField(label="Site", queryset=Site.objects.none(), empty_label="Choose")
    name = forms.CharField(label="Name", max_length=120)
    is_central = forms.BooleanField(label="Central laboratory of the trial", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = Site.objects.filter(is_coordinating_centre=False, closed_on=None)
        self.fields["site"] = forms.ModelChoiceField(label="Site", queryset=sites, empty_label="Choose")


NUMERIC = [(one.analyte.value, one.label) for one in TRIAL.analytes.values() if one.plausible is not None]


class RangeForm(forms.Form):
    """A version of one reference range."""

    analyte = forms.ChoiceField(label="Analyte", choices=[("", "Choose"), *NUMERIC])
    sex = forms.ChoiceField(label="Sex", choices=[("", "Both"), *Sex.choices], required=False)
    age_from = forms.IntegerField(label="Age from", initial=18, min_value=0, max_value=120)
    age_to = forms.IntegerField(label="Age to", initial=120, min_value=0, max_value=120)
    low = _figure("Lower limit", digits=12, places=5)
    high = _figure("Upper limit", digits=12, places=5)
    unit = forms.CharField(label="Unit", max_length=20, required=False, help_text="Empty for the trial's own unit.")
    valid_from = DayField(label="Valid from")

    @property
    def chosen(self) -> Analyte:
        return Analyte(self.cleaned_data["analyte"])
