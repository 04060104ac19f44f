"""The error of a value that a field cannot hold."""

_MAX_DISPLAY_LENGTH = 200


class FieldError(Exception):
    """The value of a field is invalid. `value` is truncated for display.

    `kept` is the text that is valid nevertheless, such as the year of a day.
    """

    def __init__(self, field: str, value: object, reason: str, kept: str = "") -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        text = str(value).replace("\0", "\N{SYMBOL FOR NULL}")
        self.value = text if len(text) <= _MAX_DISPLAY_LENGTH else text[: _MAX_DISPLAY_LENGTH - 1] + "…"
        self.reason = reason
        self.kept = kept


class RoundedNumberError(FieldError):
    """A spreadsheet has rounded the number, and its last digits are lost."""
