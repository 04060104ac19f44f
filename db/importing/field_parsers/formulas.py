"""Refuse cells that hold a spreadsheet's formula in place of a text."""

import re

from db.importing.field_parsers.errors import FieldError

# "=" or "@Home" is a title, and so are "+1" and "-ism (A Study)". In capitals, a bracket behind a name is a function's.
_FORMULA = re.compile(
    r"=[+@-]?[A-Za-z][A-Za-z0-9._]*\("  # =HYPERLINK("https://…")
    r"|[+@-][A-Z][A-Z0-9.]+\("  # @SUM(A1:A3)
    r"|=[+-]?(?:'[^']+'!|[A-Za-z0-9_]+!)?\$?[A-Z]{1,3}\$?[1-9][0-9]*(?![A-Za-z0-9_])"  # =Sheet1!A2
    r"|[=+@-][A-Za-z]+\|.*!"  # =cmd|' /C calc'!A0
)


def refuse_formula(field: str, text: str) -> None:
    """Raise FieldError if the text is a formula."""
    if text[:1] in "=+@-" and _FORMULA.match(text):
        raise FieldError(field, text, "a formula of a spreadsheet; write the text that it shows")
