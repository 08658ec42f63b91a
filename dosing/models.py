"""Proposals of the machine, decisions of the investigator, discrepancies, and doses given.

The planned doses are not stored: they follow from the phases (trialsite.StatePeriod) and the protocol.
"""

from django.db import models

from labs.models import ResponseAssessment
from safety.models import AdverseEvent
from trialsite.models import Signature, Site, Subject, SubjectRecord, User


class PhaseProposal(SubjectRecord):
    """What the machine proposes, on which derived response it rests, and why. A person decides."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for the investigator"
        SUPERSEDED = "superseded", "Superseded"
        DECIDED = "decided", "Decided"

    made_at = models.DateTimeField()
    as_of = models.DateField()
    assessment = models.ForeignKey(ResponseAssessment, null=True, on_delete=models.PROTECT, related_name="+")
    from_state = models.CharField(max_length=20)
    kind = models.CharField(max_length=40)
    to_phase = models.CharField(max_length=20, blank=True)
    rule = models.CharField(max_length=20)
    words = models.TextField()
    detail = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status.choices)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(status="pending"), name="proposal_one_pending_per_subject"
            ),
        ]


class PhaseDecision(SubjectRecord):
    """The investigator's signed decision, with a copy of everything that was shown."""

    class Choice(models.TextChoices):
        AGREE = "agree", "Agree"
        OVERRIDE = "override", "Disagree"

    proposal = models.OneToOneField(PhaseProposal, on_delete=models.PROTECT, related_name="decision")
    choice = models.CharField(max_length=8, choices=Choice.choices)
    to_phase = models.CharField(max_length=20)
    starts_on = models.DateField()
    response = models.CharField(max_length=4, blank=True, help_text="The response that the investigator states.")
    reason = models.CharField(max_length=500, blank=True)
    snapshot = models.JSONField()
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(choice="agree") | ~models.Q(reason=""), name="decision_override_has_a_reason"
            ),
        ]


class AssignmentDiscrepancy(SubjectRecord):
    """A correction changed what a signed decision rested on. It moves nobody; a person judges it."""

    decision = models.ForeignKey(PhaseDecision, on_delete=models.PROTECT, related_name="discrepancies")
    found_at = models.DateTimeField()
    was = models.JSONField()
    now = models.JSONField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    resolution = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["decision"],
                condition=models.Q(resolved_at=None),
                name="discrepancy_one_open_per_decision",
            ),
        ]


class DoseRecord(SubjectRecord):
    """One version of what happened with one drug on one day. Days without a row are "to record"."""

    class Status(models.TextChoices):
        TAKEN = "TAKEN", "Taken"
        MISSED = "MISSED", "Missed"
        HELD = "HELD", "Held"

    drug = models.CharField(max_length=20)
    on = models.DateField()
    status = models.CharField(max_length=6, choices=Status.choices)
    planned_mg = models.DecimalField(max_digits=7, decimal_places=2)
    given_mg = models.DecimalField(max_digits=7, decimal_places=2)
    reason = models.CharField(max_length=300, blank=True, help_text="Why missed or held, or why changed.")
    version = models.PositiveSmallIntegerField(default=1)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    superseded_at = models.DateTimeField(null=True, blank=True, help_text="Set by a correction or an undo.")

    class Meta:
        ordering = ["on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "drug", "on"],
                condition=models.Q(superseded_at=None),
                name="dose_one_current_per_day_and_drug",
            ),
            models.UniqueConstraint(fields=["subject", "drug", "on", "version"], name="dose_version_once"),
            models.CheckConstraint(
                condition=models.Q(status="TAKEN") | ~models.Q(reason=""), name="dose_not_taken_has_a_reason"
            ),
        ]


class DoseModification(SubjectRecord):
    """An order to hold, reduce or stop one drug. It lowers what is given and never moves the calendar.

    A corrected one is marked as entered in error and entered again.
    """

    class Action(models.TextChoices):
        HOLD = "HOLD", "Hold"
        REDUCE = "REDUCE", "Reduce"
        STOP = "STOP", "Stop"

    drug = models.CharField(max_length=20)
    action = models.CharField(max_length=6, choices=Action.choices)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True, help_text="Last day; empty while it lasts.")
    mg = models.DecimalField(max_digits=7, decimal_places=2, null=True, blank=True, help_text="Reduced dose, mg.")
    reason = models.CharField(max_length=300)
    event = models.ForeignKey(
        AdverseEvent, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Adverse event that the order answers, if it is one.",
    )  # fmt: skip
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["starts_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("starts_on")),
                name="modification_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(action="REDUCE", mg__isnull=False) | (~models.Q(action="REDUCE") & models.Q(mg=None))
                ),
                name="modification_reduces_to_a_dose",
            ),
            models.CheckConstraint(
                condition=models.Q(in_error_at=None) | ~models.Q(in_error_reason=""),
                name="modification_in_error_has_a_reason",
            ),
        ]


class DrugLot(models.Model):
    """One lot of a drug at one site, counted in units: syringes of anakinra, tablets of dexamethasone."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    drug = models.CharField(max_length=20)
    lot = models.CharField(max_length=40, help_text="As printed on the package.")
    unit_mg = models.DecimalField(max_digits=6, decimal_places=2, help_text="What one unit holds, mg.")
    expires_on = models.DateField()
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["drug", "expires_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["site", "drug", "lot", "unit_mg"], name="druglot_once_per_site"),
            models.CheckConstraint(condition=models.Q(unit_mg__gt=0), name="druglot_unit_holds_something"),
        ]


class DrugMovement(models.Model):
    """Units of one lot that came, went to a subject, came back, or were destroyed. No balance below zero is possible.

    received = with subjects or used + on hand + returned + destroyed. What came back is not used again.
    """

    class Kind(models.TextChoices):
        RECEIVED = "received", "Received"
        DISPENSED = "dispensed", "Dispensed"
        RETURNED = "returned", "Returned"
        DESTROYED = "destroyed", "Destroyed from stock"
        RETURN_DESTROYED = "return_destroyed", "Destroyed after return"

    OF_A_SUBJECT = (Kind.DISPENSED, Kind.RETURNED)

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    lot = models.ForeignKey(DrugLot, on_delete=models.PROTECT, related_name="movements")
    subject = models.ForeignKey(Subject, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    units = models.PositiveIntegerField()
    on = models.DateField()
    note = models.CharField(max_length=300, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["on", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(units__gt=0), name="drugmovement_moves_something"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["dispensed", "returned"], subject__isnull=False)
                | (~models.Q(kind__in=["dispensed", "returned"]) & models.Q(subject=None)),
                name="drugmovement_names_the_subject",
            ),
            models.CheckConstraint(
                condition=models.Q(in_error_at=None) | ~models.Q(in_error_reason=""),
                name="drugmovement_in_error_has_a_reason",
            ),
        ]
