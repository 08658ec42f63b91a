"""Tags and filters of every page: icons, states, phases, dates, numbers, form fields and problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from zoneinfo import ZoneInfo

from django import forms, template
from django.forms.boundfield import BoundField
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from trialsite.days import two_readings
from trialsite.free_text import is_free_text, may_hold, sentence
from trialsite.partial_dates import in_words_as_known
from trialsite.services.signatures import sentence_of
from trialsite.submissions import CHANGED, led_to

register = template.Library()

MINUS = "−"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: State -> (symbol of the sprite, colour class, words). Each symbol has its own silhouette.
STATES: Mapping[str, tuple[str, str, str]] = {
    "none": ("st-none", "none", "Not expected"),
    "planned": ("st-planned", "planned", "Planned"),
    "due": ("st-due", "due", "Due now"),
    "late": ("st-late", "late", "Overdue"),
    "draft": ("st-draft", "draft", "Draft"),
    "done": ("st-done", "done", "Complete"),
    "verified": ("st-verified", "verified", "Complete, source verified"),
    "signed": ("st-signed", "signed", "Signed"),
    "locked": ("st-locked", "locked", "Locked"),
    "missed": ("st-missed", "missed", "Missed or not done"),
    "held": ("st-held", "held", "Held"),
    "query": ("query", "query", "Open query"),
}

#: Other words that rooms use for the same states.
STATE_ALIASES: Mapping[str, str] = {
    "not_expected": "none",
    "overdue": "late",
    "complete": "done",
    "completed": "done",
    "taken": "done",
    "not_done": "missed",
    "dose_missed": "missed",
    "entered_in_error": "missed",
    "to_record": "due",
    "open": "query",
}

#: Words of a dose calendar, where they differ from those of a visit.
ALIAS_WORDS: Mapping[str, str] = {
    "taken": "Taken",
    "dose_missed": "Missed",
    "to_record": "To record",
    "not_done": "Not done",
    "entered_in_error": "Entered in error",
}

#: Phase or mark -> mark. A mark is a shape and a colour together, never a colour alone.
PHASE_MARKS: Mapping[str, str] = {
    "scr": "scr", "ind": "ind", "cont": "cont", "ld": "ld", "hd": "hd", "fu": "fu", "off": "off",
    "screening": "scr", "screen_failed": "off", "enrolled": "scr", "induction": "ind",
    "anakinra_only": "cont", "extension": "cont", "low_dex_7_12": "ld", "low_dex_13_18": "ld",
    "high_dex": "hd", "follow_up": "fu", "completed": "off", "withdrawn": "off", "lost": "off",
    "dead": "off", "off_study": "off",
}  # fmt: skip

MARK_SYMBOLS: Mapping[str, str] = {
    "scr": "arm-scr", "ind": "arm-ind", "cont": "arm-cont", "ld": "arm-ld", "hd": "arm-hd",
    "fu": "arm-fu", "off": "arm-off",
}  # fmt: skip


# ---------------------------------------------------------------- icons, states, phases
@cache
def _sprite() -> str:
    """Where the symbols lie: the same for the life of a process, and pages ask a thousand times."""
    return static("icons.svg")


@register.simple_tag
def icon(symbol: str, label: str = "", css: str = "") -> SafeString:
    """One symbol of the sprite; silent for assistive technology unless it has a label."""
    place = f"{_sprite()}#{symbol}"
    css = f"i {css}".strip()
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"></use></svg>', css, label, place)
    return format_html('<svg class="{}" aria-hidden="true" focusable="false"><use href="{}"></use></svg>', css, place)


def state_parts(state: object) -> tuple[str, str, str]:
    """(symbol, colour class, words) of a state, however a room spells it. Unknown ones raise KeyError."""
    key = str(state).lower()
    symbol, css, words = STATES[STATE_ALIASES.get(key, key)]
    return symbol, css, ALIAS_WORDS.get(key, words)


@register.simple_tag
def legal_sentence(printed_name: str, statement: str) -> str:
    """The sentence above a signature, word for word as it is kept with it."""
    return sentence_of(printed_name, statement)


@register.simple_tag
def status(state: object, label: str = "") -> SafeString:
    """Coloured shape of a state; with a label it is read aloud, without one words must stand beside it."""
    symbol, css, _ = state_parts(state)
    return format_html('<span class="s-{}">{}</span>', css, icon(symbol, label))


@register.simple_tag
def status_tag(state: object, words: str = "", look: str = "") -> SafeString:
    """Shape and words of a state; look="pill" draws a border round them."""
    symbol, css, own = state_parts(state)
    shape = format_html('<span class="s-{}">{}</span>', css, icon(symbol))
    return format_html('<span class="{}">{}{}</span>', f"tag {look}".strip(), shape, words or own)


def mark_of(phase: object) -> str:
    """Mark of a phase: scr, ind, cont, ld, hd, fu or off. Unknown ones raise KeyError."""
    return PHASE_MARKS[str(phase).lower()]


@register.simple_tag
def phase_mark(phase: object) -> SafeString:
    """The phase's shape in its colour, silent: words must stand beside it."""
    mark = mark_of(phase)
    return format_html('<span class="a-{}">{}</span>', mark, icon(MARK_SYMBOLS[mark]))


@register.simple_tag
def phase(value: object, words: str) -> SafeString:
    """The phase's shape and its words."""
    return format_html('<span class="tag">{}{}</span>', phase_mark(value), words)


@register.inclusion_tag("edc/legend.html")
def legend(states: str, queries: int = 0) -> dict[str, object]:
    """What the shapes mean: names of states, separated by spaces; any `queries` adds the query bubble."""
    return {"states": [state_parts(name) for name in states.split()], "queries": queries}


@register.inclusion_tag("edc/mark_legend.html")
def mark_legend() -> dict[str, object]:
    """What the marks under bars and on lines mean."""
    words = (
        ("ind", "Induction"),
        ("cont", "Anakinra, continued"),
        ("ld", "+ low-dose dex"),
        ("hd", "+ high-dose dex"),
    )
    return {"marks": words}


# ---------------------------------------------------------------- dates and numbers
@register.filter
def day(value: date | None) -> str:
    """12 Mar 2026, or a dash where there is none."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}" if value else "—"


@register.filter
def known(iso: str) -> str:
    """12 Mar 2026, or what is known of it: Mar 2026, day unknown. Empty for an empty text."""
    return in_words_as_known(iso)


@register.filter
def day_short(value: date | None) -> str:
    """12 Mar, where the year is plain from the page."""
    return f"{value.day} {MONTHS[value.month - 1]}" if value else "—"


@register.filter
def moment(value: datetime | None, zone: str | tzinfo | None = None) -> str:
    """16 Mar 2026 09:42 CDT in the zone given (a name or a zone), else in the current one."""
    if value is None:
        return "—"
    place = ZoneInfo(zone) if isinstance(zone, str) and zone else zone or None
    local = timezone.localtime(value, place if isinstance(place, tzinfo) else None)
    return f"{day(local.date())} {local:%H:%M} {local.tzname()}"


@register.simple_tag
def stamp(value: datetime | None, zone: str | tzinfo | None = None) -> str:
    """The same as a tag, for partials that may or may not be given a zone."""
    return moment(value, zone)


def _plain(value: Decimal, places: int | None) -> str:
    """Thousands separated, rounded half up, with a true minus and no minus zero."""
    if places is not None:
        value = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{abs(value):,f}"
    return f"{MINUS}{text}" if value < 0 else text


@register.filter
def number(value: Decimal | int | None, places: int | None = None) -> str:
    """3,420 or −0.25: as stored, or with so many decimals. Missing is a dash."""
    return "—" if value is None else _plain(Decimal(value), places)


@register.filter
def percent(value: Decimal | int | None, places: int = 1) -> str:
    """52.0%: a share in percent."""
    return "not defined" if value is None else f"{_plain(Decimal(value), places)}%"


@register.filter
def change(value: Decimal | int | None, places: int = 1) -> str:
    """−5.3% or +2.9%: a change in percent. A baseline of zero has none."""
    if value is None:
        return "not defined"
    text = _plain(Decimal(value), places)
    rises = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) > 0
    return f"+{text}%" if rises else f"{text}%"


@register.filter
def get(mapping: Mapping[object, object], key: object) -> object:
    """mapping[key], or None."""
    return mapping.get(key)


@register.filter(name="zip")
def pairs(left: Iterable[object], right: Iterable[object]) -> list[tuple[object, object]]:
    """Two lists of one length, side by side."""
    return list(zip(left, right, strict=True))


@register.simple_tag
def range_bar(value: Decimal | str | None, low: Decimal | str | None, high: Decimal | str | None) -> SafeString:
    """Where a result lies: the tinted middle is the reference range. Nothing where there is no upper limit."""
    if not isinstance(high, Decimal):
        return SafeString("")
    bottom = low if isinstance(low, Decimal) else Decimal(0)
    spot = Decimal(-9)
    if isinstance(value, Decimal) and high != bottom:
        spot = min(Decimal(55), max(Decimal(3), 14 + (value - bottom) / (high - bottom) * 30))
    return format_html(
        '<svg class="rb" viewBox="0 0 58 12" aria-hidden="true">'
        '<rect class="tr" x="0" y="4" width="58" height="4" rx="2"/>'
        '<rect class="in" x="14" y="4" width="30" height="4"/>'
        '<circle class="pt" cx="{}" cy="6" r="3.4"/></svg>',
        f"{spot:.1f}",
    )


# ---------------------------------------------------------------- forms
CONTROL_CLASSES: Mapping[str, str] = {
    "select": "form-select",
    "checkbox": "form-check-input",
    "radio": "form-check-input",
    "hidden": "",
}


def control_class(field: BoundField) -> str:
    """Bootstrap's class of the control, with its mark of an error."""
    kind = getattr(field.field.widget, "input_type", "text")
    css = CONTROL_CLASSES.get(kind, "form-control")
    return f"{css} is-invalid" if field.errors and css else css


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """The bare control of a field with class and description; label and error stand elsewhere.

    A box of free text is followed by the place where a sentence says what it may hold that names a subject.
    """
    own = str(field.field.widget.attrs.get("class", ""))
    css: dict[str, str | bool] = {"class": f"{control_class(field)} {own}".strip()}
    if not is_free_text(field.name, field.field):
        return field.as_widget(attrs=css)
    typed = str(field.data or "") if field.form.is_bound else ""
    box = field.as_widget(attrs={**css, **_asks(field.html_name)})
    return format_html('{}<span class="soft" aria-live="polite">{}</span>', box, sentence(may_hold(typed)))


def _asks(name: str) -> dict[str, str | bool]:
    """The sentence is asked for when the box is left, after a press that left it is over."""
    return {
        "hx-post": reverse("text_check"),
        "hx-trigger": "change delay:400ms",
        "hx-target": "next .soft",
        "hx-params": f"{name},csrfmiddlewaretoken",
    }


@register.simple_tag
def options(field: BoundField) -> Sequence[object]:
    """The choices of a radio or checkbox list. Their error is told by the fieldset, not by each of them."""
    found = list(field.subwidgets)
    for one in found:
        one.data["attrs"]["class"] = "form-check-input"
        one.data["attrs"].pop("aria-invalid", None)
    return found


@register.filter
def kind(field: BoundField) -> str:
    """How a field is laid out: list (radios, checkboxes), tick (one checkbox) or box (all others)."""
    widget = field.field.widget
    if isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        return "list"
    return "tick" if isinstance(widget, forms.CheckboxInput) else "box"


@register.inclusion_tag("edc/field.html", takes_context=True)
def field(context: Context, bound: BoundField, look: str = "", size: str = "") -> dict[str, object]:
    """Label, control, help and error of one field. look: cards or segments (radios); size: s or m."""
    marks = context.get("source_marks")
    mark = marks.get(bound.name) if marks else None
    return {"field": bound, "look": look, "size": size, "asked": _asked(context), "mark": mark}


@register.inclusion_tag("edc/two_readings.html", takes_context=True)
def day_question(context: Context, bound: BoundField) -> dict[str, object]:
    """Two buttons where figures can be two days. Either sends the form again, with that day in the box."""
    return {"field": bound, "days": two_readings(bound), "asked": _asked(context)}


def _asked(context: Context) -> str:
    """The button that the form was sent with, so that the answer goes on with it."""
    request = context.get("request")
    return str(request.POST.get("action", "")) if request else str(context.get("asked", ""))


@register.inclusion_tag("edc/error_summary.html")
def error_summary(*sources: object) -> dict[str, object]:
    """What must be mended, each line a link to its control. Takes forms, formsets and lists of (id, words).

    Beside a page that was sent before stands the way to what it made.
    """
    found = [problem for source in sources for problem in problems_of(source)]
    return {"problems": found, "saved_at": led_to() if ("", CHANGED) in found else ""}


def problems_of(source: object) -> list[tuple[str, str]]:
    """(id of the control or "", words) for everything wrong in a form, a formset or a ready list."""
    if source is None or source == "":
        return []
    if isinstance(source, forms.BaseForm):
        return _problems_of_form(source)
    if isinstance(source, forms.BaseFormSet):
        own = [("", str(words)) for words in source.non_form_errors()] if source.is_bound else []
        return own + [problem for form in source.forms for problem in _problems_of_form(form)]
    if isinstance(source, Iterable):
        return [(str(target), str(words)) for target, words in source]
    raise TypeError(f"error_summary takes forms, formsets and lists, not {type(source).__name__}")


def _problems_of_form(form: forms.BaseForm) -> list[tuple[str, str]]:
    found = [("", str(words)) for words in form.non_field_errors()]
    for bound in form:
        found += [(_target(bound), f"{bound.label}: {words}") for words in bound.errors]
    return found


def _target(bound: BoundField) -> str:
    """Id of the control that receives focus: of a list of choices, the first one."""
    return f"{bound.auto_id}_0" if kind(bound) == "list" else bound.auto_id


# ---------------------------------------------------------------- text with links
@register.simple_tag
def linked(parts: Iterable[object] | str | None) -> SafeString:
    """Words with links to their source records: a string, or parts that are strings or (words, address) pairs."""
    if parts is None:
        return SafeString("")
    sequence = [parts] if isinstance(parts, str) else list(parts)
    return format_html_join("", "{}", ((_part(part),) for part in sequence))


def _part(part: object) -> SafeString:
    if isinstance(part, tuple):
        words, address = part
        return format_html('<a href="{}">{}</a>', address, words) if address else format_html("{}", words)
    return format_html("{}", part)
