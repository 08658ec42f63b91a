"""The only writer of this room."""

from followup.services.casebook import Book, sign_casebooks, withdraw_casebook_signature
from followup.services.contacts import Contact, mark_contact_in_error, record_contact
from followup.services.departure import (
    Leaving,
    is_death_learned_later,
    kinds_to_record,
    possible_departures,
    record_departure,
    take_back_departure,
)
from followup.services.reminders import Swept, sweep_reminders
from followup.services.treatment import Ending, end_treatment, possible_reasons, take_back_end_of_treatment

__all__ = [
    "Book",
    "Contact",
    "Ending",
    "Leaving",
    "Swept",
    "end_treatment",
    "is_death_learned_later",
    "kinds_to_record",
    "mark_contact_in_error",
    "possible_departures",
    "possible_reasons",
    "record_contact",
    "record_departure",
    "sign_casebooks",
    "sweep_reminders",
    "take_back_departure",
    "take_back_end_of_treatment",
    "withdraw_casebook_signature",
]
