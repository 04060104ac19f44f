"""Tokens name positions, and any other text names none."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from db.connections.positions import MAX_TOKEN_LENGTH, Position

NUMBERS = st.integers(0, 2**32 - 1)
POSITIONS = st.builds(Position, NUMBERS, NUMBERS, st.integers(0, 2**63 - 1))


@given(POSITIONS)
def test_a_token_names_its_position(position: Position) -> None:
    token = position.to_token()

    assert len(token) == MAX_TOKEN_LENGTH
    assert Position.from_token(token) == position


@given(POSITIONS, POSITIONS)
def test_different_positions_have_different_tokens(one: Position, other: Position) -> None:
    assert (one.to_token() == other.to_token()) == (one == other)


@given(st.text())
@example("")
@example("é" * MAX_TOKEN_LENGTH)
@example(" " * MAX_TOKEN_LENGTH)
@example("A" * MAX_TOKEN_LENGTH)  # version 0
@example("_" * MAX_TOKEN_LENGTH)
def test_any_other_text_names_no_position(text: str) -> None:
    position = Position.from_token(text)

    assert position is None or position.to_token()[:-1] == text[:-1]


def test_a_token_of_another_version_names_no_position() -> None:
    token = replace(Position(1, 1, 1)).to_token()

    assert Position.from_token(f"B{token[1:]}") is None
