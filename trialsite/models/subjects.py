"""Subjects, their states over time, and their visits."""

from __future__ import annotations

import secrets
from datetime import date, time

from django.db import models
from django.utils.functional import cached_property

from protocol.vocabulary import Phase
from trialsite.models.base import SubjectRecord
from trialsite.models.people import Site, User

KEY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_key() -> str:
    """An opaque address for a subject: meaningless, never reused, never changed."""
    return "".join(secrets.choice(KEY_ALPHABET) for _ in range(10))


class Sex(models.TextChoices):
    FEMALE = "F", "Female"
    MALE = "M", "Male"


class Subject(models.Model):
    """A person in the trial, known only by number. Year of birth is kept, never the date."""

    key = models.CharField(max_length=10, unique=True, default=new_key, editable=False)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="subjects")
    screening_number = models.CharField(max_length=8, unique=True, help_text="SS-Snnn")
    subject_number = models.CharField(
        max_length=6, unique=True, null=True, blank=True, help_text="SS-nnn, given at registration."
    )
    birth_year = models.PositiveSmallIntegerField()
    sex = models.CharField(max_length=1, choices=Sex.choices)
    state = models.CharField(max_length=20, choices=[(phase.value, phase.value) for phase in Phase])
    protocol_version = models.CharField(max_length=20, help_text="The version that judges; see ProtocolPeriod.")
    screened_on = models.DateField(help_text="Date of consent.")
    consented_time = models.TimeField(null=True, blank=True, help_text="Time of consent on that day, at the site.")
    registered_on = models.DateField(null=True, blank=True)
    day1_on = models.DateField(null=True, blank=True, help_text="Date of the first anakinra dose.")
    treatment_ended_on = models.DateField(null=True, blank=True, help_text="Date of the last dose.")
    new_therapy_on = models.DateField(null=True, blank=True, help_text="Start of the first other anti-myeloma therapy.")
    died_on = models.DateField(null=True, blank=True)
    died_of_progression = models.BooleanField(null=True, blank=True)
    entered_in_error_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["screening_number"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(registered_on=None, subject_number=None)
                | models.Q(registered_on__isnull=False, subject_number__isnull=False),
                name="subject_number_comes_with_registration",
            ),
            models.CheckConstraint(
                condition=models.Q(day1_on=None) | models.Q(day1_on__gte=models.F("registered_on")),
                name="subject_treated_after_registration",
            ),
            models.CheckConstraint(
                condition=models.Q(treatment_ended_on=None) | models.Q(treatment_ended_on__gte=models.F("day1_on")),
                name="subject_treatment_ends_after_day1",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people see: the subject number, before registration the screening number."""
        return self.subject_number or self.screening_number

    @cached_property
    def consent_gaps(self) -> tuple[ConsentGap, ...]:
        """Times for which a newer consent was or is needed, as they stood when first asked for."""
        return tuple(ConsentGap.objects.filter(subject=self).exclude(ends_on__lt=models.F("starts_on")))


class StatePeriod(SubjectRecord):
    """The subject was in this state from then to then (last day inclusive); one period is open."""

    state = models.CharField(max_length=20)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    because = models.CharField(max_length=300)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(ends_on=None), name="stateperiod_one_open_per_subject"
            ),
        ]


class ProtocolPeriod(SubjectRecord):
    """From this day on the subject is judged by this version of the protocol: it was consented to."""

    version = models.CharField(max_length=20)
    starts_on = models.DateField()
    because = models.CharField(max_length=300)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "version"], name="protocolperiod_each_version_once"),
        ]


class ConsentGap(SubjectRecord):
    """From this day study procedures wait for consent to a newer version of the form; it ends with that consent.

    A gap that was opened in error ends before it starts, so that it covers no day.
    """

    form_version = models.CharField(max_length=20, help_text="Version that the subject has to consent to.")
    starts_on = models.DateField(help_text="First day on which that version is in force at the site.")
    ends_on = models.DateField(null=True, blank=True, help_text="Date of the new consent.")
    ends_time = models.TimeField(null=True, blank=True, help_text="Time of the new consent, at the site.")
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "form_version"],
                condition=models.Q(ends_on=None),
                name="consentgap_one_open_per_version",
            ),
        ]

    def covers(self, on: date, at: time | None) -> bool:
        """True if a procedure of that day and, where both are known, that time falls into the gap."""
        if on < self.starts_on:
            return False
        if self.ends_on is None or on < self.ends_on:
            return True
        return on == self.ends_on and at is not None and self.ends_time is not None and at < self.ends_time


class Visit(SubjectRecord):
    """A visit that took place, or is known not to have. Planned visits are computed, not stored."""

    class Status(models.TextChoices):
        ENTERED = "entered", "Entered"
        COMPLETE = "complete", "Complete"
        NOT_DONE = "not_done", "Not done"
        IN_ERROR = "in_error", "Entered in error"

    code = models.CharField(max_length=6, help_text="Protocol slot (scr, bl, m01 ... fu60) or uns1, uns2 ...")
    status = models.CharField(max_length=10, choices=Status.choices)
    occurred_on = models.DateField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why not done, or why unscheduled.")
    ecog = models.PositiveSmallIntegerField(null=True, blank=True)
    weight_kg = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    temperature_c = models.DecimalField(
        max_digits=3, decimal_places=1, null=True, blank=True, help_text="Body temperature, degrees Celsius."
    )
    pulse = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Beats per minute.")
    systolic = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Blood pressure, mmHg.")
    diastolic = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Blood pressure, mmHg.")
    bedside_not_done = models.CharField(
        max_length=200, blank=True, help_text="Why vital signs or ECOG that are empty were not done."
    )
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "code"],
                condition=~models.Q(status="in_error"),
                name="visit_once_per_slot",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["not_done", "in_error"]) | models.Q(occurred_on__isnull=False),
                name="visit_that_took_place_has_a_date",
            ),
            models.CheckConstraint(
                condition=~models.Q(status__in=["not_done"]) | ~models.Q(reason=""),
                name="visit_not_done_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(systolic=None, diastolic=None) | models.Q(diastolic__lt=models.F("systolic")),
                name="visit_blood_pressure_in_order",
            ),
        ]
