"""Parse titles, names, descriptions, addresses and keys."""

import re
import unicodedata
from html import unescape

from db.constraints import MAX_NAME_LENGTH, MAX_TITLE_LENGTH, MAX_WORK_KEY_LENGTH
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.formulas import refuse_formula
from db.importing.field_parsers.html_text import convert_html
from db.importing.field_parsers.placeholders import is_placeholder, is_title_placeholder

MAX_SOURCE_ID_LENGTH = 200
_MAX_URL_LENGTH = 2_000
# Longer texts do not fit into one tsvector.
MAX_DESCRIPTION_LENGTH = 100_000

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# Bell, escape and the like; tab and line breaks are white space.
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")


# Tags of one line, which are no text even where "<" begins none: "The <i>Sea</i>".
_INLINE_TAG = re.compile(r"</?(?:b|br|em|font|i|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>", re.IGNORECASE)
# Programs write a line break so, if no cell of their files has one. "C:\new" has none.
_WRITTEN_BREAK = re.compile(r"(?:(?:\\r)?\\n){2,}|(?:\\r)?\\n(?![a-z])")


def decode_entities(text: str) -> str:
    """Decode the character references of HTML that end in ";", once."""
    if "&" in text and ";" in text:
        return _ENTITY.sub(lambda found: unescape(found[0]), text)
    return text


def parse_single_line(field: str, text: str, limit: int) -> str:
    """Return the text on one line: trimmed, white space collapsed to one space, normalised to NFC."""
    value = " ".join(text.split())
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if not value.isprintable():
        if "\0" in value:
            raise FieldError(field, value, "holds a NUL character; leave it out")
        value = _CONTROLS.sub("", value)
    if len(value) > limit:
        raise FieldError(field, value, f"{len(value):,} characters; {limit:,} are allowed")
    return value


def parse_literal_line(field: str, text: str, limit: int) -> str | None:
    """Return the text on one line as it is written: nothing is decoded, nothing is a placeholder."""
    return parse_single_line(field, text, limit) or None


def _parse_marked_line(field: str, text: str, limit: int) -> str:
    """Return the text on one line without inline tags, its character references decoded. No formula is a text."""
    plain = _INLINE_TAG.sub(lambda tag: " " if "br" in tag[0].lower() else "", text) if "<" in text else text
    value = parse_single_line(field, decode_entities(plain) if "&" in plain else plain, limit)
    refuse_formula(field, value)
    return value


def _parse_optional_line(field: str, text: str, limit: int) -> str | None:
    value = _parse_marked_line(field, text, limit)
    # Placeholders are short.
    return None if len(value) < 20 and is_placeholder(value) else value


def parse_title(text: str) -> str | None:
    value = _parse_marked_line("title", text, MAX_TITLE_LENGTH)
    return None if len(value) < 10 and is_title_placeholder(value) else value


def parse_subtitle(text: str) -> str | None:
    return _parse_optional_line("subtitle", text, MAX_TITLE_LENGTH)


def parse_publisher(text: str) -> str | None:
    return _parse_optional_line("publisher", text, MAX_NAME_LENGTH)


def parse_work(text: str) -> str | None:
    return _parse_optional_line("work", text, MAX_WORK_KEY_LENGTH)


def parse_description(text: str) -> str | None:
    """Return plain text, trimmed and normalised to NFC. HTML is converted; line breaks are kept."""
    if "\\n" in text and "\n" not in text:
        text = _WRITTEN_BREAK.sub(lambda found: "\n" * found[0].count("\\n"), text)
    value = parse_literal_description(convert_html(text) if "<" in text or "&" in text else text)
    refuse_formula("description", value or "")
    return None if value and len(value) < 20 and is_placeholder(value) else value


def parse_literal_description(text: str) -> str | None:
    """Return the text as it is, trimmed and normalised to NFC."""
    value = text.strip()
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    if len(value) > MAX_DESCRIPTION_LENGTH:
        limit = f"{len(value):,} characters; {MAX_DESCRIPTION_LENGTH:,} are allowed"
        raise FieldError("description", value, limit)
    if "\0" in value:
        raise FieldError("description", value, "holds a NUL character; leave it out")
    return value or None


def parse_source_id(text: str, isbn: str | None) -> str:
    """Return the source's key of the book, or the ISBN if there is no key."""
    if text.isascii() and text.isalnum() and len(text) <= MAX_SOURCE_ID_LENGTH:
        return text
    value = parse_single_line("source_id", text, MAX_SOURCE_ID_LENGTH) or isbn
    if value is None:
        raise FieldError(
            "source_id", text, "nothing identifies this book: neither source_id nor isbn; write one of them"
        )
    return value


def parse_cover_url(text: str) -> str | None:
    value = text.strip()
    if not value:
        return None
    if not value.startswith(("https://", "http://")) or not value.isprintable() or " " in value:
        if is_placeholder(value):
            return None
        raise FieldError("cover_url", text, "not a URL that begins with https:// or http://")
    if len(value) > _MAX_URL_LENGTH:
        raise FieldError("cover_url", value, f"{len(value):,} characters; {_MAX_URL_LENGTH:,} are allowed")
    return value
