"""Forms of drug accountability. They read what was typed; the services judge it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from dosing.forms import TokenForm
from dosing.models import DrugLot
from dosing.selectors.supplies import UNIT_WORDS, LotLine
from dosing.services.supplies import Delivery, Movement
from dosing.vocabulary import DRUG_WORDS
from protocol.explain import plain
from protocol.vocabulary import Drug
from trialsite.days import DayField, in_words, tell_today
from trialsite.models import Site


class UnitsField(forms.IntegerField):
    """A number of units, from 1 on, typed without a spinner."""

    def __init__(self, label: str) -> None:
        super().__init__(
            label=label,
            min_value=1,
            max_value=100_000,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            error_messages={
                "required": "Enter how many.",
                "invalid": "Enter a whole number.",
                "min_value": "Enter a number from 1 on.",
                "max_value": "Enter a number up to 100000.",
            },
        )


def lot_words(lot: DrugLot) -> str:
    """Anakinra, lot A17, 100 mg a syringe, until 3 Mar 2027."""
    drug = Drug(lot.drug)
    unit = UNIT_WORDS[drug][0]
    return f"{DRUG_WORDS[drug]}, lot {lot.lot}, {plain(lot.unit_mg)} mg a {unit}, until {in_words(lot.expires_on)}"


class MovementForm(TokenForm):
    """Units of one lot on one day."""

    lot = forms.TypedChoiceField(label="Lot", coerce=int, error_messages={"required": "Choose the lot."})
    units = UnitsField("Syringes or tablets")
    on = DayField(label="Date", words="Enter the date.")
    note = forms.CharField(label="Note", max_length=300, required=False)

    def __init__(self, *args: Any, lots: Iterable[tuple[DrugLot, int]], today: date, **kwargs: Any) -> None:
        """lots: each with the number of units that this form can move."""
        super().__init__(*args, **kwargs)
        offered = [(lot.pk, f"{lot_words(lot)}: {there} there") for lot, there in lots if there > 0]
        choices = offered if len(offered) == 1 else [("", "Choose a lot"), *offered]
        self.fields["lot"].choices = choices  # type: ignore[attr-defined]
        tell_today(self, today)

    @property
    def movement(self) -> Movement:
        data = self.cleaned_data
        return Movement(data["lot"], data["units"], data["on"], data["note"])


class DestroyForm(MovementForm):
    """Units that were destroyed, and what vouches for it."""

    returned = forms.ChoiceField(
        label="From", choices=[("stock", "Stock"), ("returned", "What subjects brought back")], initial="stock"
    )
    note = forms.CharField(
        label="Why, and the number of the certificate",
        max_length=300,
        error_messages={"required": "Say why, and under which certificate, they were destroyed."},
    )


class DeliveryForm(TokenForm):
    """What came to the site."""

    site = forms.TypedChoiceField(label="Site", coerce=int)
    drug = forms.ChoiceField(label="Drug", choices=[(drug.value, DRUG_WORDS[drug]) for drug in Drug])
    lot = forms.CharField(label="Lot", max_length=40, error_messages={"required": "Enter the lot as printed."})
    unit_mg = forms.DecimalField(
        label="mg in one syringe or tablet",
        min_value=Decimal("0.01"),
        max_digits=6,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        error_messages={"required": "Enter the strength in mg.", "invalid": "Enter a number, for example 100."},
    )
    expires_on = DayField(label="Expires on", words="Enter the expiry date.", help_text="31 Mar 2028, or 2028-03-31.")
    units = UnitsField("Syringes or tablets")
    on = DayField(label="Received on", words="Enter the date.")
    note = forms.CharField(label="Shipment or note", max_length=300, required=False)

    def __init__(self, *args: Any, sites: Iterable[Site], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].choices = [(site.pk, f"{site.code} {site.name}") for site in sites]  # type: ignore[attr-defined]
        tell_today(self, today)

    @property
    def delivery(self) -> Delivery:
        data = self.cleaned_data
        return Delivery(
            Drug(data["drug"]),
            data["lot"],
            data["unit_mg"],
            data["expires_on"],
            data["units"],
            data["on"],
            data["note"],
        )


class WrongForm(forms.Form):
    """Which entry was wrong, and why."""

    movement = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Why this entry is wrong", max_length=300, error_messages={"required": "Say why this entry is wrong."}
    )


def balances(lines: Iterable[LotLine]) -> list[tuple[DrugLot, int]]:
    """Lots with what is on hand, as the forms offer them."""
    return [(line.lot, line.balance.on_hand) for line in lines]
