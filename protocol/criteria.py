"""Response categories at one time point (R-CR, R-SCR, R-VGPR, R-PR, R-MR, R-SD, R-LOWEST, R-DOWN, R-NE).

Every measurable component gives a level; the lowest decides. A critical datum that is missing costs one level.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from protocol.baseline import DFLC, IGA, MARROW, SERUM, SPD, URINE, Quantity, Reading, number
from protocol.derived import falls_by, reduction
from protocol.explain import Input, Test, all_of, as_input, outcome, percent, plain
from protocol.view import View
from protocol.vocabulary import Analyte, Component, CriterionOutcome, Response, rank

#: Levels a component can give, lowest first.
LADDER = (Response.SD, Response.MR, Response.PR, Response.VGPR)
SERUM_NAME, URINE_NAME, MARROW_NAME = "serum_m_g_dl", "urine_m_mg_24h", "bm_pc_pct"
RATIO_NAME, CLONAL_NAME, SPD_NAME = "flc_ratio", "bm_clonal", "plasmacytoma_spd"


@dataclass(frozen=True)
class Graded:
    """The level that one component gives; None if its datum is missing. `cap` limits without being measurable."""

    level: Response | None
    missing: str
    tests: tuple[Test, ...]
    cap: bool = False


@dataclass(frozen=True)
class Assessed:
    """Response at a time point before progression is considered."""

    response: Response
    tests: tuple[Test, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One rung of a component: the level it gives, whether it is reached, and the rule in words."""

    level: Response
    met: bool
    words: str


def best_response(view: View) -> Assessed:
    """The best response that this sample supports, with every criterion tested in order."""
    complete, complete_test, cr_missing = _complete(view)
    if complete:
        stringent, test, missing = _stringent(view)
        return Assessed(Response.SCR if stringent else Response.CR, (complete_test, test), missing)
    levels = _by_levels(view)
    missing = levels.missing
    if complete is None and levels.response is Response.VGPR:
        missing = cr_missing
    return Assessed(levels.response, (complete_test, *levels.tests), tuple(sorted(missing)))


def _complete(view: View) -> tuple[bool | None, Test, tuple[str, ...]]:
    """R-CR. An M-spike above 0 excludes it whatever immunofixation says."""
    marrow = view.marrow()
    cells = number(marrow.values, Analyte.BM_PC) if marrow else None
    conditions: dict[str, bool | None] = {
        "sife": view.is_negative(Analyte.SERUM_IFE),
        "uife": view.is_negative(Analyte.URINE_IFE),
        SERUM_NAME: _serum_is_gone(view),
        URINE_NAME: _is_gone(view.now(URINE), needed=False),
        MARROW_NAME: None if cells is None else cells < view.criteria.marrow_cr_below,
        SPD_NAME: _no_plasmacytoma(view),
    }
    if view.measures(Component.FLC):
        conditions[RATIO_NAME] = view.ratio_is_normal()
    unmeasured = {name for name, quantity in ((SERUM_NAME, SERUM), (URINE_NAME, URINE)) if view.now(quantity) is None}
    met = all_of(conditions.values())
    missing = tuple(name for name, known in conditions.items() if known is None)
    words = "Serum and urine immunofixation negative, no M-spike, no plasmacytoma, marrow plasma cells below 5 %" + (
        ", normal light chain ratio" if view.measures(Component.FLC) else ""
    )
    inputs = _inputs(view, Analyte.SERUM_IFE, Analyte.URINE_IFE, Analyte.SERUM_M, Analyte.URINE_M)
    inputs += (as_input(marrow.values[Analyte.BM_PC]),) if marrow else ()
    return (
        met,
        Test("R-CR", words, outcome(met), _state(conditions, unmeasured), inputs, ("marrow < 5 %",), missing),
        missing,
    )


def _stringent(view: View) -> tuple[bool | None, Test, tuple[str, ...]]:
    """R-SCR on top of complete response."""
    marrow = view.marrow()
    clonal = marrow.values.get(Analyte.BM_CLONAL) if marrow else None
    conditions = {
        RATIO_NAME: view.ratio_is_normal(),
        CLONAL_NAME: {"neg": True, "pos": False}.get(clonal.coded) if clonal else None,
    }
    met = all_of(conditions.values())
    missing = tuple(sorted(name for name, known in conditions.items() if known is None)) if met is None else ()
    words = "Complete response with light chain ratio 0.26 to 1.65 and no clonal plasma cells"
    inputs = _inputs(view, Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA) + ((as_input(clonal),) if clonal else ())
    limits = view.trial.measurable
    thresholds = (f"ratio {plain(limits.ratio_low)} to {plain(limits.ratio_high)}",)
    return met, Test("R-SCR", words, outcome(met), _state(conditions), inputs, thresholds, missing), missing


def _serum_is_gone(view: View) -> bool | None:
    """No M-spike. Quantitative IgA never falls to 0: beside it a reported M-spike decides, if there is one."""
    needed = view.measures(Component.SERUM)
    followed = view.now(view.serum)
    if view.serum is IGA and followed is not None:
        return _is_gone(view.m_spike(), needed=False)
    return _is_gone(followed, needed=needed)


def _is_gone(reading: Reading | None, *, needed: bool) -> bool | None:
    if reading is None:
        return None if needed else True
    return _not_quantifiable(reading)


def _not_quantifiable(reading: Reading) -> bool:
    return reading.value == 0 or reading.censored


def _no_plasmacytoma(view: View) -> bool | None:
    finding = view.finding
    if finding is not None and (finding.plasmacytoma_present or finding.plasmacytoma_spd):
        return False
    if not view.baseline.has_plasmacytoma:
        return True
    last = _last_spd(view)
    return None if last is None else last.value == 0


def _state(conditions: Mapping[str, bool | None], unmeasured: Collection[str] = ()) -> str:
    """Each condition and whether it holds. What holds although nobody measured it is said to be not needed."""
    words = {True: "yes", False: "no", None: "missing"}
    return ", ".join(
        f"{name}: {'not measured, not needed' if known and name in unmeasured else words[known]}"
        for name, known in conditions.items()
    )


def _inputs(view: View, *analytes: Analyte) -> tuple[Input, ...]:
    return tuple(as_input(m) for analyte in analytes if (m := view.result(analyte)) is not None)


def _by_levels(view: View) -> Assessed:
    """R-LOWEST, R-DOWN and R-NE over the measurable components and the limits beside them."""
    measured = tuple(_measured(view))
    graded = (*measured, *_limits(view))
    tests = tuple(test for g in graded for test in g.tests)
    present = [g.level for g in measured if g.level is not None]
    absent = tuple(sorted(g.missing for g in graded if g.level is None))
    if not present:
        return Assessed(Response.NE, (*tests, _closing(Response.NE, absent)), absent)
    level = min((g.level for g in graded if g.level is not None), key=rank)
    costs = absent or _urine_for_vgpr(view, level)
    lowered = _lower(level, view) if costs else level
    missing = costs if lowered is not level else ()
    return Assessed(lowered, (*tests, _closing(lowered, missing)), missing)


def _lower(level: Response, view: View) -> Response:
    """One level down, stepping over MR where the criteria do not have it; SD is the floor."""
    lower = LADDER[max(LADDER.index(level) - 1, 0)]
    return Response.SD if lower is Response.MR and not view.criteria.has_mr else lower


def _urine_for_vgpr(view: View, level: Response) -> tuple[str, ...]:
    """VGPR rests on urine below 100 mg/24 h, also where urine is not measurable; light chains alone do not."""
    rests = level is Response.VGPR and view.measures(Component.SERUM)
    return (URINE_NAME,) if rests and view.now(URINE) is None else ()


def _closing(response: Response, missing: tuple[str, ...]) -> Test:
    words = {
        Response.NE: "Not evaluable: no measurable component is available and nothing shows progression",
        Response.SD: "Stable disease: no other category is met",
    }.get(response, "Lowest component decides; a critical datum that is missing costs one level")
    rule = {Response.NE: "R-NE", Response.SD: "R-SD"}.get(response, "R-DOWN" if missing else "R-LOWEST")
    return Test(rule, words, CriterionOutcome.MET, response.value, missing=missing)


def _measured(view: View) -> Iterator[Graded]:
    c = view.criteria
    if view.measures(Component.SERUM):
        rungs = ((Response.VGPR, c.vgpr_pct), (Response.PR, c.pr_pct), (Response.MR, c.mr_pct))
        yield _graded(view, view.serum, SERUM_NAME, rungs)
    if view.measures(Component.URINE):
        yield _urine(view)
    if view.measures(Component.FLC):
        yield _graded(view, DFLC, RATIO_NAME, ((Response.VGPR, c.vgpr_pct), (Response.PR, c.pr_pct)))
    if view.measures(Component.MARROW):
        minimal = ((Response.MR, c.marrow_mr_pct),) if c.marrow_mr_pct is not None else ()
        yield _graded(view, MARROW, MARROW_NAME, ((Response.PR, c.pr_pct), *minimal))


def _graded(view: View, quantity: Quantity, name: str, rungs: tuple[tuple[Response, Decimal], ...]) -> Graded:
    """A component judged by its percent reduction from baseline."""
    now, base = view.now(quantity), view.at_baseline(quantity)
    if now is None or base is None:
        return Graded(None, name, (_absent(quantity),))
    steps = [
        Step(
            level,
            falls_by(base.value, now.value, pct) or (level is Response.VGPR and _not_quantifiable(now)),
            f"{quantity.name} down by at least {plain(pct)} % from baseline",
        )
        for level, pct in rungs
    ]
    figures = f"{plain(now.value)} against baseline {plain(base.value)} {quantity.unit}: "
    figures += f"reduction {percent(reduction(base.value, now.value))}"
    return _climb(view, name, steps, figures, now.inputs + base.inputs)


def _urine(view: View) -> Graded:
    """Urine where it is measurable at baseline."""
    c, now, base = view.criteria, view.now(URINE), view.at_baseline(URINE)
    if now is None or base is None:
        return Graded(None, URINE_NAME, (_absent(URINE),))
    steps = [
        Step(Response.VGPR, _below(now, c.urine_vgpr_below), "Urine M-protein below 100 mg/24 h"),
        Step(
            Response.PR,
            falls_by(base.value, now.value, c.urine_pr_pct) or _below(now, c.urine_pr_below),
            "Urine M-protein down by at least 90 % or below 200 mg/24 h",
        ),
        Step(
            Response.MR,
            falls_by(base.value, now.value, c.urine_mr_pct),
            "Urine M-protein down by at least 50 %",
        ),
    ]
    figures = f"{plain(now.value)} against baseline {plain(base.value)} mg/24 h: "
    figures += f"reduction {percent(reduction(base.value, now.value))}"
    return _climb(view, URINE_NAME, steps, figures, now.inputs + base.inputs)


def _limits(view: View) -> Iterator[Graded]:
    """What limits the response without being a measurable component: some urine protein, a plasmacytoma."""
    c, now = view.criteria, view.now(URINE)
    if now is not None and not view.measures(Component.URINE):
        steps = [
            Step(Response.VGPR, _below(now, c.urine_vgpr_below), "Urine M-protein below 100 mg/24 h: no limit"),
            Step(Response.PR, _below(now, c.urine_pr_below), "Urine M-protein 100 to 199 mg/24 h: at most PR"),
        ]
        yield _climb(view, URINE_NAME, steps, f"{plain(now.value)} mg/24 h", now.inputs)
    if view.baseline.has_plasmacytoma:
        yield _plasmacytoma(view)


def _plasmacytoma(view: View) -> Graded:
    c, now, base = view.criteria, _last_spd(view), view.at_baseline(SPD)
    if now is None or base is None:
        return Graded(None, SPD_NAME, (_absent(SPD),))
    steps = [
        Step(
            Response.VGPR, falls_by(base.value, now.value, c.pr_pct), "Plasmacytoma SPD down by 50 % or more: no limit"
        ),
        Step(
            Response.MR,
            falls_by(base.value, now.value, c.mr_plasmacytoma_pct),
            f"Plasmacytoma SPD down by at least {plain(c.mr_plasmacytoma_pct)} %: at most MR",
        ),
    ]
    figures = f"{plain(now.value)} against baseline {plain(base.value)} mm2"
    return _climb(view, SPD_NAME, steps, figures, now.inputs + base.inputs)


def _last_spd(view: View) -> Reading | None:
    """The plasmacytoma as last measured since baseline; imaging is not repeated at every visit."""
    samples = (*view.earlier, view.sample)
    readings = (SPD.read(s.values, s.finding, view.baseline) for s in reversed(samples))
    return next((r for r in readings if r is not None), None)


def _below(reading: Reading, limit: Decimal) -> bool:
    return reading.value < limit or (reading.censored and reading.value <= limit)


def _absent(quantity: Quantity) -> Test:
    return Test(
        "R-DOWN",
        f"{quantity.name} is measurable at baseline and is needed here",
        CriterionOutcome.INDETERMINATE,
        f"{quantity.name} is missing",
        missing=(quantity.name,),
    )


def _climb(view: View, name: str, steps: list[Step], figures: str, inputs: tuple[Input, ...]) -> Graded:
    """The first rung that is reached, from the top; the tests stop there."""
    tests: list[Test] = []
    for step in steps:
        if step.level is Response.MR and not view.criteria.has_mr:
            continue
        tests.append(Test(f"R-{step.level.value}", step.words, outcome(step.met), figures, inputs))
        if step.met:
            return Graded(step.level, name, tuple(tests))
    return Graded(Response.SD, name, tuple(tests))
