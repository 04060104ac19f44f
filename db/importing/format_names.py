"""The names of book formats in feeds: words of several languages, and the product forms of ONIX (list 150)."""

import unicodedata

_NAMES = {
    "HARDCOVER": "hardcover; hard cover; hardback; hardbound; hardcover edition; cloth; clothbound; leather bound;"
    " library binding; gebunden; gebundene ausgabe; gebundenes buch; fester einband; leinen; pappband; relie; cartonne;"
    " tapa dura; pasta dura; copertina rigida; rilegato; capa dura; harde kaft; inbunden; innbundet; indbundet",
    "PAPERBACK": "paperback; paper back; softcover; soft cover; softback; taschenbuch; broschiert; broschur; kartoniert;"
    " flexibler einband; broche; poche; tapa blanda; pasta blanda; rustica; copertina flessibile; brossura; capa mole;"
    " capa comum; zachte kaft; haftad; heftet; pocket",
    "MASS_MARKET_PAPERBACK": "mass market paperback; mass market; mass paperback",
    "BOARD_BOOK": "board book; boardbook; rag book; bath book; pappbilderbuch",
    "SPIRAL_BOUND": "spiral bound; spiralbound; spiral; spiralbindung; ringbindung; comb bound; wire bound; ring bound",
    "LOOSE_LEAF": "loose leaf; looseleaf; ring binder; loseblatt; loseblattsammlung; loseblattausgabe",
    "PAMPHLET": "pamphlet; booklet; brochure; broschure; stapled; saddle stitched; geheftet",
    "EBOOK": "ebook; e book; kindle; kindle edition; epub; pdf; mobi; nook; kobo; digital; electronic book;"
    " livre numerique; libro electronico; libro digitale",
    "AUDIOBOOK": "audiobook; audio book; audio; audio cd; cd; mp3 cd; mp3; audible; audio cassette; horbuch; hoerbuch;"
    " livre audio; audiolibro; audiolivro; luisterboek; ljudbok; lydbok; lydbog",
    "MAP": "map; sheet map; folded map; landkarte; stadtplan; globe",
    "BOX_SET": "box set; boxed set; boxset; slipcase; slipcased; schuber; coffret; estuche; cofanetto",
    "OTHER": "other; calendar; kalender; cards; poster; game; toy; puzzle; notebook; sheet music; microfilm; microfiche;"
    " dvd; video; vhs; cd rom; merchandise; non book",
}

UNSPECIFIED_NAMES = frozenset(
    ("", "unknown", "unknown binding", "unspecified", "unbekannt", "book", "buch", "ba", "00")
)
"""Folded names that say nothing of the format."""

_FORMAT_BY_NAME = {name: format_ for format_, names in _NAMES.items() for name in names.split("; ")}
_MAX_WORDS = max(len(name.split()) for name in _FORMAT_BY_NAME)

_ONIX_FORMS = {
    **dict.fromkeys(("BB", "BG"), "HARDCOVER"),
    "BC": "PAPERBACK",
    **dict.fromkeys(("BH", "BI", "BJ"), "BOARD_BOOK"),
    "BE": "SPIRAL_BOUND",
    "BD": "LOOSE_LEAF",
    "BF": "PAMPHLET",
}
_ONIX_GROUPS = {
    "A": "AUDIOBOOK", "C": "MAP", "D": "EBOOK", "E": "EBOOK", "L": "EBOOK", "S": "BOX_SET",
    **dict.fromkeys("BFMPVXZ", "OTHER"),
}  # fmt: skip
"""The format of all other product forms, by the first of their two letters."""


def fold_format_name(text: str) -> str:
    """Return the words of a name in lower case and without accents, separated by spaces."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(
        "".join(
            each if each.isalnum() else " " for each in letters if not unicodedata.combining(each)
        ).split()
    )


def find_format(text: str) -> str | None:
    """Return the format of the first known name in the text, or of the product form that it is, or None."""
    words = fold_format_name(text).split()
    for start in range(len(words)):
        for end in range(start + _MAX_WORDS, start, -1):
            if found := _FORMAT_BY_NAME.get(" ".join(words[start:end])):
                return found
    form = text.strip()
    if len(form) == 2 and form.isascii() and form.isupper():
        return _ONIX_FORMS.get(form) or _ONIX_GROUPS.get(form[0])
    return None
