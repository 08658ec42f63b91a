"""The four dashboards counted again: from the cells of the exported files and the protocol alone, as a reader would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from zoneinfo import ZoneInfo

from scipy import stats

from dosing.vocabulary import DRUG_WORDS, PHASE_WORDS, phase_in_words
from followup.models import Departure
from followup.vocabulary import END_REASON_WORDS, EndReason
from protocol.measurements import PhaseInterval
from protocol.safety_clocks import ClockName
from protocol.spans import plan_phases
from protocol.trial import TRIAL
from protocol.versions import named
from protocol.visits import Anchors, PlannedVisit, due_state, schedule
from protocol.vocabulary import TREATMENT_PHASES, Drug, DueState, Phase
from reporting.tolerability import READINGS as SIGN_READINGS
from reporting.tolerability import SIGNS
from reporting.toxicity import CAUSES, PHASES
from safety.vocabulary import CLOCK_WORDS
from tests.reporting.test_independent_statistics import band, kaplan_meier

Cells = dict[str, str]
Files = dict[str, list[Cells]]
Tables = dict[str, list[list[str]]]
Tops = list[tuple[str, str]]

BRANCHES = ("ANAKINRA_ONLY", "LOW_DEX_7_12", "HIGH_DEX")
MARKS = {
    "INDUCTION": "Induction", "ANAKINRA_ONLY": "Anakinra, continued", "EXTENSION": "Anakinra, continued",
    "LOW_DEX_7_12": "Anakinra + low-dose dex", "LOW_DEX_13_18": "Anakinra + low-dose dex",
    "HIGH_DEX": "Anakinra + high-dose dex",
}  # fmt: skip
PR = ("PR", "VGPR", "CR", "sCR")
RANKS = {"mr": ("MR", *PR), "pr": PR}


def day(text: str) -> date:
    return date.fromisoformat(text[:10])


def rounded(value: Decimal, places: int = 1) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def words_of(value: Decimal, places: int = 1) -> str:
    return f"{rounded(value, places)}".replace("-", "−")


def signed(value: Decimal) -> str:
    return f"{'+' if rounded(value) > 0 else ''}{words_of(value)}%"


def month(days: int) -> Decimal:
    return rounded(days / Decimal("30.4375"))


def months_between(first: str, last: date) -> str:
    return str(month(max((last - day(first)).days, 0)))


def share(x: int, n: int) -> list[str]:
    """Percent and exact interval, as the tables have them."""
    if not n:
        return ["not defined", "—"]
    return [f"{words_of(Decimal(100 * x) / n)}%", interval(x, n)]


def interval(x: int, n: int) -> str:
    found = stats.binomtest(x, n).proportion_ci(method="exact")
    return f"{found.low * 100:.1f} to {found.high * 100:.1f}"


# ---------------------------------------------------------------- efficacy
def efficacy(files: Files, population: str, endpoint: str, today: date) -> tuple[Tops, Tables]:
    rows = files["efficacy"]
    tables = {
        "Best confirmed response": _rates(rows, population),
        "Times to events": [_times(rows, *one) for one in TIMES.values()],
        "Progression-free at 6 months": [line for one in SIX for line in _six(rows, *one)],
        "Markers at month 6": [
            _marker(rows, words, name) for words, name in (("hs-CRP", "hs_crp"), ("Labelling index (PCLI)", "pcli"))
        ],
        "Subjects by phase": [
            [phase_in_words(phase), str(number)]
            for phase in Phase if (number := sum(row["state"] == phase for row in rows))
        ],
        "Best percent change in serum M-spike from baseline": _waterfall(files),
        "Treatment course by subject": _swimmer(files, today),
        "Percent change in serum M-spike over time, by subject": _spider(files),
    }  # fmt: skip
    tables |= _curve(rows, endpoint)
    return _efficacy_tops(rows, population), tables


TIMES = {
    "pfs": ("Progression-free survival", "first dose", "pfs"),
    "ttp": ("Time to progression", "first dose", "ttp"),
    "ttp-active": ("Time to active myeloma", "first dose", "ttp_active"),
    "dor": ("Duration of response, PR or better", "first PR or better", "dor"),
    "dor-minimal": ("Duration of response, MR or better", "first MR or better", "dor_minimal"),
    "benefit": ("Duration of stable disease or better", "first dose", "benefit"),
}
CURVES = {
    "pfs": "Progression-free", "ttp": "Without progression", "ttp-active": "Without active myeloma",
    "dor": "Still responding", "dor-minimal": "Still responding", "benefit": "Stable or better",
}  # fmt: skip
SIX = (
    ("By date", "pfs_at_6_months", "Followed to month 6"),
    ("By the month-6 assessment", "pfs_by_month_6_assessment", "Assessed in the window"),
)


def unsigned(files: Files) -> int:
    """Treated subjects with a response that nobody signed."""
    treated = [row for row in files["efficacy"] if row["is_treated"] == "YES"]
    return sum(row["response_state"] == "UNSIGNED" or row["newer_unsigned"] == "YES" for row in treated)


def _judged(rows: list[Cells], population: str) -> list[Cells]:
    treated = [row for row in rows if row["is_treated"] == "YES"]
    return treated if population == "treated" else [row for row in treated if row["response_state"] == "SIGNED"]


def _rates(rows: list[Cells], population: str) -> list[list[str]]:
    judged = _judged(rows, population)
    combined = [row for row in judged if row["combination_from" if population == "treated" else "best_on_combination"]]
    found = []
    for words, column, people in (
        ("Whole treatment", "best_response", judged),
        ("Anakinra alone", "best_on_anakinra_alone", judged),
        ("Combination with dexamethasone", "best_on_combination", combined),
    ):
        line = [words, str(len(people))]
        for level in ("mr", "pr"):
            x = sum(row[column] in RANKS[level] for row in people)
            line += [str(x), *share(x, len(people))]
        found.append(line)
    return found


def _pairs(rows: list[Cells], column: str) -> list[tuple[int, str]]:
    return [(int(row[f"{column}_days"]), row[f"{column}_status"]) for row in rows if row[f"{column}_days"]]


def _times(rows: list[Cells], words: str, since: str, column: str) -> list[str]:
    pairs = _pairs(rows, column)
    events = sum(status == "EVENT" for _, status in pairs)
    return [words, since, str(len(pairs)), str(events), str(len(pairs) - events), _median_words(pairs)]


def _median_words(pairs: list[tuple[int, str]]) -> str:
    if len(pairs) < 5:
        return "fewer than 5 subjects"
    steps = [(on, float(at), *band(at, sum_)) for on, at, sum_ in kaplan_meier(pairs)]
    half = [next((str(month(step[0])) for step in steps if step[place] <= 0.5), "") for place in (1, 2, 3)]
    if not half[0]:
        return f"not reached (95% CI from {half[1]})" if half[1] else "not reached"
    return f"{half[0]} (95% CI {half[1] or half[0]} to {half[2] or 'not reached'})"


def _at(pairs: list[tuple[int, str]], until: Decimal, unit: int = 0) -> tuple[float, float, float]:
    """Share and band at that month, or on that day (`unit` 1)."""
    found = (1.0, 1.0, 1.0)
    for on, at, sum_ in kaplan_meier(pairs):
        if (on if unit else month(on)) <= until:
            found = (float(at), *band(at, sum_))
    return found


def _curve(rows: list[Cells], endpoint: str) -> Tables:
    pairs = _pairs(rows, TIMES[endpoint][2])
    if len(pairs) < 5:
        return {}
    lines = []
    for number in range(0, 25, 3):
        before = [status for days, status in pairs if month(days) < number]
        left = len(pairs) - len(before)
        one, low, high = (f"{value * 100:.0f}%" for value in _at(pairs, Decimal(number)))
        events = before.count("EVENT")
        estimate = [one, f"{low} to {high}"] if left else ["—", "—"]
        lines.append([str(number), str(left), str(len(before) - events), str(events), *estimate])
    return {f"{CURVES[endpoint]} survival": lines}


def _six(rows: list[Cells], words: str, column: str, known: str) -> list[list[str]]:
    read = Counter(row[column] for row in rows)
    free, followed = read["SUCCESS"], read["SUCCESS"] + read["FAILURE"]
    due = followed + read["LOST"]
    return [
        [words, "All whose month 6 has come", str(due), str(free), *share(free, due)],
        [words, known, str(followed), str(free), *share(free, followed)],
    ]


def _marker(rows: list[Cells], words: str, name: str) -> list[str]:
    both = [row for row in rows if row[f"{name}_baseline"] and row[f"{name}_month_6"]]
    pairs = [(Decimal(row[f"{name}_baseline"]), Decimal(row[f"{name}_month_6"])) for row in both]
    changes = [Decimal(row[f"{name}_change"]) for row in both if row[f"{name}_change"]]
    middle = signed(median(changes)) if changes else "—"
    undefined = f" ({len(both) - len(changes)} not defined)" if len(both) > len(changes) else ""
    fell = sum(then < before for before, then in pairs)
    by_15 = sum((before - then) * 100 > 15 * before for before, then in pairs)
    return [words, str(len(both)), str(fell), str(by_15), f"{middle}{undefined}"]


def _waterfall(files: Files) -> list[list[str]]:
    bars = [row for row in files["efficacy"] if row["best_m_spike_change"]]
    bars.sort(key=lambda row: (-Decimal(row["best_m_spike_change"]), row["subject"]))
    return [
        [row["subject"], signed(Decimal(row["best_m_spike_change"])), MARKS[_lived(files, row["subject"])[-1].phase]]
        for row in bars
    ]


def _swimmer(files: Files, today: date) -> list[list[str]]:
    found = []
    people = {row["subject"]: row for row in files["subjects"]}
    for row in files["efficacy"]:
        if not row["day1_on"]:
            continue
        own = people[row["subject"]]
        stop = min(day(text) for text in (own["treatment_ended_on"], own["died_on"], today.isoformat()) if text)
        lived = [one for one in _lived(files, row["subject"]) if one.starts_on <= stop]
        progressed = row["ttp_on"] if row["ttp_status"] == "EVENT" else ""
        events = [
            months_between(row["day1_on"], day(text)) if text else "—" for text in (row["response_from"], progressed)
        ]
        end = months_between(row["day1_on"], min(lived[-1].ends_on or stop, stop))
        found.append([row["subject"], end, *events, MARKS[lived[-1].phase]])
    return sorted(found, key=lambda line: (-Decimal(line[1]), line[0]))


def _lived(files: Files, subject: str) -> list[PhaseInterval]:
    return [
        PhaseInterval(Phase(row["state"]), day(row["starts_on"]), day(row["ends_on"]) if row["ends_on"] else None)
        for row in files["treatment_phases"]
        if row["subject"] == subject and Phase(row["state"]) in TREATMENT_PHASES
    ]


def _spider(files: Files) -> list[list[str]]:
    found: dict[str, list[list[str]]] = {}
    for row in files["m_spike_changes"]:
        points = found.setdefault(row["subject"], [[row["subject"], "0", "0.0%"]])
        points.append([row["subject"], row["month"], signed(Decimal(row["change"]))])
    return [point for points in found.values() for point in points] if len(found) >= 5 else []


def _efficacy_tops(rows: list[Cells], population: str) -> Tops:
    line, count = _rates(rows, population)[0], Counter(row["state"] for row in rows)
    n = int(line[1])
    treated = sum(row["is_treated"] == "YES" for row in rows)
    on = sum(row["on_treatment"] == "YES" for row in rows)
    waiting = sum(row["waits_for_signature"] == "YES" for row in rows)
    return [
        ("Enrolled", f"{len(rows)} {treated} treated"),
        ("On treatment", f"{on} {count['INDUCTION']} in induction"),
        ("MR or better", f"{words_of(Decimal(100 * int(line[2])) / n, 0)}% {line[2]} of {n}, 95% CI {line[4]}"),
        ("PR or better", f"{words_of(Decimal(100 * int(line[5])) / n, 0)}% {line[5]} of {n}, 95% CI {line[7]}"),
        ("Progression-free at 6 months", _free_at_6(rows)),
        ("Waiting for a signature", f"{waiting} treatment proposals"),
    ]


def _free_at_6(rows: list[Cells]) -> str:
    latest = max(day(row["day1_on"]) for row in rows if row["day1_on"])
    later = date(latest.year + (latest.month > 6), (latest.month + 5) % 12 + 1, latest.day)
    pairs, milestone = _pairs(rows, "pfs"), (later - latest).days
    if max(days for days, _ in pairs) < milestone:
        return "— nobody was followed that long"
    one, low, high = (value * 100 for value in _at(pairs, Decimal(milestone), 1))
    return f"{one:.0f}% 95% CI {low:.0f} to {high:.0f}, Kaplan-Meier"


# ---------------------------------------------------------------- safety
RELATED = {
    "drug": ("related_to_anakinra", "related_to_dexamethasone"), "anakinra": ("related_to_anakinra",),
    "dexamethasone": ("related_to_dexamethasone",), "any": (),
}  # fmt: skip
SIGN_COLUMNS = {
    "combination": ("stopped_on_combination", "severe_related_on_combination"),
    "whole": ("stopped_for_event", "severe_related"),
}


def safety(
    files: Files, now: datetime, version: str = "5.0", cause: str = "drug", phase: str = ""
) -> tuple[Tops, Tables, list[str]]:
    """The page under its filters; as it opens: related to a drug, since the first dose. Items: the clocks that run."""
    files = {**files, "toxicity": [row for row in files["toxicity"] if row["ctcae_version"] == version]}
    people, events = files["tolerability"], files["toxicity"]
    terms = [(one, _grades(files, cause, phase, one)) for one in {row["term"] for row in events}]
    terms.sort(key=lambda one: (-int(one[1][7]), -int(one[1][1]), one[0]))
    open_ = [row for row in files["report_clocks"] if not row["stopped_at"]]
    tables = {
        "Worst grade by phase": [
            [words, *line] for name, words in PHASES.items() if (line := _grades(files, cause, name))[0] != "0"
        ],
        "Worst grade by cause": [[words, *_grades(files, name, phase)] for name, (words, _) in CAUSES.items()],
        "Worst grade by term": [[term, *line] for term, line in terms if line[1] != "0"],
        "Tolerability": [line for reading in SIGN_COLUMNS for line in _signs(people, reading)],
        "Doses": [_doses(people, drug) for drug in Drug if _given(people, drug)],
        "Clocks": [_clocks(files["report_clocks"], name, now) for name in ClockName],
        "Grades to judge": _waiting(files["grades_waiting"]),
    }
    late = sum(instant(row["due_at"]) < now for row in open_)
    _, any_, *_, severe = _grades(files, cause, phase)
    waiting = {row["subject"] for row in files["grades_waiting"]}
    related = CAUSES[cause][0].lower()
    tops = [
        ("Treated subjects", str(len(people))),
        ("With an event", f"{any_} {related}"),
        ("Grade 3 or higher", f"{severe} {related}"),
        ("Stopped for toxicity", f"{sum(row['stopped_for_event'] == 'YES' for row in people)} a drug, or all"),
        ("Report clocks running", f"{len(open_)} {late} overdue"),
        ("Grades to judge", f"{len(files['grades_waiting'])} in {len(waiting)} subject{'s' * (len(waiting) != 1)}"),
    ]
    return tops, {name: lines for name, lines in tables.items() if lines}, sorted(row["subject"] for row in open_)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _grades(files: Files, cause: str, phase: str, term: str = "") -> list[str]:
    """Subjects, with an event, each worst grade, 3 or higher."""
    people = [
        row["subject"] for row in files["tolerability"]
        if (not phase or phase in row["phases"].split(";")) and (cause != "dexamethasone" or row["combination_from"])
    ]  # fmt: skip
    worst = dict.fromkeys(people, 0)
    for row in files["toxicity"]:
        counts = not RELATED[cause] or "YES" in [row[name] for name in RELATED[cause]]
        if counts and row["subject"] in worst and phase in ("", row["phase"]) and term in ("", row["term"]):
            worst[row["subject"]] = max(worst[row["subject"]], int(row["grade"]))
    tally = Counter(worst.values())
    numbers = [len(people), len(people) - tally[0], *(tally[grade] for grade in range(1, 6))]
    return [str(number) for number in [*numbers, sum(numbers[4:])]]


def _signs(people: list[Cells], reading: str) -> list[list[str]]:
    judged = [row for row in people if reading == "whole" or row["combination_from"]]
    stopped, severe = SIGN_COLUMNS[reading]
    found = []
    for sign, columns in {"stopped": (stopped,), "severe": (severe,), "either": (stopped, severe)}.items():
        x = sum("YES" in [row[name] for name in columns] for row in judged)
        words = SIGN_READINGS[reading][0], SIGNS[sign]
        found.append([*words, str(len(judged)), str(x), *share(x, len(judged))])
    return found


def _given(people: list[Cells], drug: Drug) -> list[Cells]:
    return [row for row in people if drug is Drug.ANAKINRA or row["combination_from"]]


def _doses(people: list[Cells], drug: Drug) -> list[str]:
    acted = [row[f"{drug.value}_actions"].split(";") for row in people]
    rates = [Decimal(row[f"{drug.value}_intensity"]) for row in people if row[f"{drug.value}_intensity"]]
    middle, low = (f"{words_of(value)}%" for value in (median(rates), min(rates))) if rates else ("—", "—")
    counts = [str(sum(one in actions for actions in acted)) for one in ("HELD", "REDUCED", "STOPPED")]
    return [DRUG_WORDS[drug], str(len(_given(people, drug))), *counts, str(len(rates)), middle, low]


def _clocks(rows: list[Cells], name: ClockName, now: datetime) -> list[str]:
    mine = [row for row in rows if row["clock"] == name]
    running = [instant(row["due_at"]) < now for row in mine if not row["stopped_at"]]
    stopped = [instant(row["stopped_at"]) > instant(row["due_at"]) for row in mine if row["stopped_at"]]
    counts = running.count(False), running.count(True), stopped.count(False), stopped.count(True)
    return [CLOCK_WORDS[name][0], *map(str, counts)]


def _waiting(rows: list[Cells]) -> list[list[str]]:
    by_term: dict[str, list[int]] = {}
    for row in rows:
        by_term.setdefault(row["term"], []).append(int(row["grade"]))
    ordered = sorted(by_term, key=lambda term: (-max(by_term[term]), term))
    return [[t, *(str(by_term[t].count(grade)) for grade in range(1, 5)), str(len(by_term[t]))] for t in ordered]


# ---------------------------------------------------------------- enrolment
LEFT = {**{kind.value: kind.label for kind in Departure.Kind}, "COMPLETED": "Completed follow-up"}
NOT_TREATED = {
    "WAITING": "Waiting for the first dose", "PROGRESSED": "Progressed before the first dose",
    **{kind.value: kind.label for kind in Departure.Kind},
}  # fmt: skip


def enrolment(files: Files, today: date) -> tuple[Tops, Tables]:
    rows = files["enrolment"]
    n = _stages(rows)
    tops = [
        ("Screened", f"{len(rows)} {n['IN_SCREENING']} in screening"),
        ("Screen failures", str(n["SCREEN_FAILED"])),
        ("Registered", f"{n['REGISTERED']} of {TRIAL.config.accrual_subjects} planned"),
        ("Treated", f"{n['treated']} {n['REGISTERED'] - n['treated']} not treated"),
        ("On treatment", str(n["on"])),
        ("In follow-up", f"{n['follow-up']} {n['left']} left the study"),
    ]
    tables = {
        "Flow of subjects": _flow(rows),
        "Cumulative enrolment against plan": _accrual(rows, files["sites"], today),
        "Sites": [_site(rows, site) for site in sorted({row["site"] for row in rows})],
        "Why screening failed": _failures(rows),
        "Why treatment ended": _reasons(rows, "end_reason", {one.value: END_REASON_WORDS[one] for one in EndReason}),
        "Why subjects left the study": _reasons(rows, "left_study", LEFT),
    }
    return tops, {name: lines for name, lines in tables.items() if lines}


def _stages(rows: list[Cells]) -> Counter[str]:
    found = Counter(row["outcome"] for row in rows)
    found["treated"] = sum(bool(row["day1_on"]) for row in rows)
    found["on"] = sum(row["treatment"] == "ON" for row in rows)
    found["follow-up"] = sum(row["state"] == "FOLLOW_UP" for row in rows)
    found["left"] = sum(bool(row["left_study"]) for row in rows)
    return found


def _flow(rows: list[Cells]) -> list[list[str]]:
    n, branch = _stages(rows), Counter(row["branch"] for row in rows)
    why = Counter(row["not_treated"] for row in rows if row["not_treated"])
    parts = [f"{words}: {why[name]}" for name, words in NOT_TREATED.items() if why[name]]
    failed = f"Screen failures: {n['SCREEN_FAILED']}; In screening: {n['IN_SCREENING']}"
    nowhere = f"In induction: {branch['INDUCTION']}; Left before a branch: {branch['NONE']}"
    table: list[list[object]] = [
        ["Screened", len(rows), "—"],
        ["Not registered", n["SCREEN_FAILED"] + n["IN_SCREENING"], failed],
        ["Registered", n["REGISTERED"], "—"],
        ["Not treated", sum(why.values()), "; ".join(parts) or "—"],
        ["Treated", n["treated"], "—"],
        ["No branch", branch["INDUCTION"] + branch["NONE"], nowhere],
    ]
    for phase in BRANCHES:
        treatment = Counter(row["treatment"] for row in rows if row["branch"] == phase)
        both = f"On treatment: {treatment['ON']}; Ended: {treatment['ENDED']}"
        table.append([PHASE_WORDS[Phase(phase)], branch[phase], both])
    return [[str(cell) for cell in line] for line in table]


def _accrual(rows: list[Cells], sites: list[Cells], today: date) -> list[list[str]]:
    registered = [day(row["registered_on"]) for row in rows if row["registered_on"]]
    opened = min(day(row["opened_on"]) for row in sites if row["site"] != "00")
    first, config, found = min(*registered, opened), TRIAL.config, list[list[str]]()
    for number in range(first.year * 12 + first.month - 1, today.year * 12 + today.month):
        start, count = date(number // 12, number % 12 + 1, 1), len(found) + 1
        done = sum((one.year, one.month) <= (start.year, start.month) for one in registered)
        plan = rounded(Decimal(config.accrual_subjects * min(count, config.accrual_months)) / config.accrual_months)
        found.append([f"{start:%b %y}", str(done), f"{plan}".removesuffix(".0")])
    return found


def _site(rows: list[Cells], site: str) -> list[str]:
    own = [row for row in rows if row["site"] == site]
    n, last = _stages(own), max((row["registered_on"] for row in own if row["registered_on"]), default="")
    names = ("SCREEN_FAILED", "REGISTERED", "treated", "on", "follow-up", "left")
    shown = f"{day(last).day} {day(last):%b %Y}" if last else "—"
    return [site, str(len(own)), *(str(n[name]) for name in names), shown]


def _failures(rows: list[Cells]) -> list[list[str]]:
    words = {criterion.id: criterion.words for criterion in TRIAL.criteria}
    failed = Counter(one for row in rows for one in row["failed_criteria"].split(";") if one)
    lines = [[f"{one} {words[one]}", str(n)] for one, n in sorted(failed.items(), key=lambda item: (-item[1], item[0]))]
    without = sum(row["outcome"] == "SCREEN_FAILED" and not row["failed_criteria"] for row in rows)
    return [*lines, ["Screen failures without a criterion", str(without)]] if without else lines


def _reasons(rows: list[Cells], column: str, words: dict[str, str]) -> list[list[str]]:
    found = Counter(row[column] for row in rows)
    return [[told, str(found[name])] for name, told in words.items() if found[name]]


# ---------------------------------------------------------------- data quality
MEASURES = ("ENTRY", "QUERY", "ANSWER", "CLOSURE")


def data_quality(files: Files, now: datetime) -> Tables:
    sites = sorted({row["site"] for row in files["subjects"]})
    zones = {row["site"]: ZoneInfo(row["time_zone"]) for row in files["sites"]}
    ages: list[tuple[str, str, int]] = []
    for row in files["queries"]:
        zone = zones[row["site"]]
        age = (now.astimezone(zone).date() - instant(row["opened_at"]).astimezone(zone).date()).days
        ages.append((row["site"], row["state"], next(n for n, last in enumerate((7, 14, 30, 10**6)) if age <= last)))
    visits = [(row["site"], group) for row in files["subjects"] for group in _adherence(files, row, now, zones)]
    return {
        f"{state.capitalize()} queries by age": _by_site(sites, [
            [str(sum(one == (site or one[0], state, place) for one in ages)) for place in range(4)]
            for site in ("", *sites)
        ]) for state in ("OPEN", "ANSWERED")
    } | {
        "Timeliness": _by_site(sites, [
            [_stretch(files["timeliness"], site, measure) for measure in MEASURES] for site in ("", *sites)
        ]),
        "Adherence to visit windows": _by_site(sites, [
            [str(sum(one == (site or one[0], group) for one in visits))
             for group in ("inside", "outside", "not done", "overdue")]
            for site in ("", *sites)
        ]),
    }  # fmt: skip


def _by_site(sites: Sequence[str], lines: list[list[str]]) -> list[list[str]]:
    names = ("All sites", *(f"Site {site}" for site in sites))
    return [[name, *line] for name, line in zip(names, lines, strict=True)]


def _stretch(rows: list[Cells], site: str, measure: str) -> str:
    days = [int(row["days"]) for row in rows if row["measure"] == measure and site in ("", row["site"])]
    if not days:
        return "0 none yet"
    middle = f"{median(map(Decimal, days)).normalize():f}"
    return f"{len(days)} median {middle}, longest {max(days)}"


def _adherence(files: Files, subject: Cells, now: datetime, zones: dict[str, ZoneInfo]) -> list[str]:
    own = {row["visit"]: row for row in files["visits"] if row["subject"] == subject["subject"]}
    met = {row["visit"]: row for row in files["follow_up_contacts"] if row["subject"] == subject["subject"]}
    today, found = now.astimezone(zones[subject["site"]]).date(), list[str]()
    for planned in _planned(files, subject):
        visit, contact = own.get(planned.code), met.get(planned.code)
        on = visit["occurred_on"] if visit else contact["contacted_on"] if contact else ""
        if visit and visit["status"] == "NOT DONE":
            found.append("not done")
        elif on:
            found.append("inside" if planned.opens_on <= day(on) <= planned.closes_on else "outside")
        elif due_state(planned, today, stopped_on=_stopped(files, subject)) is DueState.OVERDUE:
            found.append("overdue")
    return found


def _stopped(files: Files, subject: Cells) -> date | None:
    left = [row["left_on"] for row in files["departures"] if row["subject"] == subject["subject"]]
    failed = [row["failed_on"] for row in files["screen_failures"] if row["subject"] == subject["subject"]]
    return min(map(day, [*left, *failed]), default=None)


def _planned(files: Files, subject: Cells) -> tuple[PlannedVisit, ...]:
    trial = named(subject["protocol_version"])
    day1, ended = (day(text) if (text := subject[name]) else None for name in ("day1_on", "treatment_ended_on"))
    lived = _lived(files, subject["subject"])
    if ended:
        lived = [PhaseInterval(p.phase, p.starts_on, min(p.ends_on or ended, ended)) for p in lived]
    ends = plan_phases(lived, day1, trial)[-1].ends_on if day1 and lived else None
    registered = day(subject["registered_on"]) if subject["registered_on"] else None
    return schedule(Anchors(registered, day1, ends, ended), trial)
