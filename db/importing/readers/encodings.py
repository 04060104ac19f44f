"""Find the encoding of a text by what is certain: its byte order mark, or the zeros of UTF-16."""

import codecs

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


def check_encoding_name(name: str) -> None:
    """Raise CatalogImportError unless Python knows this encoding of text."""
    try:
        "".encode(name)
    except LookupError:
        raise CatalogImportError(
            f"--encoding {name}: there is no such encoding; write a name such as utf-8, windows-1252 or utf-16."
        ) from None
