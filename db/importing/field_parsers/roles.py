"""The words for roles in English, German, French and Spanish, and the codes of MARC."""

import re
import unicodedata
from functools import lru_cache

from db.importing.field_parsers.errors import FieldError

_WORDS = {
    "AUTHOR": "author; writer; by; aut; author of; autor; autorin; verfasser; verfasserin; verf; von; auteur;"
    " autrice; ecrivain; par; autora; escritor; escritora; por",
    "EDITOR": "editor; edited by; ed by; ed; eds; edt; editors; herausgeber; herausgeberin; hrsg; hg; herausgegeben von;"
    " hrsg v; hrsg von; editeur scientifique; directeur; sous la direction de; dir; editora; editado por; coord;"
    " coordinador; coordinadora",
    "TRANSLATOR": "translator; translated by; trans by; transl by; tr by; trans; transl; tr; trl; translators; ubersetzer; ubersetzerin; uebersetzer;"
    " uebersetzerin; ubers; ubersetzt von; ubersetzung; aus dem englischen von; traducteur; traductrice; trad;"
    " traduit par; traduction; traductor; traductora; traducido por; traduccion",
    "ILLUSTRATOR": "illustrator; illustrated by; illus by; illus; ill; illustrations; illustratorin; illustriert von;"
    " illustrateur; illustratrice; illustre par; ilustrador; ilustradora; ilustrado por; ilust; il; artist",
    "INTRODUCTION": "introduction; foreword; preface; afterword; intro; aui; introduction by; foreword by; preface by;"
    " vorwort; vorwort von; nachwort; nachwort von; einleitung; einfuhrung; prefacier; prefaciere; preface de;"
    " postface; avant propos; prologo; introduccion; prefacio; epilogo",
    "NARRATOR": "narrator; narrated by; reader; read by; nrt; sprecher; sprecherin; gelesen von; narrateur; narratrice;"
    " lu par; narrador; narradora; leido por",
    "CONTRIBUTOR": "contributor; with; ctb; mitarbeiter; mitarbeiterin; mitwirkender; mitwirkende; mitw; beitrager;"
    " contributeur; contributrice; collaborateur; collaboratrice; avec; colaborador; colaboradora; con",
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split("; ")}
# Words that begin a name as often as a role: "Von Arnim", "Con Iggulden", "Il Volo", "Trans Europa".
# Of the words before a name only those of two or more words are roles: "Von Arnim" and "Con Iggulden" are names.
_PREFIXES = sorted((word for word in _ROLES if " " in word), key=len, reverse=True)
_FIRST_WORDS = frozenset(word.partition(" ")[0] for word in _PREFIXES)
_PREFIX = re.compile(f"({'|'.join(word.replace(' ', '[. ]+') for word in _PREFIXES)})[:.]? +(?=\\S)")
_SEVERAL = re.compile(r"\s*[,;&/+]\s*|\s+(?:and|und|et|y)\s+")


def fold_word(text: str) -> str:
    """Return the words of a text in lower case, without accents, full stops and hyphens."""
    folded = text.casefold()
    if not folded.isascii():
        letters = unicodedata.normalize("NFKD", folded)
        folded = "".join(each for each in letters if not unicodedata.combining(each))
    return " ".join(folded.replace(".", " ").replace("-", " ").split())


@lru_cache(1_000)
def find_roles(text: str) -> tuple[str, ...]:
    """Return the roles that a text such as "Hrsg." or "author, illustrator" names, or none."""
    role = _ROLES.get(fold_word(text))
    if role:
        return (role,)
    roles = [_ROLES.get(fold_word(part)) for part in _SEVERAL.split(text)]
    return tuple(dict.fromkeys(role for role in roles if role)) if all(roles) else ()


def split_leading_role(text: str) -> tuple[str, str]:
    """Return the role of "translated by Jane Doe" and the rest, or "" and the text."""
    if fold_word(text.partition(" ")[0]).partition(" ")[0] not in _FIRST_WORDS:
        return "", text
    match = _PREFIX.match(fold_start(text))
    if match is None:
        return "", text
    return _ROLES[" ".join(re.split("[. ]+", match[1].strip()))], text[match.end() :].strip()


def fold_start(text: str) -> str:
    """Return the text in lower case without accents, letter for letter."""
    return "".join(unicodedata.normalize("NFKD", each.casefold())[:1] or each for each in text)


def parse_role(text: str) -> str:
    roles = find_roles(text.strip())
    if not roles:
        known = ", ".join(name.lower() for name in sorted(_WORDS))
        raise FieldError("authors", text, f"not a known role; the roles are: {known}")
    return roles[0]
