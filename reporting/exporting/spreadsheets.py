"""CSV that a spreadsheet cannot turn into a formula, without losing a character.

The rule: a text cell that begins with = + - @ tab or carriage return gets one apostrophe in front. A text cell that
begins with an apostrophe gets one more, so that the rule can be turned round: reading back, take one leading
apostrophe away from every text cell that has one. Numbers, dates and yes/no cells are left alone.
"""

from __future__ import annotations

DANGEROUS = "=+-@\t\r"
APOSTROPHE = "'"
RULE = (
    "A text cell that begins with =, +, -, @, a tab, a carriage return or an apostrophe has one apostrophe in front. "
    "To get the original, take one leading apostrophe away from every text cell that has one. Cells of other types "
    "are unchanged."
)
#: The same rule for PostgreSQL, as a regular expression in a string with escapes.
PATTERN = r"E'^[=+\\-@\t\r\']'"


def neutralised(text: str) -> str:
    """The cell as it stands in the file."""
    return APOSTROPHE + text if text[:1] and text[0] in DANGEROUS + APOSTROPHE else text


def original(cell: str) -> str:
    """The text as it was before `neutralised`."""
    return cell.removeprefix(APOSTROPHE)


def neutralised_sql(column: str) -> str:
    """SQL for a text column under the rule; null stays null."""
    return f"CASE WHEN {column} ~ {PATTERN} THEN '''' || {column} ELSE {column} END"
