"""The states of the protocol and the roads between them, drawn from its table of transitions.

Where a state stands is a matter of drawing and is decided here; which roads there are is the protocol's. A road that
leads out of every treatment phase leaves their frame once, and one out of every open state leaves the outer frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import hypot

from django.utils.safestring import SafeString

from protocol.schema import Transition
from protocol.vocabulary import TERMINAL_PHASES, TREATMENT_PHASES, Phase
from trialsite.charts.draw import Frame, coordinate, element, path, svg, text
from trialsite.charts.shapes import Chart

Place = tuple[Decimal, Decimal]


@dataclass(frozen=True)
class Node:
    """One state: its words in at most two lines, its mark, and its places on the wide and on the narrow grid."""

    words: tuple[str, ...]
    look: str
    wide: Place
    narrow: Place


def _node(words: str, look: str, wide: str, narrow: str) -> Node:
    places = [(Decimal(x), Decimal(y)) for x, y in (wide.split(), narrow.split())]
    return Node(tuple(words.split("|")), look, *places)


NODES: Mapping[Phase, Node] = {
    Phase.SCREENING: _node("Screening", "scr", "0 1", "1 0"),
    Phase.SCREEN_FAILED: _node("Screen|failed", "off", "0 3.2", "2.2 0"),
    Phase.ENROLLED: _node("Enrolled", "scr", "1.1 1", "1 0.9"),
    Phase.OFF_STUDY: _node("Off study", "off", "1.1 3.2", "2.2 0.9"),
    Phase.INDUCTION: _node("Induction|months 1-6", "ind", "2.3 1", "1 2"),
    Phase.ANAKINRA_ONLY: _node("Anakinra alone|months 7-12", "cont", "3.4 0", "0 3.2"),
    Phase.LOW_DEX_7_12: _node("Low-dose dex|months 7-12", "ld", "3.4 1", "1 3.2"),
    Phase.LOW_DEX_13_18: _node("Low-dose dex|months 13-18", "ld", "4.5 1", "1 4.4"),
    Phase.HIGH_DEX: _node("High-dose dex|six months", "hd", "4.5 2", "2 4.4"),
    Phase.EXTENSION: _node("Extension", "cont", "5.6 0.4", "0.6 5.6"),
    Phase.FOLLOW_UP: _node("Follow-up", "fu", "6.85 1", "1 6.7"),
    Phase.COMPLETED: _node("Completed", "off", "6.85 3.2", "2.2 6.7"),
    Phase.WITHDRAWN: _node("Withdrawn", "off", "2.85 3.2", "0 7.8"),
    Phase.LOST: _node("Lost to|follow-up", "off", "3.95 3.2", "1 7.8"),
    Phase.DEAD: _node("Dead", "off", "5.05 3.2", "2 7.8"),
}
ON_TREATMENT = frozenset(TREATMENT_PHASES)
#: Targets of roads out of the outer frame: whoever is in the trial can leave it so.
LONG = 100
DEPARTURES = frozenset({Phase.WITHDRAWN, Phase.LOST, Phase.DEAD})


@dataclass(frozen=True)
class Sheet:
    """One drawing: its size, the size of a box, the distance of two places, and the margin inside its frames."""

    frame: Frame
    box: tuple[int, int]
    step: tuple[int, int]
    start: tuple[int, int]
    margin: tuple[int, int]

    def centre(self, node: Node) -> Place:
        x, y = node.wide if self.frame.is_wide else node.narrow
        return self.start[0] + x * self.step[0], self.start[1] + y * self.step[1]

    def frame_round(self, phases: Iterable[Phase], margin: int) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Left, top, right and bottom of a frame round these states."""
        centres = [self.centre(NODES[phase]) for phase in phases]
        half_x, half_y = Decimal(self.box[0]) / 2 + margin, Decimal(self.box[1]) / 2 + margin
        left, right = min(x for x, _ in centres) - half_x, max(x for x, _ in centres) + half_x
        return left, min(y for _, y in centres) - half_y, right, max(y for _, y in centres) + half_y


WIDE = Sheet(Frame(940, 336), (96, 38), (117, 78), (69, 46), (10, 20))
NARROW = Sheet(Frame(350, 646), (86, 34), (114, 76), (54, 32), (6, 11))


def state_diagram(transitions: Sequence[Transition]) -> Chart:
    """Every state and every road; the words of the roads stand in the table."""
    rows = tuple((road.rule, _name(road.source), _name(road.target), road.words) for road in transitions)
    wide, narrow = (_draw(sheet, transitions) for sheet in (WIDE, NARROW))
    return Chart("States and the roads between them", wide, narrow, ("Rule", "From", "To", "When"), rows)


def _name(phase: Phase) -> str:
    return ", ".join(NODES[phase].words)


def single_roads(transitions: Iterable[Transition]) -> dict[tuple[Phase, Phase], list[str]]:
    """Roads that are drawn from box to box, each with its rules."""
    found: dict[tuple[Phase, Phase], list[str]] = {}
    for road in transitions:
        if not _leaves_a_frame(road):
            found.setdefault((road.source, road.target), []).append(road.rule)
    return found


def _leaves_a_frame(road: Transition) -> bool:
    out_of_treatment = road.source in ON_TREATMENT and road.target is Phase.FOLLOW_UP
    return out_of_treatment or road.target in DEPARTURES


def _draw(sheet: Sheet, transitions: Sequence[Transition]) -> SafeString:
    parts = [*_frames(sheet, transitions)]
    both_ways = single_roads(transitions)
    for (source, target), rules in both_ways.items():
        aside = Decimal(7) if (target, source) in both_ways else Decimal(0)
        words = ", ".join(rules)
        parts += _loop(sheet, source, words) if source is target else _road(sheet, source, target, words, aside)
    for phase, node in NODES.items():
        parts += _box(sheet, phase, node)
    return svg(sheet.frame, "States and the roads between them", _summary(transitions), parts)


def _summary(transitions: Sequence[Transition]) -> str:
    return f"{len(NODES)} states and {len(transitions)} transitions; each is listed in the table below."


def _frames(sheet: Sheet, transitions: Sequence[Transition]) -> list[SafeString]:
    """The frame round treatment with its road to follow-up, and the outer one with the roads out of the trial."""
    treatment = sheet.frame_round(TREATMENT_PHASES, sheet.margin[0])
    in_trial = sheet.frame_round([p for p in NODES if p not in TERMINAL_PHASES], sheet.margin[1])
    drawn = [_rounded(in_trial, "ref2 open"), _rounded(treatment, "ref shade")]
    ways = [(treatment, Phase.FOLLOW_UP), *((in_trial, phase) for phase in sorted(DEPARTURES))]
    for sides, target in ways:
        drawn += _labelled(_onto(sides, sheet, target), _edge(sheet, target, sides), _rules(transitions, target))
    return drawn


def _rules(transitions: Iterable[Transition], target: Phase) -> str:
    leaving = (road.rule for road in transitions if road.target is target and _leaves_a_frame(road))
    return ", ".join(dict.fromkeys(leaving))


def _rounded(sides: tuple[Decimal, Decimal, Decimal, Decimal], look: str) -> SafeString:
    left, top, right, bottom = sides
    place = {"x": left, "y": top, "width": right - left, "height": bottom - top, "rx": 8, "class": look}
    return element("rect", place)


def _onto(sides: tuple[Decimal, Decimal, Decimal, Decimal], sheet: Sheet, phase: Phase) -> Place:
    """The point of a frame that is nearest to a state outside it."""
    (x, y), (left, top, right, bottom) = sheet.centre(NODES[phase]), sides
    return min(max(x, left), right), min(max(y, top), bottom)


def _edge(sheet: Sheet, phase: Phase, sides: tuple[Decimal, Decimal, Decimal, Decimal]) -> Place:
    return _border(sheet, phase, _onto(sides, sheet, phase))


def _border(sheet: Sheet, phase: Phase, towards: Place) -> Place:
    """Where the line from a box's centre towards a point crosses its border."""
    (x, y), half_x, half_y = sheet.centre(NODES[phase]), Decimal(sheet.box[0]) / 2, Decimal(sheet.box[1]) / 2
    dx, dy = towards[0] - x, towards[1] - y
    share = min(half_x / abs(dx) if dx else Decimal(9), half_y / abs(dy) if dy else Decimal(9))
    return x + dx * share, y + dy * share


def _road(sheet: Sheet, source: Phase, target: Phase, words: str, aside: Decimal) -> list[SafeString]:
    """An arrow from box to box; `aside` keeps two roads between the same states apart."""
    (x1, y1), (x2, y2) = sheet.centre(NODES[source]), sheet.centre(NODES[target])
    length = Decimal(str(hypot(x2 - x1, y2 - y1)))
    across = (-(y2 - y1) / length * aside, (x2 - x1) / length * aside)
    begin, end = _border(sheet, source, (x2, y2)), _border(sheet, target, (x1, y1))
    begin, end = (begin[0] + across[0], begin[1] + across[1]), (end[0] + across[0], end[1] + across[1])
    return _labelled(begin, end, words)


def _loop(sheet: Sheet, phase: Phase, words: str) -> list[SafeString]:
    """A road that leads back to where it began, over the upper side of the box."""
    x, y = sheet.centre(NODES[phase])
    top = y - Decimal(sheet.box[1]) / 2
    bow = f"M{coordinate(x - 16)} {coordinate(top)}c0 -22 32 -22 32 -4"
    return [path(bow, "line k-ink"), _head((x + 16, top - 4), (x + 16, top)), _label(x, top - 25, words)]


def _labelled(begin: Place, end: Place, words: str) -> list[SafeString]:
    """An arrow with its rule beside it: above a flat one, below a falling one, to the right of a steep one.

    A long one, which may cross others, carries it near its beginning.
    """
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    share = Decimal("0.28" if hypot(dx, dy) > LONG else "0.52")
    x, y = begin[0] + dx * share, begin[1] + dy * share
    is_flat = abs(dx) > 2 * abs(dy)
    return [
        *_arrow(begin, end),
        _label(x, y - 8 if dy < 5 else y + 11, words) if is_flat else _label(x + 5, y, words, "start"),
    ]


def _arrow(begin: Place, end: Place) -> list[SafeString]:
    line = f"M{coordinate(begin[0])} {coordinate(begin[1])}L{coordinate(end[0])} {coordinate(end[1])}"
    return [path(line, "line k-ink"), _head(begin, end)]


def _head(begin: Place, end: Place) -> SafeString:
    """The head of an arrow: 7 px long, 6 px wide."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    length = Decimal(str(hypot(dx, dy))) or Decimal(1)
    ux, uy = dx / length, dy / length
    foot = end[0] - 7 * ux, end[1] - 7 * uy
    left, right = (foot[0] - 3 * uy, foot[1] + 3 * ux), (foot[0] + 3 * uy, foot[1] - 3 * ux)
    points = "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in (end, left, right))
    return path(f"M{points}z", "c-ink")


def _label(x: Decimal, y: Decimal, words: str, anchor: str = "middle") -> SafeString:
    return text(x, y + 4, words, "t-b", anchor)


def _box(sheet: Sheet, phase: Phase, node: Node) -> list[SafeString]:
    (x, y), (width, height) = sheet.centre(node), sheet.box
    place = {"x": x - Decimal(width) / 2, "y": y - Decimal(height) / 2, "width": width, "height": height, "rx": 5}
    look = f"c-{node.look}" if phase not in TERMINAL_PHASES else "c-off"
    first = y + 4 - Decimal("6.5") * (len(node.words) - 1)
    on = f"t-on k-on-{node.look}" if node.look in ("cont", "hd") else "t-on"
    lines = [text(x, first + 13 * i, line, on, "middle") for i, line in enumerate(node.words)]
    return [element("rect", {**place, "class": look}), *lines]
