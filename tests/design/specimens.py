"""Sample data for every partial and chart: the pages of the design, with nobody's data in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django import forms

from reporting.matrix import Cell, Column, Row
from tests.design.specimen_charts import all_charts, series
from trialsite import charts as c

D = Decimal
NOW = datetime(2026, 3, 16, 14, 42, tzinfo=UTC)
TODAY = date(2026, 3, 16)

SHELL = {
    "navigation": [
        {"label": label, "url": f"/{label.lower().replace(' ', '-')}/", "active": label == "Subjects", "count": count}
        for label, count in (
            ("My work", 7),
            ("Subjects", None),
            ("Queries", 4),
            ("Lab import", None),
            ("Dashboards", None),
            ("Protocol", 0),
        )
    ],
    "environment_ribbon": "Training environment. Synthetic data only.",
    "build": "0.1.0",
    "person": {
        "printed_name": "Mary Okafor",
        "role_words": "Coordinator",
        "site_words": "Site 01",
        "single_keys": True,
    },
    "session_idle_minutes": 30,
}
TABS = [
    {
        "label": label,
        "url": f"/subjects/x/{label.lower()}/",
        "active": label == "Labs",
        "count": count,
        "is_query": query,
    }
    for label, count, query in (
        ("Overview", None, False),
        ("Visits", None, False),
        ("Labs", None, False),
        ("Response and arm", None, False),
        ("Dosing", None, False),
        ("Adverse events", 4, False),
        ("Follow-up", None, False),
        ("Queries", 2, True),
        ("Audit trail", None, False),
    )
]
HEADER = {
    "subject_number": "01-007",
    "site": "Site 01",
    "sex": "male",
    "age": "66 y at consent",
    "phase": "ind",
    "phase_words": "Anakinra",
    "on_study": "Month 6",
    "on_study_note": "day 181",
    "last_response": "",
    "next_visit": "Month 6",
    "next_visit_note": "by 22 Mar",
    "open_queries": 0,
}
SUBJECT = {**SHELL, "header": HEADER, "tabs": TABS}


# ---------------------------------------------------------------- subject matrix
STATES = dict(
    zip(
        "npdLhcvskx",
        ["none", "planned", "due", "late", "draft", "done", "verified", "signed", "locked", "missed"],
        strict=True,
    )
)
COLUMN_NAMES = [("Scr", "Screening visit"), ("Elig", "Eligibility"), ("Base", "Baseline")]
COLUMN_NAMES += [(f"M{m}", f"Month {m}") for m in range(1, 7)] + [("Resp", "Month 6 response"), ("Arm", "Arm decision")]
COLUMN_NAMES += [(f"M{m}", f"Month {m}") for m in range(7, 13)] + [("All", "Months 13 to 18"), ("All", "Follow-up")]
GROUPS = [
    {"label": label, "span": span}
    for label, span in (
        ("Screening", 3),
        ("Induction", 6),
        ("Decision", 2),
        ("Months 7 to 12", 6),
        ("13–18", 1),
        ("Follow-up", 1),
    )
]
STARTS = {0, 3, 9, 11, 17, 18}
TILES = {17: "13+", 18: "FU"}
COLUMNS = [
    Column(short, short, long, first=index in STARTS, tile=TILES.get(index, ""))
    for index, (short, long) in enumerate(COLUMN_NAMES)
]
ROWS = (
    ("01-001", "ld", "Ana + low-dose dex", "Month 11 visit, due by 26 Mar", "", "vsvvvvvvvvsvvvcdppp"),
    ("01-002", "ld", "Ana + low-dose dex", "Answer 2 queries", "", "vsvvvvvvvvsvcpppppp"),
    ("01-003", "cont", "Anakinra", "Month 9 visit, 24 Mar", "none", "vsvvvvvvvvsvvppppnp"),
    ("01-005", "ld", "Ana + low-dose dex", "Month 7 labs, 6 days overdue", "late", "vsvvvvvvvvsLppppppp"),
    ("01-007", "ind", "Induction", "Finish Month 6 labs (11 of 16)", "", "vsvvvvvchppppppppnp"),
    ("01-008", "hd", "Ana + high-dose dex", "Month 9 visit, due by 20 Mar", "", "vsvvvvxvvvsvvdpppnp"),
    ("01-009", "fu", "Follow-up", "Follow-up 12 months, from 1 Apr", "none", "kskkkkkkkkskkkkkknc"),
    ("01-010", "off", "Off study", "Off study 3 Nov 2025", "none", "kskkkkxnnnnnnnnnnnk"),
    ("01-014", "scr", "Screening", "Eligibility: 11 of 14 answered", "", "chnnnnnnnnnnnnnnnnn"),
)


def _cell(code: str, index: int) -> Cell:
    if code == "n":
        return Cell("none")
    total = (6 if index == 17 else 10) if index in TILES and code != "k" else 0
    return Cell(STATES[code], "/v/", STATES[code], queries=int(index == 11 and code == "v"), total=total)


def _places(codes: str) -> list[tuple[str, int]]:
    return [(code, index) for index, code in enumerate(codes.ljust(len(COLUMNS), "n"))]


def matrix() -> dict[str, object]:
    rows = [
        Row(number, "/s/", mark, words, step, "/n/", urgency, tuple(_cell(*at) for at in _places(codes)))
        for number, mark, words, step, urgency, codes in ROWS
    ]
    segments = [
        {"label": label, "url": "?", "active": label == "All", "count": count}
        for label, count in (("All", 15), ("Needs you", 7), ("Due in 7 days", 4), ("Overdue", 1), ("Open queries", 4))
    ]
    return {**SHELL, "groups": GROUPS, "columns": COLUMNS, "rows": rows, "segments": segments}


# ---------------------------------------------------------------- laboratory grid
def _row(
    key: str, label: str, typed: str, unit: str, low: str, high: str, base: str, previous: str
) -> dict[str, object]:
    value = D(typed.replace(",", "")) if typed else None
    low_, high_, baseline = (D(text) if text else None for text in (low, high, base))
    flag = "h" if value and high_ and value > high_ else "l" if value and low_ and value < low_ else "n"
    return {
        "key": key,
        "label": label,
        "name": key,
        "typed": typed,
        "value": value,
        "unit": unit,
        "low": low_,
        "high": high_,
        "reference": f"{low} to {high}" if low else f"up to {high}" if high else "",
        "flag": flag,
        "baseline": baseline,
        "from_baseline": (value - baseline) / baseline * 100 if value is not None and baseline else None,
        "previous": previous,
        "history_url": "/h/",
    }


def lab_groups() -> list[dict[str, object]]:
    units = [("g/dL", "g/dL", "1"), ("g/L", "g/L", "0.1")]
    spike = _row("serum_m", "Serum M-spike", "2.9", "g/dL", "", "", "3.1", "3.0") | {
        "units": units,
        "unit_name": "serum_m_unit",
        "canonical_unit": "g/dL",
        "nadir": D("2.9"),
        "from_nadir": D(0),
    }
    hemoglobin = _row("hb", "Hemoglobin", "10.1", "g/dL", "13.2", "16.6", "12.4", "12.0") | {
        "check": {
            "words": "Hemoglobin fell 1.9 g/dL since Month 5.",
            "advice": "Check it against the report, then keep or correct it.",
            "name": "keep_hb",
            "confirm": "10.1 g/dL is what the report says",
        }
    }
    platelets = _row("plt", "Platelets", "", "×10⁹/L", "135", "317", "241", "233") | {
        "typed": "nd",
        "missing_words": "Not done: clotted",
        "reason": {
            "name": "plt_reason",
            "choices": [("", "Choose"), ("clotted", "Sample problem")],
            "value": "clotted",
            "words": "platelets",
            "shown": True,
        },
    }
    calcium = _row("ca", "Calcium", "", "mg/dL", "8.6", "10.0", "9.4", "9.3") | {
        "typed": "9,x",
        "error": "Enter a number, or nd, na, unk",
        "autofocus": True,
    }
    ratio = _row("ratio", "Kappa to lambda ratio", "5.30", "calculated", "0.26", "1.65", "5.91", "5.28") | {
        "calculated": True
    }
    return [
        {
            "label": "Myeloma markers",
            "rows": [
                spike,
                _row("pcli", "Plasma cell labeling index", "0.0", "%", "", "", "1.2", "0.2"),
                _row("hs_crp", "hs-CRP", "0.32", "mg/L", "", "2.00", "1.06", "0.41"),
                _row("igg", "IgG", "3,420", "mg/dL", "767", "1590", "3610", "3,405"),
                ratio,
            ],
        },
        {
            "label": "Hematology",
            "rows": [hemoglobin, _row("wbc", "White cells", "5.2", "×10⁹/L", "3.4", "9.6", "6.0", "5.4"), platelets],
        },
        {"label": "Chemistry", "rows": [calcium, _row("ldh", "LDH", "", "U/L", "122", "222", "171", "168")]},
    ]


class PanelForm(forms.Form):
    collected = forms.CharField(
        initial="12 Mar 2026",
        widget=forms.TextInput({"data-date": "", "data-today": "2026-03-16", "data-day1": "2025-09-14"}),
    )
    time = forms.CharField(initial="08:10")
    laboratory = forms.ChoiceField(choices=[("1", "Site 01 central lab (ranges v4)")])
    accession = forms.CharField(initial="S26-114872", required=False)


def lab_entry() -> dict[str, object]:
    return {
        **SUBJECT,
        "form_": PanelForm(),
        "groups": lab_groups(),
        "chart": all_charts()["sparkline"],
        "problems": [("v_ca", "Calcium: enter a number, or nd, na, unk")],
        "has_errors": True,
    }


# ---------------------------------------------------------------- decision, calendar, eligibility, forms, error pages
class SignatureForm(forms.Form):
    password = forms.CharField(widget=forms.PasswordInput({"autocomplete": "current-password"}))
    code = forms.CharField(label="6-digit code", widget=forms.TextInput({"inputmode": "numeric"}))


def decision() -> dict[str, object]:
    steps = [
        {"state": "done", "title": "Data complete", "note": "12 Mar, M. Okafor"},
        {"state": "done", "title": "Response computed", "note": "12 Mar 11:06, rules v1.3"},
        {"state": "now", "title": "Investigator review", "note": "waiting for you"},
        {"state": "todo", "title": "Month 7 schedule", "note": "made after signing"},
    ]
    tested = [
        {
            "name": "Progressive disease",
            "rule": "M-spike up 25% or more from nadir, and by 0.5 g/dL or more",
            "figures": ["+2.9%, +0.1 g/dL (", ("3.5", "/a/"), " → ", ("3.6", "/b/"), ")"],
            "outcome": "not_met",
        },
        {
            "name": "Complete response",
            "rule": "Immunofixation negative, marrow plasma cells under 5%",
            "figures": "Marrow not done",
            "outcome": "indeterminate",
        },
        {"name": "Stable disease", "rule": "None of the above", "figures": "No other category met", "outcome": "met"},
    ]
    signature = {
        "printed_name": "Dr Anna Lindqvist",
        "meaning": "reviewed and approved",
        "signed_at": NOW,
        "broken_at": NOW,
        "broken_because": "serum M-spike was corrected",
    }
    return {**SUBJECT, "steps": steps, "tested": tested, "sign": SignatureForm(), "signature": signature}


def _day(on: date) -> dict[str, object]:
    if on.month != 3:
        return {"outside": True, "number": on.day}
    state = "taken" if on < TODAY else "due" if on == TODAY else "planned"
    missed = on == date(2026, 3, 12)
    doses = [
        {
            "state": "missed" if missed else state,
            "words": "Anakinra missed" if missed else "Anakinra 100",
            "alert": missed,
        }
    ]
    if on.weekday() == 3:
        doses.append({"state": state, "words": "Dex 20", "dex": True})
    return {
        "number": on.day,
        "url": f"?day={on.isoformat()}",
        "label": f"{on:%A} {on.day} March: anakinra {state}",
        "protocol_day": f"M9 D{on.day}",
        "doses": doses,
        "visit": "Month 8 visit" if on.day == 9 else "",
        "selected": missed,
        "today": on == TODAY,
    }


def dosing() -> dict[str, object]:
    first = date(2026, 3, 1)
    weeks = [[_day(first + timedelta(7 * week + day)) for day in range(7)] for week in range(5)]
    names = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    return {
        **SUBJECT,
        "weeks": weeks,
        "weekdays": [(name[:3], name) for name in names],
        "chart": all_charts()["day_strip"],
    }


class CriterionForm(forms.Form):
    answer = forms.ChoiceField(choices=[("yes", "Yes"), ("no", "No"), ("na", "N/A")], widget=forms.RadioSelect)
    note = forms.CharField(required=False, help_text="Say where the source is.", widget=forms.Textarea({"rows": 2}))
    sure = forms.BooleanField(label="Checked against the source")


def eligibility() -> dict[str, object]:
    evidence = ["Marrow ", ("14%", "/m/"), "; IgG M-spike ", ("2.6 g/dL", "/i/")]
    burden = "any one: marrow plasma cells 10% or more; IgG or IgA 3.0 g/dL or more; urine 1 g per 24 h"
    criteria = [
        {
            "key": "a",
            "words": "Disease burden",
            "note": burden,
            "evidence": evidence,
            "outcome": "met",
            "from_data": True,
        },
        {
            "key": "b",
            "words": "Measurable disease",
            "evidence": "M-spike 2.6 g/dL",
            "field": CriterionForm({"b-answer": "yes"}, prefix="b")["answer"],
        },
        {"key": "c", "words": "Can self-inject", "open": True, "field": CriterionForm({}, prefix="c")["answer"]},
        {
            "key": "d",
            "words": "Neutrophils 1,700/mm³ or more",
            "evidence": [("1,140", "/n/"), ", 4 Mar"],
            "outcome": "not_met",
            "from_data": True,
        },
    ]
    return {**SUBJECT, "criteria": criteria, "form": CriterionForm({})}


def dashboard() -> dict[str, object]:
    kpis = [
        {"label": label, "value": value, "note": note, "url": url}
        for label, value, note, url in (
            ("Enrolled", "29", "of 55 planned", ""),
            ("On treatment", "26", "6 in induction", ""),
            ("Minor response or better", "52%", "12 of 23, 95% CI 31 to 73", ""),
            ("Progression-free at 6 months", "88%", "95% CI 66 to 96", ""),
            ("Grade 3 or higher AE", "4", "in 3 subjects", ""),
            ("Waiting for your signature", "2", "oldest 4 days", "/my-work/"),
        )
    ]
    made = all_charts()
    shown = [
        {"id": f"c{i}", "chart": made[name], "sub": "one bar per subject"}
        for i, name in enumerate(("waterfall", "kaplan_meier", "swimmer", "spider", "accrual"))
    ]
    return {**SHELL, "kpis": kpis, "charts": shown}


def overview() -> dict[str, object]:
    made = all_charts()
    minis = [c.small_trend(c.Series(label, "g/dL", series().points)) for label in ("PCLI", "hs-CRP")]
    events = [
        {
            "words": "Mary Okafor changed serum M-spike from 2.9 to 2.7 g/dL.",
            "reason": "transcription error",
            "at": NOW,
            "by": "",
        }
    ]
    pairs = [("Anakinra", "100 mg SC once daily"), ("Since", "8 Jan 2026 (Month 7)")]
    return {
        **SUBJECT,
        "course": made["course"],
        "chart": made["lab_trend"],
        "minis": minis,
        "events": events,
        "pairs": pairs,
    }


#: Specimen page -> its context. The templates lie in tests/design/templates/.
PAGES = {
    "subjects": matrix,
    "lab-entry": lab_entry,
    "subject": overview,
    "decision": decision,
    "dosing": dosing,
    "dashboard": dashboard,
    "eligibility": eligibility,
}
