"""How every item of the trial stands towards its source at the time of the export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reporting.selectors.computed import Cell, Computed
from trialsite.exporting import Column
from trialsite.models import Subject
from trialsite.sdv_selectors import Item, State, items_of

_STATES = {State.VERIFIED: "VERIFIED", State.CHANGED: "CHANGED", State.UNVERIFIED: "NOT VERIFIED"}


def _rows() -> Iterator[Sequence[Cell]]:
    subjects = Subject.objects.filter(entered_in_error_at=None).select_related("site").order_by("screening_number")
    for subject in subjects:
        for one in items_of(subject):
            yield _row(subject, one)


def _row(subject: Subject, one: Item) -> Sequence[Cell]:
    latest = one.latest.verification if one.latest and one.is_verified else None
    return (
        subject.number,
        subject.site.code,
        one.place,
        one.form.words,
        one.record_type,
        one.record_id,
        one.item,
        one.label,
        "YES" if one.is_critical else "NO",
        _STATES[one.state],
        one.version,
        one.latest.person if one.latest and latest else None,
        f"{latest.verified_at:%Y-%m-%dT%H:%M:%SZ}" if latest else None,
    )


SOURCE_STATE = Computed(
    name="source_state",
    title="Source data verification: every item and how it stands",
    rows=_rows,
    columns=(
        Column("subject", "Subject number, before registration the screening number"),
        Column("site", "Site code"),
        Column("place", "Visit, enrolment, course, safety, or doses with the month"),
        Column("form", "Form under which the item stands"),
        Column("record_type", "Kind of record"),
        Column("record_id", "Number of the record as it was first written"),
        Column("item", "Field"),
        Column("label", "What the field is called"),
        Column("critical", "YES or NO"),
        Column("state", "VERIFIED, CHANGED since it was verified, or NOT VERIFIED"),
        Column("event", "Event of the audit trail that wrote the present value"),
        Column("verified_by", "Printed name of the monitor; empty unless VERIFIED"),
        Column("verified_at", "When, UTC; empty unless VERIFIED"),
    ),
)
