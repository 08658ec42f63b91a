"""A figure of a dashboard: it leads to its rows, or is hidden where it is small and the rows are not to be seen."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reporting.small_cells import FEWEST, is_small
from reporting.statistics import Proportion
from trialsite.templatetags.edc import percent

register = template.Library()


@register.simple_tag(takes_context=True)
def figure(context: Mapping[str, object], number: int, url: str = "", beside: int = 0) -> SafeString:
    """`number` as a link to `url`; unless `rows_open` is in the context there is no link, and 1 to 4 are "under 5".

    `beside`: the number that makes up the whole with this one; where that is small, this one would tell it.
    """
    if context.get("rows_open"):
        return format_html('<a href="{}">{}</a>', url, number) if url else format_html("{}", number)
    if is_small(beside):
        return SafeString("—")
    return format_html("under {}", FEWEST) if is_small(number) else format_html("{}", number)


@register.simple_tag
def share_cells(share: Proportion) -> SafeString:
    """Two cells: percent and interval, a dash for what is not told."""
    if share.low is None or share.high is None:
        return format_html('<td class="num">{}</td><td class="num">—</td>', "—" if share.n else "not defined")
    cells = '<td class="num">{}</td><td class="num nowrap">{} to {}</td>'
    return format_html(cells, percent(share.percent), f"{share.low:.1f}", f"{share.high:.1f}")
