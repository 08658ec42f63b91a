"""The cells of the subject matrix, written here: twenty to a row and a hundred rows are too many for a template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from reporting.matrix import NONE, Cell, Column, Row
from trialsite.templatetags.edc import status

register = template.Library()
shape = cache(status)

EMPTY = SafeString('<span class="visually-hidden">not expected</span>')
LINK = (
    '<a class="{}{}" href="{}"><span class="visually-hidden">{}, {}: {}</span>{}{}{}'
    '<span class="v" aria-hidden="true">{}</span></a>'
)


@register.simple_tag
def matrix_cells(row: Row, columns: Sequence[Column]) -> SafeString:
    """The cells of one row: the state as a shape, all of it in hidden words, and the visit, which phones show."""
    return format_html_join("", '<td role="cell" class="{}{}">{}</td>', _cells(row, columns))


def _cells(row: Row, columns: Sequence[Column]) -> Iterator[tuple[str, str, SafeString]]:
    for column, cell in zip(columns, row.cells, strict=True):
        is_empty = cell.state == NONE.state
        look = " nil hatch" if is_empty else ""
        yield "grp" if column.first else "", look, EMPTY if is_empty else _link(row.label, column, cell)


def _link(label: str, column: Column, cell: Cell) -> SafeString:
    words, share, asked, mark = cell.words, "", "", " hasq" if cell.queries else ""
    if cell.total:
        words = f"{cell.done} of {cell.total} visits complete" + (f", {words}" if words else "")
        share = format_html('<span aria-hidden="true">{}/{}</span>', cell.done, cell.total)
    if cell.queries:
        words += f", {cell.queries} open quer{'y' if cell.queries == 1 else 'ies'}"
        asked = format_html('<span class="q-n" aria-hidden="true">{}</span>', cell.queries)
    tile = (column.tile if cell.total else "") or column.short
    kind = "roll" if cell.total else "cell"
    return format_html(LINK, kind, mark, cell.url, label, column.long, words, shape(cell.state), share, asked, tile)
