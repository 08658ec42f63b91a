"""A figure of a dashboard: it leads to its rows, or is hidden where it is small and the rows are not to be seen."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reporting.small_cells import NOT_TOLD, Telling
from reporting.statistics import Proportion
from trialsite.templatetags.edc import percent

register = template.Library()


@register.simple_tag(takes_context=True)
def figure(context: Mapping[str, object], number: int, url: str = "") -> SafeString:
    """`number` as a link to `url`; for a reader who may not see the rows without it, or not at all."""
    telling = _telling(context)
    if not telling.tells(url):
        return format_html("{}", NOT_TOLD)
    return format_html('<a href="{}">{}</a>', url, number) if telling.is_open and url else format_html("{}", number)


@register.simple_tag(takes_context=True)
def share_cells(context: Mapping[str, object], share: Proportion, *urls: str) -> SafeString:
    """Two cells: percent and interval, a dash for what is not told. `urls`: of the two numbers that would tell it."""
    if not _telling(context).tells(*urls):
        return format_html('<td class="num">{0}</td><td class="num">{0}</td>', NOT_TOLD)
    if share.low is None or share.high is None:
        return SafeString('<td class="num">not defined</td><td class="num">—</td>')
    cells = '<td class="num">{}</td><td class="num nowrap">{} to {}</td>'
    return format_html(cells, percent(share.percent), f"{share.low:.1f}", f"{share.high:.1f}")


def _telling(context: Mapping[str, object]) -> Telling:
    """A page that says nothing of its reader tells nothing."""
    found = context.get("telling")
    return found if isinstance(found, Telling) else Telling(is_open=False)
