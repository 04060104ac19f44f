"""Expressions of words: what they match is that of their tsquery."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.search.tsquery import AllOf, AnyOf, Expression, Phrase, Term, simplify, tsquery

WORDS = ("a", "b", "c")

expressions: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(
        st.builds(Term, st.sampled_from(WORDS), st.booleans()),
        st.builds(Phrase, st.sampled_from(WORDS), st.sampled_from(WORDS)),
    ),
    lambda parts: st.one_of(
        *(
            st.builds(kind, st.lists(parts, min_size=1, max_size=4, unique=True).map(tuple))
            for kind in (AllOf, AnyOf)
        )
    ),
    max_leaves=8,
)


def matches(expression: Expression, text: str) -> bool:
    """Return whether the words of a text, one a letter, match an expression."""
    match expression:
        case Term(word):
            return word in text
        case Phrase(first, second):
            return first + second in text
        case AllOf(parts):
            return all(matches(part, text) for part in parts)
        case AnyOf(parts):
            return any(matches(part, text) for part in parts)


@given(expressions, st.text(alphabet="abcd", max_size=6))
def test_a_simpler_expression_matches_the_same(expression: Expression, text: str) -> None:
    simpler = simplify(expression)

    assert matches(simpler, text) == matches(expression, text)
    assert len(tsquery(simpler)) <= len(tsquery(expression))


@pytest.mark.parametrize(
    ("expression", "simpler"),
    [
        (AnyOf((Term("about"), Phrase("a", "bout"), Term("bout"))), "('about' | 'bout')"),
        (AnyOf((Term("rivre"), AllOf((Term("ri"), Term("vre"))))), "('rivre' | ('ri' & 'vre'))"),
        (
            AllOf((AnyOf((Term("a"), AllOf((Term("a"), Term("b"))))), Term("c"))),
            "('a' & 'c')",
        ),
    ],
)
def test_alternatives_that_require_another_one_are_left_out(expression: Expression, simpler: str) -> None:
    assert tsquery(simplify(expression)) == simpler
