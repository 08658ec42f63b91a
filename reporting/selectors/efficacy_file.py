"""The rows of efficacy as a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from reporting.selectors.computed import Cell, Computed
from reporting.selectors.efficacy import Efficacy, efficacy
from trialsite.exporting import Column

COLUMNS = (
    Column("subject", "Subject number"),
    Column("site", "Site code"),
    Column("registered_on", "Day of registration"),
    Column("day1_on", "Day 1; empty for a subject who is not treated"),
    Column("state", "Present phase of the trial"),
    Column("protocol_version", "Version of the protocol that judges this subject"),
    Column("criteria_version", "Response criteria of that version"),
    Column("is_treated", "YES if the first dose was given"),
    Column("on_treatment", "YES while in a treatment phase"),
    Column("response_state", "SIGNED, UNSIGNED (computed, nobody signed it) or NONE (nothing computed)"),
    Column("signed_through", "Day of the newest sample under a standing signature; empty unless SIGNED"),
    Column("newer_unsigned", "YES if a response is newer than what is signed; it does not count here"),
    Column("best_response", "Best confirmed response before progression, as signed; empty unless SIGNED"),
    Column("best_on_anakinra_alone", "The same, every confirming sample no later than the first dexamethasone dose"),
    Column("last_treatment", "Phase of treatment lived last; empty for a subject who is not treated"),
    Column("combination_from", "First day with dexamethasone; empty without"),
    Column(
        "best_on_combination",
        "Best confirmed response against the start of dexamethasone; empty without a signed sample",
    ),
    Column("baseline_m_spike", "Serum M-spike at baseline, g/dL; empty unless SIGNED"),
    Column("best_m_spike_change", "Lowest serum M-spike after Day 1 against baseline, percent; empty without"),
    Column("pfs_status", "EVENT or CENSORED; empty for a subject who is not treated"),
    Column("pfs_on", "Day of the event or of censoring"),
    Column("pfs_days", "Days from Day 1, Day 1 counted"),
    Column("pfs_at_6_months", "By date: SUCCESS, FAILURE, NOT_DUE (in induction), or LOST (not followed so long)"),
    Column(
        "pfs_by_month_6_assessment",
        "By the assessment in the month-6 window: SUCCESS, FAILURE, NOT_DUE (in induction), or LOST (none in it)",
    ),
    Column("ttp_status", "Time to first progression or active myeloma: EVENT or CENSORED"),
    Column("ttp_on", "Day of that event or of censoring"),
    Column("ttp_days", "Days from Day 1, Day 1 counted"),
    Column("ttp_active_status", "Time to active myeloma alone: EVENT or CENSORED"),
    Column("ttp_active_on", "Day of that event or of censoring"),
    Column("ttp_active_days", "Days from Day 1, Day 1 counted"),
    Column("response_from", "Day of the first sample of the first confirmed response, PR or better; empty without"),
    Column("dor_status", "Duration of response, PR or better: EVENT or CENSORED; empty without such a response"),
    Column("dor_on", "Day of that event or of censoring"),
    Column("dor_days", "Days from the first sample of that response, that day counted"),
    Column("minimal_response_from", "The same day for a confirmed response of MR or better; empty without"),
    Column("dor_minimal_status", "Duration of response, MR or better: EVENT or CENSORED; empty without a response"),
    Column("dor_minimal_on", "Day of that event or of censoring"),
    Column("dor_minimal_days", "Days from the first sample of that response, that day counted"),
    Column(
        "benefit_status",
        "Duration of stable disease or better (clinical benefit), as pfs: EVENT or CENSORED; empty without",
    ),
    Column("benefit_on", "Day of that event or of censoring"),
    Column("benefit_days", "Days from Day 1, Day 1 counted"),
    Column("hs_crp_baseline", "hs-CRP at baseline, mg/L"),
    Column("hs_crp_month_6", "hs-CRP in the month-6 window, mg/L"),
    Column("hs_crp_change", "Its change, percent with one decimal; empty where it is not defined"),
    Column("pcli_baseline", "Plasma cell labelling index at baseline, %"),
    Column("pcli_month_6", "Plasma cell labelling index in the month-6 window, %"),
    Column("pcli_change", "Its change, percent with one decimal; empty where it is not defined (baseline 0)"),
    Column("waits_for_signature", "YES if a treatment proposal waits for an investigator"),
)


def cells(row: Efficacy) -> list[Cell]:
    """The row as it stands in the file; the opaque address is not part of it."""
    return [getattr(row, one.name) for one in fields(row) if one.name != "key"]


def _rows() -> Iterable[Sequence[Cell]]:
    return (cells(row) for row in efficacy())


EFFICACY = Computed(
    name="efficacy",
    title="Efficacy, one row per registered subject: what the dashboard counts",
    columns=COLUMNS,
    rows=_rows,
)
