"""Adverse events and odd laboratory values of the demonstration trial; none of them in the abstract's patients."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from protocol.vocabulary import Analyte
from reporting.demonstration.lives import Life, Twist
from safety.vocabulary import Seriousness


@dataclass(frozen=True)
class Trouble:
    """One adverse event. `began`, `lasted`: days before the visit, and how long; `lasted` None while it lasts.

    `by`: the drug that probably caused it, if one did. `is_vague`: only the month is known.
    """

    term: str
    grade: int
    began: int
    lasted: int | None
    by: str = ""
    action: str = "NONE"
    serious: frozenset[Seriousness] = frozenset()
    reported_as: str = ""
    is_vague: bool = False
    treated_with: str = ""


_SITE = Trouble("Injection site reaction", 1, 21, 12, "anakinra", reported_as="Red, itching spot where injected")
_SITE_2 = Trouble("Injection site reaction", 2, 18, 15, "anakinra", reported_as="Painful swelling where injected")
_COLD = Trouble("Upper respiratory infection", 2, 12, 8, "anakinra")
_HEADACHE = Trouble("Headache", 1, 10, 2, is_vague=True)
_SLEEP = Trouble("Insomnia", 2, 20, None, "dexamethasone", reported_as="Awake in the night after the tablet")
_HICCUPS = Trouble("Hiccups", 1, 9, 1, "dexamethasone")
_NEUTROPENIA = Trouble("Neutrophil count decreased", 3, 1, None, "anakinra", "HELD")
#: What made those stop who stopped for toxicity.
_STOPPING = (
    Trouble("Lung infection", 3, 11, 10, "anakinra", "STOPPED", frozenset({Seriousness.HOSPITAL}),
            "Pneumonia, admitted for six days", treated_with="Ceftriaxone 2 g intravenously"),
    Trouble("Injection site reaction", 3, 9, None, "anakinra", "STOPPED"),
    Trouble("Allergic reaction", 2, 4, 3, "anakinra", "STOPPED", frozenset({Seriousness.IMPORTANT})),
)  # fmt: skip


def troubles(life: Life, number: int, month: int) -> tuple[Trouble, ...]:
    """What is reported at the visit of that study month."""
    if life.published:
        return ()
    if Twist.TOXICITY in life.twists and month == life.leaves_after:
        return (_STOPPING[number % len(_STOPPING)],)
    if Twist.HELD_DOSES in life.twists and month == 3:
        return (_NEUTROPENIA,)
    planned: dict[tuple[int, bool], Trouble] = {
        (1, number % 3 == 0): _SITE,
        (1, number % 7 == 1): _SITE_2,
        (2, number % 5 == 0): _COLD,
        (4, number % 6 == 1): _HEADACHE,
        (8, number % 3 == 1): _SLEEP,
        (9, number % 4 == 2): _HICCUPS,
    }
    return tuple(one for (at, happens), one in planned.items() if at == month and happens and _fits(one, life))


def _fits(one: Trouble, life: Life) -> bool:
    """Dexamethasone begins after month 6, and only without a response."""
    return one.by != "dexamethasone" or life.percent(6) > 80


def typed_dates(one: Trouble, visit_on: date) -> tuple[str, str]:
    """First and last day as the coordinator types them; the last one is empty while it lasts."""
    began = visit_on - timedelta(days=one.began)
    ended = began + timedelta(days=one.lasted) if one.lasted is not None else None
    if one.is_vague:
        return f"{began:%b %Y}", f"{ended:%b %Y}" if ended else ""
    return f"{began:%-d %b %Y}", f"{ended:%-d %b %Y}" if ended else ""


def odd_values(life: Life, number: int, month: int) -> dict[Analyte, str]:
    """Laboratory values that ask for a judgement."""
    if life.published or not month:
        return {}
    if Twist.HELD_DOSES in life.twists and month == 3:
        return {Analyte.ANC: "0.80", Analyte.WBC: "2.9"}
    if number % 9 == 4 and month == 2:
        return {Analyte.ANC: "1.30"}
    return {Analyte.ALT: "148"} if number % 11 == 5 and month == 2 else {}
