"""Conditions: which of them an index answers without a list."""

from db.search.conditions import FilterColumn, all_of, any_of, in_values, is_null, negate

INDEXED = in_values(FilterColumn("{b}.isbn", "text", is_indexed=True), ["9780306406157"])
OTHER = in_values(FilterColumn("{b}.language", "text"), ["en"])


def test_an_index_finds_the_rows_of_a_conjunction_if_it_finds_those_of_one_part():
    assert INDEXED.is_indexed
    assert not OTHER.is_indexed
    assert all_of([OTHER, INDEXED]).is_indexed
    assert not all_of([OTHER, OTHER]).is_indexed
    assert not all_of([]).is_indexed


def test_an_index_finds_the_rows_of_a_disjunction_if_it_finds_those_of_all_parts():
    assert any_of([INDEXED, INDEXED]).is_indexed
    assert not any_of([INDEXED, OTHER]).is_indexed
    assert not negate(INDEXED).is_indexed
    assert not is_null(FilterColumn("{b}.isbn", "text", is_indexed=True)).is_indexed
