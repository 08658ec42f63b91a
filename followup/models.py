"""End of treatment, off study, six-monthly contacts and the reminders for them."""

from django.db import models

from trialsite.models import Signature, SubjectRecord, User, Visit


class EndOfTreatment(SubjectRecord):
    last_dose_on = models.DateField()
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=500, blank=True)
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="+")
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=models.Q(in_error_at=None), name="endoftreatment_one_standing"
            ),
        ]


class Departure(SubjectRecord):
    """The subject left the study: consent withdrawn, lost, died, or off study before treatment.

    A death learned after a withdrawal or a loss stands beside it; the subject stays in the state of the first one.
    """

    class Kind(models.TextChoices):
        WITHDRAWN = "WITHDRAWN", "Consent withdrawn"
        LOST = "LOST", "Lost to follow-up"
        DEAD = "DEAD", "Died"
        OFF_STUDY = "OFF_STUDY", "Off study before the first dose"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    on = models.DateField()
    reason = models.CharField(max_length=500)
    progression_before_treatment = models.BooleanField(default=False)
    death_due_to_progression = models.BooleanField(null=True, blank=True)
    passive_follow_up_allowed = models.BooleanField(null=True, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "kind"],
                condition=models.Q(in_error_at=None),
                name="departure_of_a_kind_once_per_subject",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="WITHDRAWN") | models.Q(passive_follow_up_allowed__isnull=False),
                name="departure_withdrawal_states_its_scope",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="DEAD") | models.Q(death_due_to_progression__isnull=False),
                name="departure_death_states_its_cause",
            ),
        ]


class FollowUpContact(SubjectRecord):
    """One attempt to reach the subject for one follow-up visit."""

    class Outcome(models.TextChoices):
        REACHED = "reached", "Reached"
        NOT_REACHED = "not_reached", "Could not reach"

    visit_code = models.CharField(max_length=6)
    visit = models.ForeignKey(Visit, null=True, on_delete=models.PROTECT, related_name="+")
    contacted_on = models.DateField()
    method = models.CharField(max_length=20)
    outcome = models.CharField(max_length=11, choices=Outcome.choices)
    alive = models.BooleanField(null=True, blank=True)
    progressed = models.BooleanField(null=True, blank=True)
    progressed_on = models.DateField(null=True, blank=True)
    new_therapy = models.CharField(max_length=120, blank=True)
    new_therapy_on = models.DateField(null=True, blank=True)
    second_malignancy = models.CharField(max_length=120, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["contacted_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "visit_code"],
                condition=models.Q(outcome="reached", in_error_at=None),
                name="contact_reached_once_per_visit",
            ),
        ]


class Reminder(SubjectRecord):
    """A step (days from the due date) of a visit was sent, or skipped with its reason. Never twice.

    Void ones belong to an end of treatment that was entered in error: its visits were never due.
    """

    class Status(models.TextChoices):
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Skipped"
        VOID = "void", "Void"

    visit_code = models.CharField(max_length=6)
    step_days = models.SmallIntegerField()
    due_on = models.DateField(help_text="Day on which the step fell due.")
    status = models.CharField(max_length=7, choices=Status.choices)
    reason = models.CharField(max_length=200)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "visit_code", "step_days"],
                condition=~models.Q(status="void"),
                name="reminder_one_per_visit_and_step",
            ),
        ]
