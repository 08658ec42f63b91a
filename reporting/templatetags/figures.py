"""A figure of a dashboard: it leads to its rows, or is hidden where it is small and the rows are not to be seen."""

from __future__ import annotations

from collections.abc import Mapping

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reporting.small_cells import FEWEST, is_small

register = template.Library()


@register.simple_tag(takes_context=True)
def figure(context: Mapping[str, object], number: int, url: str = "") -> SafeString:
    """`number` as a link to `url`; unless `rows_open` is in the context there is no link, and 1 to 4 are "under 5"."""
    if context.get("rows_open"):
        return format_html('<a href="{}">{}</a>', url, number) if url else format_html("{}", number)
    return format_html("under {}", FEWEST) if is_small(number) else format_html("{}", number)
