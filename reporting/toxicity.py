"""Worst grade per subject: by cause, by phase, by term; in one version of the CTCAE, versions are never pooled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from dosing.vocabulary import phase_in_words
from protocol.vocabulary import TREATMENT_PHASES
from reporting.addresses import address
from reporting.safety_rows import Count, Line, rows_url
from reporting.selectors.toxicity import AFTER, SEVERE, YES, SafetySet, Tolerability, Toxicity
from trialsite.charts import Chart, GradeBar, grade_bars
from trialsite.templatetags.edc import day

GRADES = (1, 2, 3, 4, 5)
#: Cause in addresses -> words, and which events it takes. Related is possible or more (clinical attribution).
CAUSES: dict[str, tuple[str, Callable[[Toxicity], bool]]] = {
    "drug": ("Study drug: possible or more", lambda one: one.is_related),
    "anakinra": ("Anakinra: possible or more", lambda one: one.related_to_anakinra == YES),
    "dexamethasone": ("Dexamethasone: possible or more", lambda one: one.related_to_dexamethasone == YES),
    "any": ("Whatever the cause", lambda one: True),
}
#: Phase in addresses -> words; the empty one is the whole time since the first dose.
PHASES: dict[str, str] = {
    "": "Since the first dose",
    **{one.value: phase_in_words(one) for one in TREATMENT_PHASES},
    AFTER.value: "After the last dose",
}
GROUPS = {
    "population": "Subjects",
    "any": "With an event",
    "none": "Without an event",
    **{f"grade-{grade}": f"Worst grade {grade}" for grade in GRADES},
    "severe": f"Worst grade {SEVERE} or higher",
}
#: Terms that are drawn; all are in the table.
DRAWN = 15


@dataclass(frozen=True)
class Choice:
    """What is counted. `phase` empty: since the first dose."""

    version: str
    cause: str = "drug"
    phase: str = ""

    def given(self, term: str = "") -> dict[str, str]:
        return {"version": self.version, "cause": self.cause, "phase": self.phase, "term": term}

    @property
    def words(self) -> str:
        return f"{CAUSES[self.cause][0]}. {PHASES[self.phase]}. CTCAE {self.version}."


@dataclass(frozen=True)
class GradeLine:
    """One line of a table: of how many subjects, how many have an event, each worst grade, and 3 or higher."""

    label: str
    n: Count
    any: Count
    grades: tuple[Count, ...]
    severe: Count

    @property
    def counts(self) -> tuple[Count, ...]:
        return (self.n, self.any, *self.grades, self.severe)


def versions(found: SafetySet, standard: str) -> list[str]:
    """CTCAE versions in which events are graded, the one that is offered now always among them."""
    return sorted({standard, *(one.ctcae_version for one in found.events)}, reverse=True)


def population(found: SafetySet, choice: Choice) -> list[Tolerability]:
    """Treated subjects who were in the phase, and for dexamethasone those who began it."""
    return [
        one
        for one in found.subjects
        if (not choice.phase or choice.phase in one.phases.split(";"))
        and (choice.cause != "dexamethasone" or one.combination_from is not None)
    ]


def worst(found: SafetySet, choice: Choice, term: str = "") -> dict[str, Toxicity]:
    """Subject's key -> the event of the highest grade, the first of several."""
    takes, by_subject = CAUSES[choice.cause][1], dict[str, Toxicity]()
    for one in found.events:
        counts = (
            one.ctcae_version == choice.version and takes(one)
            and choice.phase in ("", one.phase) and term in ("", one.term)
        )  # fmt: skip
        if counts and (one.key not in by_subject or by_subject[one.key].grade < one.grade):
            by_subject[one.key] = one
    return by_subject


def grade_line(found: SafetySet, choice: Choice, label: str, term: str = "") -> GradeLine:
    people, reached = population(found, choice), worst(found, choice, term)
    grade_of = {one.key: reached[one.key].grade if one.key in reached else 0 for one in people}

    def cell(group: str, lowest: int, highest: int) -> Count:
        who = frozenset(key for key, grade in grade_of.items() if lowest <= grade <= highest)
        return Count(rows_url(group, choice.given(term)), who)

    return GradeLine(
        label,
        cell("population", 0, GRADES[-1]),
        cell("any", 1, GRADES[-1]),
        tuple(cell(f"grade-{grade}", grade, grade) for grade in GRADES),
        cell("severe", SEVERE, GRADES[-1]),
    )


def by_cause(found: SafetySet, choice: Choice) -> list[GradeLine]:
    """The same phase, one line per cause."""
    return [grade_line(found, replace(choice, cause=cause), words) for cause, (words, _) in CAUSES.items()]


def by_phase(found: SafetySet, choice: Choice) -> list[GradeLine]:
    """The same cause, one line per phase that somebody reached."""
    lines = [grade_line(found, replace(choice, phase=phase), words) for phase, words in PHASES.items()]
    return [line for line in lines if line.n.n]


def by_term(found: SafetySet, choice: Choice) -> list[GradeLine]:
    """One line per term, those with grade 3 or higher in most subjects first."""
    terms = {one.term for one in found.events if one.ctcae_version == choice.version}
    lines = [line for term in terms if (line := grade_line(found, choice, term, term)).any.n]
    return sorted(lines, key=lambda line: (-line.severe.n, -line.any.n, line.label))


def bars(lines: Iterable[GradeLine], title: str) -> Chart | None:
    """The lines with an event as bars; None without one."""
    drawn = [_bar(line) for line in lines if line.any.n][:DRAWN]
    return grade_bars(drawn, title) if drawn else None


def _bar(line: GradeLine) -> GradeBar:
    one, two, three, four, five = (count.n for count in line.grades)
    return GradeBar(line.label, (one, two, three, four, five), line.n.n)


# ---------------------------------------------------------------- the rows behind a number
def lines_of(found: SafetySet, choice: Choice, group: str, term: str = "") -> list[Line]:
    """Subjects with their worst event, those without an event among them where the group has them."""
    reached = worst(found, choice, term)
    return [
        _line(one, reached.get(one.key)) for one in population(found, choice) if _is_in(reached.get(one.key), group)
    ]


def _is_in(event: Toxicity | None, group: str) -> bool:
    if group in ("population", "none"):
        return group == "population" or event is None
    if event is None:
        return False
    return group == "any" or (event.grade >= SEVERE if group == "severe" else group == f"grade-{event.grade}")


def _line(one: Tolerability, event: Toxicity | None) -> Line:
    if event is None:
        return Line(one.site, one.subject, "No event", "", address("subject_adverse_events", one.key))
    what = f"{event.event}. {event.term}, grade {event.grade}"
    return Line(one.site, one.subject, what, _detail(event), address("adverse_event", one.key, event.event))


def _detail(event: Toxicity) -> str:
    judged = (("anakinra", event.related_to_anakinra), ("dexamethasone", event.related_to_dexamethasone))
    causes = [words for words, truth in judged if truth == YES]
    serious = ", serious" if event.is_serious == YES else ""
    cause = f"possible or more: {' and '.join(causes)}" if causes else "not related to a study drug"
    return f"{day(event.began_on)}, {PHASES[event.phase].lower()}, {cause}{serious}"
