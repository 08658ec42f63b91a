"""A figure of a dashboard: it leads to its rows."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reporting.statistics import Proportion
from trialsite.templatetags.edc import percent

register = template.Library()


@register.simple_tag
def figure(number: int, url: str = "") -> SafeString:
    """`number` as a link to `url`, if it has one."""
    return format_html('<a href="{}">{}</a>', url, number) if url else format_html("{}", number)


@register.simple_tag
def share_cells(share: Proportion) -> SafeString:
    """Two cells: percent and interval."""
    if share.low is None or share.high is None:
        return SafeString('<td class="num">not defined</td><td class="num">—</td>')
    cells = '<td class="num">{}</td><td class="num nowrap">{} to {}</td>'
    return format_html(cells, percent(share.percent), f"{share.low:.1f}", f"{share.high:.1f}")
