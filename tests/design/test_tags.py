"""Tags and filters: words, dates, numbers, fields and problems as pages show them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django import forms
from django.template import Context, Template

from protocol.vocabulary import DoseStatus, DueState, Phase
from trialsite.templatetags import edc

D = Decimal


def shown(text: str, **values: object) -> str:
    return Template("{% load edc %}" + text).render(Context(values))


@pytest.mark.parametrize("phase", list(Phase))
def test_every_phase_has_a_mark(phase: Phase) -> None:
    assert edc.mark_of(phase) in edc.MARK_SYMBOLS


@pytest.mark.parametrize("state", [*DueState, *DoseStatus])
def test_every_state_has_a_shape(state: DueState | DoseStatus) -> None:
    assert edc.state_parts(state)[0]


def test_no_two_states_share_a_shape() -> None:
    assert len({symbol for symbol, _, _ in edc.STATES.values()}) == len(edc.STATES)


def test_unknown_states_and_phases_are_not_drawn_silently() -> None:
    with pytest.raises(KeyError):
        edc.status("finished")
    with pytest.raises(KeyError):
        edc.phase("arm 3", "words")


def test_icon_is_silent_without_a_label_and_escaped_with_one() -> None:
    assert 'aria-hidden="true"' in shown('{% icon "warn" %}')
    assert 'role="img" aria-label="a &lt;b&gt;"' in shown('{% icon "warn" label %}', label="a <b>")


@pytest.mark.req("B7")
def test_dates_and_moments() -> None:
    at = datetime(2026, 3, 16, 14, 42, tzinfo=UTC)
    assert edc.day(date(2026, 3, 2)) == "2 Mar 2026"
    assert edc.day_short(date(2026, 3, 2)) == "2 Mar"
    assert edc.moment(at, "America/Chicago") == "16 Mar 2026 09:42 CDT"
    assert edc.moment(at, UTC) == "16 Mar 2026 14:42 UTC"
    assert (edc.day(None), edc.day_short(None), edc.moment(None)) == ("—", "—", "—")
    assert shown("{% stamp at nowhere %}", at=at).startswith("16 Mar 2026")


@pytest.mark.req("B7")
@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 3, 8, 7, 59, tzinfo=UTC), "8 Mar 2026 01:59 CST"),
        (datetime(2026, 3, 8, 8, 0, tzinfo=UTC), "8 Mar 2026 03:00 CDT"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "1 Nov 2026 01:30 CDT"),
        (datetime(2026, 11, 1, 7, 30, tzinfo=UTC), "1 Nov 2026 01:30 CST"),
    ],
)
def test_where_the_clocks_change_the_zone_tells_the_hours_apart(at: datetime, words: str) -> None:
    assert edc.moment(at, "America/Chicago") == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (D("-5.26"), "−5.3%"), (D("2.85"), "+2.9%"), (D("0.04"), "0.0%"), (D("-0.04"), "0.0%"), (D(0), "0.0%"),
        (None, "not defined"), (D("-1234.56"), "−1,234.6%"),
    ],
)  # fmt: skip
def test_changes(value: Decimal | None, words: str) -> None:
    assert edc.change(value) == words


def test_numbers_and_shares() -> None:
    assert edc.number(D("3420")) == "3,420"
    assert edc.number(D("-0.255"), 2) == "−0.26"
    assert edc.number(D("2.0")) == "2.0"
    assert edc.number(D("-0.001"), 1) == "0.0"
    assert edc.number(None) == "—"
    assert edc.percent(D("52.17")) == "52.2%"
    assert edc.percent(None) == "not defined"


def test_linked_text_escapes_words_and_addresses() -> None:
    text = edc.linked(["−5.3% (", ("3<8", '/a"b/'), ("no link", ""), ")"])
    assert text == '−5.3% (<a href="/a&quot;b/">3&lt;8</a>no link)'
    assert edc.linked("<b>") == "&lt;b&gt;"
    assert edc.linked(None) == ""


def test_range_bar_keeps_inside_and_is_left_out_without_a_limit() -> None:
    assert edc.range_bar(D(5), D(1), None) == ""
    assert edc.range_bar("", "", "") == ""
    assert 'cx="55.0"' in edc.range_bar(D(500), D(1), D(10))
    assert 'cx="3.0"' in edc.range_bar(D(-50), D(1), D(10))
    assert 'cx="29.0"' in edc.range_bar(D(5), None, D(10))
    assert 'cx="-9.0"' in edc.range_bar(None, D(1), D(10))


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        edc.pairs([1], [1, 2])


class SampleForm(forms.Form):
    name = forms.CharField(help_text="As on the label.")
    note = forms.CharField(required=False)
    answer = forms.ChoiceField(choices=[("y", "Yes"), ("n", "No")], widget=forms.RadioSelect)
    sure = forms.BooleanField(label="Checked")
    unit = forms.ChoiceField(choices=[("g", "g/dL")])


@pytest.mark.req("D14")
def test_field_describes_itself_with_help_and_error() -> None:
    html = shown("{% field form.name %}", form=SampleForm({}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_helptext"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'class="form-control is-invalid"' in html
    assert "*" not in html


def test_optional_is_marked_and_required_is_not() -> None:
    assert "optional" in shown("{% field form.note %}", form=SampleForm())
    assert "optional" not in shown("{% field form.name %}", form=SampleForm())


def test_choices_are_a_named_group() -> None:
    html = shown('{% field form.answer look="segments" %}', form=SampleForm({}))
    assert '<fieldset aria-describedby="id_answer_error"><legend class="form-label">Answer' in html
    assert "aria-invalid" not in html
    assert html.count('type="radio"') == 2


def test_what_was_typed_stays() -> None:
    assert 'value="a &quot;b&quot;"' in shown("{% field form.name %}", form=SampleForm({"name": 'a "b"'}))


def test_summary_links_to_controls_and_uses_the_same_words() -> None:
    html = shown("{% error_summary form extra %}", form=SampleForm({}), extra=[("v_ca", "Calcium: enter a number")])
    assert "There is a problem with 5 answers" in html
    assert '<a href="#id_name">Name: This field is required.</a>' in html
    assert '<a href="#id_answer_0">' in html
    assert '<a href="#v_ca">Calcium: enter a number</a>' in html
    assert html.index('role="alert"') > html.index('id="errors"')


def test_summary_of_formsets_and_of_nothing() -> None:
    formset = forms.formset_factory(SampleForm)({"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-name": ""})
    assert "#id_form-0-name" in shown("{% error_summary formset %}", formset=formset)
    assert shown("{% error_summary form missing %}", form=SampleForm()).strip() == ""
    with pytest.raises(TypeError, match="error_summary"):
        edc.problems_of(3)


def test_crispy_forms_look_the_same() -> None:
    html = Template("{% load crispy_forms_tags %}{{ form|crispy }}").render(Context({"form": SampleForm({})}))
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert "asteriskField" not in html
