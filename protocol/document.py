"""The protocol as a document: Markdown for the repository (`manage.py generate_docs`), plain HTML for the page."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from protocol.dose_rules import DoseRule
from protocol.explain import plain
from protocol.schema import AnalyteSpec, Protocol
from protocol.trial import COLUMN_LABELS, COLUMNS
from protocol.vitals import PLAUSIBLE, WEIGHT_CHANGE_PCT
from protocol.vocabulary import TERMINAL_PHASES, TREATMENT_PHASES, Phase
from protocol.words import parameter_value

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A heading, an introduction and a table; `diagram` is Mermaid source for Markdown; the page draws it itself.

    `names`: how many cells from the left name a row.
    """

    heading: str
    intro: str
    head: Row
    rows: tuple[Row, ...]
    diagram: str = ""
    names: int = 1

    @property
    def anchor(self) -> str:
        return self.heading.lower().replace(",", "").replace(" ", "-")


def markdown(trial: Protocol) -> str:
    """The protocol as Markdown, with the state diagram in Mermaid."""
    parts = [f"# {trial.title}\n\nProtocol {trial.id}, version {trial.version}. This page is made from `protocol/`."]
    parts += [_as_markdown(section) for section in sections(trial)]
    return "\n\n".join(parts) + "\n"


def html(trial: Protocol) -> str:
    """The protocol as HTML fragments without style, script or image; sections carry anchors."""
    return "\n".join(_as_html(section) for section in sections(trial))


def sections(trial: Protocol) -> tuple[Table, ...]:
    """Every section of the document as data."""
    return (
        Table("Facts", "", ("Fact", "Value"), tuple(trial.facts.items())),
        _schedule(trial),
        _slots(trial),
        _phases(trial),
        _regimens(trial),
        _dose_rules(trial),
        Table(
            "Response rules in words",
            "Tested in this order; progression comes first.",
            _RULE_HEAD,
            _rules(trial),
            names=2,
        ),
        _versions(trial),
        Table(
            "Eligibility criteria",
            "Each is met, not met or indeterminate; missing evidence is indeterminate and blocks registration.",
            ("Id", "Criterion", "Source", "Confirmed"),
            tuple((c.id, c.words, c.source, _yes(c.confirmed)) for c in trial.criteria),
        ),
        Table(
            "Parameters",
            "What no source fixes is marked as not confirmed until the study owner signs it.",
            ("Parameter", "Value", "Source", "Confirmed", "Why"),
            tuple((p.label, parameter_value(p), p.source, _yes(p.confirmed), p.why) for p in trial.parameters.values()),
        ),
        _laboratory(trial),
        Table(
            "Vital signs",
            f"Outside these, and where the weight changed by more than {plain(WEIGHT_CHANGE_PCT)} % since it was last "
            "measured, the value is asked about.",
            ("Measured", "Unit", "Expected", "Source", "Confirmed"),
            tuple(
                (one.label, one.unit, f"{plain(one.low)} to {plain(one.high)}", one.source, _yes(one.confirmed))
                for one in PLAUSIBLE.values()
            ),
        ),
    )


_RULE_HEAD = ("Rule", "Category", "In words")


def _yes(confirmed: object) -> str:
    return "yes" if confirmed else "not confirmed"


def _schedule(trial: Protocol) -> Table:
    rows = tuple(
        (item.label, *(item.cells[c].value if c in item.cells else "" for c in COLUMNS), item.condition)
        for item in trial.items
    )
    intro = "X required, o optional, if: on the condition in the last column."
    return Table("Schedule of events", intro, ("Item", *COLUMNS, "Condition"), rows)


def _slots(trial: Protocol) -> Table:
    rows = tuple(
        (s.code, s.label, COLUMN_LABELS[s.column], f"{s.opens:+d} to {s.closes:+d} days") for s in trial.schedule
    )
    return Table("Visit windows", "Targets count from Day 1.", ("Code", "Visit", "Column", "Window"), rows)


def _phases(trial: Protocol) -> Table:
    rows = tuple((t.source.value, t.target.value, t.rule, t.words) for t in trial.transitions)
    intro = "A machine proposes; only an investigator's signature moves a subject."
    return Table("Phases and transitions", intro, ("From", "To", "Rule", "When"), rows, _diagram(trial), names=3)


def _diagram(trial: Protocol) -> str:
    moves = [f"    {t.source.value} --> {t.target.value}: {t.rule}" for t in trial.transitions]
    ends = [f"    {phase.value} --> [*]" for phase in TERMINAL_PHASES]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {Phase.SCREENING.value}", *moves, *ends])


def _regimens(trial: Protocol) -> Table:
    def dose(name: str) -> str:
        parameter = trial.parameters[name]
        mark = "" if parameter.confirmed else " (not confirmed)"
        return f"{parameter.value} {parameter.unit}{mark}"

    rows = tuple((r.phase.value, r.drug.value, dose(r.mg_parameter), r.rhythm) for r in trial.regimens)
    return Table("Regimens", "", ("Phase", "Drug", "Dose", "Rhythm"), rows, names=2)


def _dose_rules(trial: Protocol) -> Table:
    rows = tuple(
        (r.id, r.drug.value, _suggested(r), r.when, ", ".join(phase.value for phase in _named_phases(r)), r.source,
         _yes(r.confirmed))
        for r in trial.dose_rules
    )  # fmt: skip
    intro = "Suggestions that warn and never act: a person records an order to hold, reduce or stop, or does not."
    head = ("Rule", "Drug", "Suggestion", "When", "Phases", "Source", "Confirmed")
    return Table("Dose modification", intro, head, rows)


def _suggested(rule: DoseRule) -> str:
    steps = f" ({', '.join(map(str, rule.steps))} mg)" if rule.steps else ""
    return f"{rule.words}{steps}"


def _named_phases(rule: DoseRule) -> tuple[Phase, ...]:
    """Nothing is named where a rule holds in every phase of treatment."""
    return () if rule.phases == TREATMENT_PHASES else rule.phases


def _rules(trial: Protocol) -> tuple[Row, ...]:
    c, m = trial.response_version, trial.measurable
    low, high = plain(m.ratio_low), plain(m.ratio_high)
    chain = f"{m.flc_involved} mg/L with ratio outside {low}-{high}; else marrow from {m.marrow} %"
    high_m = f"; or {c.pd_serum_high_rise} g/dL above a {c.high_m_reference.lower()} of {c.pd_serum_high_from} or more"
    return (
        (
            "R-MEAS",
            "Measurable",
            f"Serum M from {m.serum_m} g/dL; urine M from {m.urine_m} mg/24 h; else involved light chain from {chain}",
        ),
        (
            "R-PD-S",
            "PD",
            f"Serum at least 25 % and {c.pd_serum_rise} g/dL above nadir{high_m if c.high_m_reference else ''}",
        ),
        ("R-PD-U", "PD", f"Urine at least 25 % and {c.pd_urine_rise} mg/24 h above nadir"),
        ("R-PD-F", "PD", f"dFLC at least 25 % and more than {c.pd_flc_rise} mg/L above nadir; not if S or U"),
        ("R-PD-BM", "PD", _MARROW_PD[c.marrow_pd].format(points=c.pd_marrow_points)),
        ("R-PD-LES", "PD", "New or enlarged bone lesion; new or grown plasmacytoma; no confirmation needed"),
        ("R-CR", "CR", f"Both immunofixations negative, no plasmacytoma, marrow below {c.marrow_cr_below} %"),
        ("R-SCR", "sCR", f"CR with ratio {low}-{high} and no clonal plasma cells"),
        ("R-VGPR", "VGPR", f"Serum down by {c.vgpr_pct} % and urine below {c.urine_vgpr_below} mg/24 h"),
        ("R-PR", "PR", f"Serum down by {c.pr_pct} % and urine down by {c.urine_pr_pct} % or below {c.urine_pr_below}"),
        ("R-MR", "MR", f"Serum down by {c.mr_pct} % and urine down by {c.urine_mr_pct} %"),
        ("R-SD", "SD", "None of the above"),
        ("R-NE", "NE", "No measurable component is available and nothing shows progression"),
        ("R-LOWEST", "all", "The lowest of the measurable components decides"),
        ("R-DOWN", "all", "A critical datum that is missing costs one level; SD is the floor"),
        ("R-BMCF", "CR, sCR", f"Marrow is carried forward {trial.config.bm_valid_days} days, post-baseline only"),
        (
            "R-CONF",
            "all",
            f"A response or a biochemical progression needs the next evaluable sample to stand{_apart(trial)}",
        ),
        ("R-MDE", "active", "A threshold of C, R, A or B crossed and attributed by the investigator"),
    )


_MARROW_PD = {
    "RISE": "Marrow at least 25 % and {points} points above nadir; only if not S, U or F",
    "ABSOLUTE": "Marrow of at least {points} % and 25 % above nadir; only if not S, U or F",
    "": "Marrow progression is not part of these criteria",
}


def _apart(trial: Protocol) -> str:
    days = max(trial.config.confirmation_min_days, trial.response_version.confirmation_min_days)
    return f"; a response is confirmed by one at least {days} days later" if days else ""


def _versions(trial: Protocol) -> Table:
    versions = tuple(trial.response_criteria.values())
    rows = tuple(
        (
            v.title,
            "yes" if v.version is trial.config.criteria_version else "no",
            "yes" if v.has_mr else "no",
            f"{v.confirmation_min_days} days apart" if v.confirmation_min_days else "two samples",
            v.high_m_reference.lower() or "not used",
            v.marrow_pd.lower() or "not used",
            f"above {v.calcium_pd_above} mg/dL" if v.calcium_pd_above else "clinical relapse",
            "yes" if v.circulating_pd else "no",
            ", ".join(v.unconfirmed),
        )
        for v in versions
    )
    head = (
        "Version",
        "In force",
        "MR",
        "Confirmation",
        "+1 g/dL by",
        "Marrow PD",
        "Calcium PD",
        "Circulating",
        "Not confirmed",
    )
    return Table("Response criteria by version", "", head, rows)


def _laboratory(trial: Protocol) -> Table:
    rows = tuple(_analyte(spec) for spec in trial.analytes.values())
    head = ("Analyte", "Code", "LOINC", "Unit", "Also accepted", "Plausible")
    return Table("Laboratory dictionary", "", head, rows)


def _analyte(spec: AnalyteSpec) -> Row:
    plausible = " to ".join(plain(limit) for limit in spec.plausible) if spec.plausible else ", ".join(spec.coded)
    return (spec.label, spec.analyte.value, spec.loinc, spec.unit, ", ".join(spec.units[1:]), plausible)


def _as_markdown(table: Table) -> str:
    return "\n\n".join(_markdown_parts(table))


def _markdown_parts(table: Table) -> Iterator[str]:
    yield f"## {table.heading}"
    if table.intro:
        yield table.intro
    if table.diagram:
        yield f"```mermaid\n{table.diagram}\n```"
    lines = [table.head, tuple("---" for _ in table.head), *table.rows]
    yield "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _as_html(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    body = "\n".join(_html_row(row) for row in table.rows)
    intro = f"<p>{escape(table.intro)}</p>\n" if table.intro else ""
    return (
        f'<section id="{table.anchor}" aria-labelledby="{table.anchor}-heading">\n'
        f'<h2 id="{table.anchor}-heading">{escape(table.heading)}</h2>\n{intro}'
        f'<div class="table-scroll" tabindex="0" role="region" aria-labelledby="{table.anchor}-heading">\n'
        f'<table class="table">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>\n</section>"
    )


def _html_row(row: Row) -> str:
    first, *rest = row
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{escape(first)}</th>{cells}</tr>'
