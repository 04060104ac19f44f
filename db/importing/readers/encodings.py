"""Find the encoding of a text by what is certain: its byte order mark, the zeros of UTF-16, or quotes of Windows."""

import codecs
import re
from collections.abc import Iterable

from db.errors import CatalogImportError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def find_encoding(head: bytes) -> str:
    """Return the encoding of a text that begins with these bytes: UTF-8, unless another is certain."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    # Headings begin with ASCII letters, every other byte of which is 0 in UTF-16.
    if len(head) >= 4 and head[1:4:2] == b"\0\0" and 0 not in head[:4:2]:
        return "utf-16-le"
    if len(head) >= 4 and head[:4:2] == b"\0\0" and 0 not in head[1:4:2]:
        return "utf-16-be"
    return "utf-8-sig"


WINDOWS_1252 = "windows-1252"

# The euro sign, the ellipsis, quotes and dashes.
_WINDOWS_MARKS = re.compile(rb"[\x80\x82\x84\x85\x91-\x97]")
_LETTER = rb"[A-Za-z\xc0-\xff]"
_OTHER_ENCODING = re.compile(
    rb"[\x81\x8d\x8f\x90\x9d]"  # bytes that Windows-1252 does not have
    rb"|[\x8a\x8e\x9a\x9e\x9f\xd0\xde\xf0\xfe]"  # frequent letters of Central Europe, of Turkish and of the Mac
    rb"|[\xd5\xf5](?![Ee])"  # a letter of Hungarian, unless it is Portuguese
    rb"|[\xc2\xc3][\x80-\xbf]|\xe2[\x80-\x82][\x80-\xbf]"  # UTF-8 in a part of the text
    rb"|[\xc0-\xff]{3}"  # words without an ASCII letter: Cyrillic, Greek, East Asian
    rb"|" + _LETTER + rb"(?:[\x82\x84]|[\x80\x83\x86-\x89\x8b\x93-\x95\x98\x9b]" + _LETTER + rb")"  # a letter of DOS
    + rb"|" + _LETTER + rb"[\xa1-\xac\xae-\xb3\xb5\xb6\xb8-\xbf]" + _LETTER  # a letter of Polish
)  # fmt: skip


def is_windows_1252(lines: Iterable[bytes]) -> bool:
    """Return whether a text is Windows-1252 for certain.

    It is not UTF-8, it has the quotes, dashes or euro signs of Windows, and nothing speaks for another encoding.
    """
    has_marks = is_utf_8 = False
    for line in lines:
        if line.isascii():
            continue
        if _OTHER_ENCODING.search(line):
            return False
        has_marks = has_marks or _WINDOWS_MARKS.search(line) is not None
        is_utf_8 = is_utf_8 or _is_utf_8(line)
    return has_marks and not is_utf_8


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_encoding_name(name: str) -> None:
    """Raise CatalogImportError unless Python knows this encoding of text."""
    try:
        "".encode(name)
    except LookupError:
        raise CatalogImportError(
            f"--encoding {name}: there is no such encoding; write a name such as utf-8, windows-1252 or utf-16."
        ) from None
