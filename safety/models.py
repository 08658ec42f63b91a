"""Concomitant medication; new anti-myeloma therapy stops confirmation of responses and censors PFS."""

from django.db import models

from trialsite.models import SubjectRecord, User


class ConcomitantMedication(SubjectRecord):
    name = models.CharField(max_length=120)
    indication = models.CharField(max_length=200)
    is_anti_myeloma = models.BooleanField(default=False)
    started_on = models.DateField()
    ended_on = models.DateField(null=True, blank=True)
    in_error = models.BooleanField(default=False)
    in_error_reason = models.CharField(max_length=300, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["started_on", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ended_on=None) | models.Q(ended_on__gte=models.F("started_on")),
                name="medication_ends_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(in_error=False) | ~models.Q(in_error_reason=""),
                name="medication_in_error_has_a_reason",
            ),
        ]
