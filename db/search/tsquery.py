"""Expressions of words, and their text as a PostgreSQL tsquery."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """A word, or every word that starts with it."""

    word: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Two words, one directly after the other."""

    first: str
    second: str


Expression = Term | AllOf | AnyOf | Phrase

NO_WORDS = AllOf(())
"""The expression without words, which matches nothing."""


def all_of(parts: Iterable[Expression]) -> Expression:
    """Return the conjunction of the parts; a single part stays as it is."""
    return _join(AllOf, parts)


def any_of(parts: Iterable[Expression]) -> Expression:
    """Return the disjunction of the parts; a single part stays as it is."""
    return _join(AnyOf, parts)


def _join(kind: type[AllOf] | type[AnyOf], parts: Iterable[Expression]) -> Expression:
    found = tuple(dict.fromkeys(parts))
    return found[0] if len(found) == 1 else kind(found)


def simplify(expression: Expression) -> Expression:
    """Return an expression that matches the same with fewer words.

    An alternative that requires a word which is an alternative itself adds nothing.
    """
    match expression:
        case AllOf(parts):
            return all_of(map(simplify, parts))
        case AnyOf(parts):
            return any_of(simplify(part) for part in parts if not _required_words(part) & set(parts))
        case _:
            return expression


def _required_words(expression: Expression) -> set[Expression]:
    """Return the words that a conjunction or phrase requires."""
    match expression:
        case Phrase(first, second):
            return {Term(first), Term(second)}
        case AllOf(parts):
            return {part for part in parts if isinstance(part, Term)}
        case _:
            return set()


def tsquery(expression: Expression, weights: str = "") -> str:
    """Return the text of the tsquery, restricted to words of some weights, for example `AB`.

    An expression without parts matches nothing.
    """
    match expression:
        case Term(word, is_prefix):
            suffix = ("*" if is_prefix else "") + weights
            return quote_lexeme(word) + (f":{suffix}" if suffix else "")
        case Phrase(first, second):
            return f"({tsquery(Term(first), weights)} <-> {tsquery(Term(second), weights)})"
        case AllOf(parts):
            return f"({' & '.join(tsquery(part, weights) for part in parts)})" if parts else ""
        case AnyOf(parts):
            return f"({' | '.join(tsquery(part, weights) for part in parts)})" if parts else ""


def words_of(expression: Expression) -> tuple[str, ...]:
    """Return the words of an expression that are not prefixes, in their order."""
    match expression:
        case Term(word, is_prefix):
            return () if is_prefix else (word,)
        case Phrase(first, second):
            return (first, second)
        case AllOf(parts) | AnyOf(parts):
            return tuple(word for part in parts for word in words_of(part))


def quote_lexeme(word: str) -> str:
    """Return the word quoted as a lexeme of a tsquery."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
