"""Adverse events, judged laboratory grades, concomitant medication.

Another anti-myeloma therapy stops confirmation of responses and censors PFS.
"""

from django.db import models
from django.db.models import F, Q

from labs.models import LabResult
from safety.vocabulary import OTHER_CAUSES, ActionTaken, Attribution, Outcome
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


class AdverseEvent(SubjectRecord):
    """One adverse event of a subject, graded in one CTCAE version. Changes are in the audit trail, with reasons.

    A date of which only a part is known is kept as it was said (`_typed`), as precisely as it is known (2025-03), and
    as the first and last day that it can have been.
    """

    number = models.PositiveSmallIntegerField(help_text="Counts the events of the subject from 1.")
    term = models.CharField(max_length=80, help_text="CTCAE term.")
    ctcae_version = models.CharField(max_length=4)
    grade = models.PositiveSmallIntegerField()
    reported_as = models.CharField(max_length=200, blank=True, help_text="In the words of the subject or the site.")
    started = models.CharField(max_length=10, help_text="2025-03-12, 2025-03 or 2025.")
    started_typed = models.CharField(max_length=40)
    started_earliest = models.DateField()
    started_latest = models.DateField()
    stopped = models.CharField(max_length=10, blank=True, help_text="Empty while it lasts.")
    stopped_typed = models.CharField(max_length=40, blank=True)
    stopped_earliest = models.DateField(null=True, blank=True)
    stopped_latest = models.DateField(null=True, blank=True)
    attribution_anakinra = models.CharField(max_length=10, choices=Attribution.choices)
    attribution_dexamethasone = models.CharField(max_length=10, choices=Attribution.choices)
    attribution_disease = models.CharField(max_length=10, choices=OTHER_CAUSES, blank=True)
    attribution_other = models.CharField(max_length=10, choices=OTHER_CAUSES, blank=True)
    action_anakinra = models.CharField(max_length=10, choices=ActionTaken.choices)
    action_dexamethasone = models.CharField(max_length=10, choices=ActionTaken.choices)
    outcome = models.CharField(max_length=14, choices=Outcome.choices)
    is_fatal = models.BooleanField(default=False)
    is_life_threatening = models.BooleanField(default=False)
    needs_hospital = models.BooleanField(default=False)
    disables = models.BooleanField(default=False)
    is_congenital = models.BooleanField(default=False)
    is_important = models.BooleanField(default=False)
    expected_of_anakinra = models.BooleanField(null=True, blank=True, help_text="Empty where it was not given.")
    expected_of_dexamethasone = models.BooleanField(null=True, blank=True, help_text="Empty where it was not given.")
    reference_list = models.CharField(max_length=10, help_text="List that says what is expected, in force at onset.")
    lab_result = models.ForeignKey(
        LabResult, null=True, blank=True, on_delete=models.PROTECT, related_name="+",
        help_text="Result whose grade led to the event.",
    )  # fmt: skip
    version = models.PositiveSmallIntegerField(default=1, help_text="Raised by every correction.")
    in_error = models.BooleanField(default=False)
    in_error_reason = models.CharField(max_length=300, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="adverseevent_number_once"),
            models.CheckConstraint(condition=Q(grade__gte=1, grade__lte=5), name="adverseevent_grade_1_to_5"),
            models.CheckConstraint(
                condition=Q(started_earliest__lte=F("started_latest")), name="adverseevent_start_in_order"
            ),
            models.CheckConstraint(
                condition=Q(stopped="", stopped_earliest=None, stopped_latest=None)
                | (~Q(stopped="") & Q(stopped_earliest__lte=F("stopped_latest"))),
                name="adverseevent_stop_in_order",
            ),
            models.CheckConstraint(
                condition=Q(stopped_latest=None) | Q(stopped_latest__gte=F("started_earliest")),
                name="adverseevent_may_stop_after_start",
            ),
            models.CheckConstraint(
                condition=Q(grade=5, outcome="FATAL", is_fatal=True)
                | (~Q(grade=5) & ~Q(outcome="FATAL") & Q(is_fatal=False)),
                name="adverseevent_death_is_grade_5_fatal_serious",
            ),
            models.CheckConstraint(
                condition=Q(in_error=False) | ~Q(in_error_reason=""), name="adverseevent_in_error_has_a_reason"
            ),
        ]

    @property
    def is_serious(self) -> bool:
        """True if any criterion of ICH E2A is met; the grade says nothing of it."""
        return any((self.is_fatal, self.is_life_threatening, self.needs_hospital,
                    self.disables, self.is_congenital, self.is_important))  # fmt: skip


class GradeJudgement(SubjectRecord):
    """An investigator judged the grade of a laboratory result as not clinically significant: no adverse event."""

    lab_result = models.ForeignKey(LabResult, on_delete=models.PROTECT, related_name="+")
    term = models.CharField(max_length=80, help_text="CTCAE term that the result was graded for.")
    ctcae_version = models.CharField(max_length=4)
    grade = models.PositiveSmallIntegerField()
    judged_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["lab_result", "term"], name="gradejudgement_once_per_result_and_term"),
        ]
