"""Titles of works: SQL of what the title and the subtitle of a book say about its work.

Patterns are matched with folded texts: in lower case and without accents.
"""

from db.search.light_words import ARTICLES

_LETTERS = 'COLLATE "default"'
"""The collation that knows the letters of all scripts. That of the sort keys knows only those of ASCII."""

_EDITION = (
    "(?:the )?"
    + 3 * r"(?:[[:alnum:].'-]+ )?"
    + r"(?:edition|ed\.|ausgabe|auflage|edicion|edizione|edicao|uitgave|druk|upplaga|painos|kiadas)"
)
_NOTE = "|".join(
    (
        _EDITION,
        r"(?:complete(?: and|,)? )?unabridged|complete|illustrated|annotated|large print|with illustrations",
        r"(?:illustrated|translated|edited|ubersetzt|traduit|vertaald) (?:by|from|von|par|door) [^.:;()]*",
        r"hardcover|paperback|kindle|e-?book|audiobook|[[:alnum:]' ]*classics|novel|roman|a true story",
    )
)
_NOTES = rf"(?:[.:;,]|\s[–—-]|\s[(\[])\s*(?:{_NOTE})[\s)\].!]*(?=$|[.:;,(\[])"
"""Notes on an edition, behind a sign: `(Penguin Classics)`, `: a novel`, `, 2nd edition`, ` — Complete`."""

_DESCRIPTION = r"(?:[:;,]\s*(?:an?|being|or,?|eine?|oder,?|une?|ou,?|una|een) [^.:;]*)+\.?$"
"""A subtitle that only describes the work or gives its other title: `: A Tale`, `; or, The Whale`."""

_EDITION_NUMBER = r"\m[[:alnum:].]+ (?:edition|ed\.|ausgabe|auflage)"

_ORDINALS = (
    "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last"
    "|one|two|three|four|five|six|seven|eight|nine|ten"
    "|ers?te[rsn]?|zweite[rsn]?|dritte[rsn]?|vierte[rsn]?|funfte[rsn]?|sechste[rsn]?"
    "|premi(?:er|ere)|deuxieme|seconde|troisieme|quatrieme|cinquieme"
    "|primer[ao]?|segund[ao]|tercer[ao]?|prim[ao]|second[ao]|terz[ao]"
    "|eerste|tweede|derde|vierde|forsta|andra|tredje|ensimmainen|toinen|kolmas"
)
_KINDS = (
    "abridged|adapt(?:ed|ation)|retold|retelling|syllables?|young (?:folks|readers|people)|junior"
    "|for (?:children|kids|boys|girls)|teacher|colou?ring"
    "|play|acts?|dramati[sz](?:ed|ation)|screenplay|libretto|graphic novel|manga|comics?"
    "|companion|guide|notes|summary|analysis|workbook|study|quarto|folio"
    "|box(?:ed)? set|boxset|selections?|selected|excerpts|extracts|sampler"
)
_MARKS = rf"\m(?:[0-9]+|[ivx]+|{_ORDINALS}|{_KINDS})\M"
"""Words that distinguish works with the same title: numbers of volumes, and versions such as a play."""

_LEADING_ARTICLE = rf"^(?:{'|'.join(sorted(ARTICLES, key=len, reverse=True))}) "


def title_words_sql(text: str) -> str:
    """Return the SQL of the words of a folded text, separated by spaces."""
    return f"btrim(regexp_replace({text} {_LETTERS}, '[^[:alnum:]]+', ' ', 'g'))"


def first_word_sql(title_key: str) -> str:
    """Return the SQL of the letters with which a sort key begins. The key of each edition begins so."""
    return f"substring({title_key} {_LETTERS} from '^[[:alnum:]]+') COLLATE \"C\""


def main_title_sql(title_key: str) -> str:
    """Return the SQL of the words of a sort key before its first sign. Those of each edition begin so."""
    main = rf"regexp_replace({title_key} {_LETTERS}, '(?:\s[-–—]|[^[:alnum:]\s''’-]).*$', '')"
    return title_words_sql(main)


def full_title_sql(book: str) -> str:
    """Return the SQL of the folded title and subtitle of a book."""
    return f"fold({book}.title || coalesce(': ' || {book}.subtitle, ''))"


def work_title_sql(full_title: str) -> str:
    """Return the SQL of what the full titles of all editions of a work have in common.

    These are the words of the title without notes on the edition and without a description, and the words
    that distinguish works with the same title.
    """
    without_notes = f"regexp_replace({full_title}, {_quote(_NOTES)}, '', 'g')"
    without_description = f"regexp_replace({without_notes}, {_quote(_DESCRIPTION)}, '')"
    words = f"regexp_replace({title_words_sql(without_description)}, {_quote(_LEADING_ARTICLE)}, '')"
    numbered = f"regexp_replace({full_title}, {_quote(_EDITION_NUMBER)}, '', 'g')"
    marks = f"SELECT string_agg(m.mark[1], ' ') FROM regexp_matches({numbered}, {_quote(f'({_MARKS})')}, 'g')"
    return f"{words} || coalesce(' # ' || ({marks} AS m (mark)), '')"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
