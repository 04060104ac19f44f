"""Parse languages: codes, and names in several languages."""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import cast

from db.importing.codes import SHORTEST_CODE, language_tag
from db.importing.field_parsers.errors import FieldError
from db.importing.field_parsers.placeholders import is_placeholder

_NAMING_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl")
_NOTHING = frozenset(("und", "undetermined"))


def parse_language(text: str) -> str | None:
    """Return the BCP 47 tag of a code or a name, or None if the language is undetermined."""
    value = text.strip()
    if not value or value.casefold() in _NOTHING:
        return None
    tag = language_tag(value)
    if tag is not None:
        return tag
    if is_placeholder(value):
        return None
    tag = _tags_by_name().get(_fold(value))
    if tag is not None:
        return tag
    parts = [part for part in value.replace(";", ",").replace("/", ",").split(",") if part.strip()]
    if len(parts) > 1:
        raise FieldError("language", text, f"{len(parts)} languages; write that of this book")
    raise FieldError("language", text, 'not a language such as "en", "eng", "pt-BR" or "English"')


def _fold(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(each for each in letters if not unicodedata.combining(each)).split())


_CODES_WITHOUT_SHORT_ONE = frozenset(
    [
        "grc",
        "ang",
        "enm",
        "fro",
        "frm",
        "goh",
        "gmh",
        "arc",
        "akk",
        "cop",
        "egy",
        "got",
        "haw",
        "nds",
        "sco",
        "syc",
        "fil",
    ]
)
"""Languages of ISO 639-2 alone that catalogs have: most are of old books."""


@cache
def _tags_by_name() -> dict[str, str]:
    """Return the tags of ISO 639-1 languages, and of a few others, by their names.

    The names are those of CLDR in several languages and in the language itself. A name of two languages is
    left out.
    """
    from babel import Locale, UnknownLocaleError  # it takes time to import, and most files have codes

    codes = {code for code in SHORTEST_CODE.values() if len(code) == 2}
    codes |= _CODES_WITHOUT_SHORT_ONE
    found: dict[str, set[str]] = {}
    for language in _NAMING_LANGUAGES:
        for code, name in cast("Mapping[str, str]", Locale(language).languages).items():
            if code in codes:
                found.setdefault(_fold(name), set()).add(SHORTEST_CODE.get(code, code))
    for code in codes:
        try:
            name = Locale.parse(code).get_language_name(code)
        except (UnknownLocaleError, ValueError):
            continue
        if name:
            found.setdefault(_fold(name), set()).add(SHORTEST_CODE.get(code, code))
    return {name: tags.pop() for name, tags in found.items() if len(tags) == 1} | _OTHER_NAMES


_OTHER_NAMES = {
    "ancient greek": "grc", "greek, ancient": "grc", "greek (ancient)": "grc", "modern greek": "el",
    "greek, modern": "el", "old english": "ang", "middle english": "enm", "english, old": "ang",
    "english, middle": "enm", "mandarin": "zh", "simplified chinese": "zh-Hans", "traditional chinese": "zh-Hant",
    "chinese (simplified)": "zh-Hans", "chinese (traditional)": "zh-Hant", "brazilian portuguese": "pt-BR",
    "portuguese (brazil)": "pt-BR", "british english": "en-GB", "american english": "en-US",
    "farsi": "fa", "flemish": "nl", "castilian": "es", "castellano": "es",
}  # fmt: skip
"""Names that libraries and shops write, and CLDR does not."""
