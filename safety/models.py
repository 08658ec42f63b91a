"""Adverse events, serious ones and pregnancies with their reporting clocks, judged grades, concomitant medication.

Another anti-myeloma therapy stops confirmation of responses and censors PFS.
"""

from django.db import models
from django.db.models import F, Q

from labs.models import LabResult
from protocol.safety_clocks import Clock, ClockName, authority_term, clocks, news_clock
from safety.vocabulary import (
    OTHER_CAUSES,
    RELATED,
    ROUTES,
    ActionTaken,
    Answered,
    Attribution,
    Outcome,
    PregnancyOutcome,
    WhoIsPregnant,
)
from trialsite.models import SubjectRecord, User, Visit


class ConcomitantMedication(SubjectRecord):
    """One medication beside the trial's. A date known only in part is kept as it was said, as of an event."""

    name = models.CharField(max_length=120)
    indication = models.CharField(max_length=200)
    route = models.CharField(max_length=13, choices=ROUTES, blank=True, help_text="Empty where nobody said it.")
    is_anti_myeloma = models.BooleanField(default=False)
    started = models.CharField(max_length=10, help_text="2025-03-12, 2025-03 or 2025.")
    started_typed = models.CharField(max_length=40)
    started_earliest = models.DateField()
    started_latest = models.DateField()
    stopped = models.CharField(max_length=10, blank=True, help_text="Empty while it is taken.")
    stopped_typed = models.CharField(max_length=40, blank=True)
    stopped_earliest = models.DateField(null=True, blank=True)
    stopped_latest = models.DateField(null=True, blank=True)
    in_error = models.BooleanField(default=False)
    in_error_at = models.DateTimeField(null=True, blank=True)
    in_error_reason = models.CharField(max_length=300, blank=True)
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["started_earliest", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(started_earliest__lte=F("started_latest")), name="medication_start_in_order"
            ),
            models.CheckConstraint(
                condition=Q(stopped="", stopped_earliest=None, stopped_latest=None)
                | (~Q(stopped="") & Q(stopped_earliest__lte=F("stopped_latest"))),
                name="medication_stop_in_order",
            ),
            models.CheckConstraint(
                condition=Q(stopped_latest=None) | Q(stopped_latest__gte=F("started_earliest")),
                name="medication_may_stop_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(in_error=False) | ~models.Q(in_error_reason=""),
                name="medication_in_error_has_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(in_error=False, in_error_at=None)
                | models.Q(in_error=True, in_error_at__isnull=False),
                name="medication_in_error_says_since_when",
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
    def is_unexpected_reaction(self) -> bool:
        """True if a drug possibly caused it, or more surely, of which it is not expected."""
        return any(
            cause in RELATED and expected is False
            for cause, expected in (
                (self.attribution_anakinra, self.expected_of_anakinra),
                (self.attribution_dexamethasone, self.expected_of_dexamethasone),
            )
        )

    @property
    def is_serious(self) -> bool:
        """True if any criterion of ICH E2A is met; the grade says nothing of it."""
        return any((self.is_fatal, self.is_life_threatening, self.needs_hospital,
                    self.disables, self.is_congenital, self.is_important))  # fmt: skip


#: A judgement stands, or somebody took it back at a time and with a reason.
_TAKEN_BACK = Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="") | (
    Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_reason="")
)


class GradeJudgement(SubjectRecord):
    """An investigator judged the grade of a laboratory result as not clinically significant: no adverse event.

    Taken back with a reason it stays listed, and the result waits anew.
    """

    lab_result = models.ForeignKey(LabResult, on_delete=models.PROTECT, related_name="+")
    term = models.CharField(max_length=80, help_text="CTCAE term that the result was graded for.")
    ctcae_version = models.CharField(max_length=4)
    grade = models.PositiveSmallIntegerField()
    judged_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=300, blank=True)
    withdrawn_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["lab_result", "term"],
                condition=Q(withdrawn_at=None),
                name="gradejudgement_one_standing_per_result_and_term",
            ),
            models.CheckConstraint(condition=_TAKEN_BACK, name="gradejudgement_withdrawn_with_a_reason"),
        ]


class VitalJudgement(SubjectRecord):
    """An investigator judged the grade of a visit's vital signs as not clinically significant: no adverse event.

    It holds for that grade; figures that were corrected to a higher one wait anew.
    """

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="+")
    term = models.CharField(max_length=80, help_text="CTCAE term that the figures were graded for.")
    ctcae_version = models.CharField(max_length=4)
    grade = models.PositiveSmallIntegerField()
    judged_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    judged_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=300, blank=True)
    withdrawn_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["visit", "term", "grade"],
                condition=Q(withdrawn_at=None),
                name="vitaljudgement_one_standing_per_visit_term_and_grade",
            ),
            models.CheckConstraint(condition=_TAKEN_BACK, name="vitaljudgement_withdrawn_with_a_reason"),
        ]


class SafetyReport(SubjectRecord):
    """A serious adverse event, a pregnancy, or what became known after a report, to be reported in time.

    Its clocks follow from the moments here. Exactly one of `event`, `pregnant` and `follows` says what it is about.
    Changes are in the audit trail, with reasons.
    """

    number = models.PositiveSmallIntegerField(help_text="Counts the reports of the subject from 1.")
    event = models.OneToOneField(
        AdverseEvent, null=True, blank=True, on_delete=models.PROTECT, related_name="report",
        help_text="The serious event; empty for a pregnancy and for follow-up information.",
    )  # fmt: skip
    follows = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="news",
        help_text="The report that this information follows.",
    )  # fmt: skip
    pregnant = models.CharField(max_length=7, choices=WhoIsPregnant.choices, blank=True, help_text="Of a pregnancy.")
    aware_at = models.DateTimeField(help_text="When the site learned of it: the first clock starts.")
    narrative = models.CharField(max_length=2000, blank=True, help_text="What happened, in words.")
    admitted_on = models.DateField(null=True, blank=True)
    discharged_on = models.DateField(null=True, blank=True)
    history = models.CharField(max_length=1000, blank=True, help_text="Relevant history and other illnesses.")
    tests = models.CharField(max_length=1000, blank=True, help_text="Relevant tests with their results.")
    treatment = models.CharField(max_length=1000, blank=True, help_text="What was done against it.")
    dechallenge = models.CharField(
        max_length=14, choices=Answered.choices, blank=True, help_text="Did it abate when the drug was stopped?"
    )
    rechallenge = models.CharField(
        max_length=14, choices=Answered.choices, blank=True, help_text="Did it come back when the drug was given again?"
    )
    death_cause = models.CharField(max_length=300, blank=True)
    autopsy = models.CharField(max_length=14, choices=Answered.choices, blank=True)
    due_on = models.DateField(null=True, blank=True, help_text="Of a pregnancy: when birth is expected.")
    pregnancy_outcome = models.CharField(max_length=11, choices=PregnancyOutcome.choices, blank=True)
    in_error_at = models.DateTimeField(null=True, blank=True, help_text="There never was such a pregnancy.")
    in_error_reason = models.CharField(max_length=300, blank=True)
    sponsor_at = models.DateTimeField(null=True, blank=True, help_text="When the sponsor received the report.")
    sponsor_late_because = models.CharField(max_length=300, blank=True)
    authority_at = models.DateTimeField(null=True, blank=True, help_text="When it was sent to the authority.")
    authority_late_because = models.CharField(max_length=300, blank=True)
    version = models.PositiveSmallIntegerField(default=1, help_text="Raised by every change.")
    recorded_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["subject", "number"], name="safetyreport_number_once"),
            models.CheckConstraint(
                condition=(Q(event=None) ^ Q(pregnant="")) & Q(follows=None)
                | Q(event=None, pregnant="", follows__isnull=False, sponsor_at=F("aware_at")),
                name="safetyreport_of_an_event_a_pregnancy_or_news",
            ),
            models.CheckConstraint(
                condition=Q(discharged_on=None) | Q(admitted_on__isnull=False, discharged_on__gte=F("admitted_on")),
                name="safetyreport_discharged_after_admission",
            ),
            models.CheckConstraint(
                condition=Q(in_error_at=None, in_error_reason="")
                | (Q(in_error_at__isnull=False) & ~Q(pregnant="") & ~Q(in_error_reason="")),
                name="safetyreport_in_error_is_a_pregnancy_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(sponsor_at=None) | Q(sponsor_at__gte=F("aware_at")), name="safetyreport_sponsor_after_site"
            ),
            models.CheckConstraint(
                condition=Q(authority_at=None) | Q(authority_at__gte=F("sponsor_at"), sponsor_at__isnull=False),
                name="safetyreport_authority_after_sponsor",
            ),
        ]

    @property
    def is_pregnancy(self) -> bool:
        return self.pregnant != ""

    @property
    def about(self) -> AdverseEvent | None:
        """The serious event that it is about, itself or by what it follows; None for a pregnancy."""
        return self.follows.event if self.follows else self.event

    @property
    def words(self) -> str:
        """What is reported, as pages call it."""
        if self.follows:
            return f"Follow-up to report {self.follows.number}"
        return (
            f"Serious event {self.event.number}" if self.event else f"Pregnancy, {self.get_pregnant_display().lower()}"
        )

    def clocks(self) -> tuple[Clock, ...]:
        """None for what counts no more or is not serious any more; else by what the event is now."""
        event = self.about
        if self.in_error_at is not None or (event is not None and (event.in_error or not event.is_serious)):
            return ()
        if self.follows:
            return (news_clock(received_at=self.aware_at, authority_at=self.authority_at),)
        if event is None:
            return clocks(aware_at=self.aware_at, sponsor_at=self.sponsor_at, authority_at=None, term=None)
        term = authority_term(
            is_unexpected_reaction=event.is_unexpected_reaction,
            is_fatal_or_life_threatening=event.is_fatal or event.is_life_threatening,
        )
        return clocks(aware_at=self.aware_at, sponsor_at=self.sponsor_at, authority_at=self.authority_at, term=term)

    def running(self) -> Clock | None:
        """The clock that runs now; at most one does."""
        return next((one for one in self.clocks() if one.is_open), None)


class ClockEscalation(SubjectRecord):
    """A step of a reporting clock was told by mail, or skipped with its reason. Never twice."""

    class Status(models.TextChoices):
        SENT = "sent", "Sent"
        SKIPPED = "skipped", "Skipped"

    report = models.ForeignKey(SafetyReport, on_delete=models.PROTECT, related_name="escalations")
    clock = models.CharField(max_length=9, choices=[(one.value, one.value.capitalize()) for one in ClockName])
    percent = models.PositiveSmallIntegerField(help_text="Percent of the clock that had passed.")
    fell_due_at = models.DateTimeField()
    status = models.CharField(max_length=7, choices=Status.choices)
    reason = models.CharField(max_length=200)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["report", "clock", "percent"], name="clockescalation_once_per_report_and_step"
            ),
        ]
