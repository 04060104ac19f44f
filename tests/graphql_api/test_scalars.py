"""ISBNs: the fast check agrees with stdnum."""

from hypothesis import example, given
from hypothesis import strategies as st
from stdnum import isbn as stdnum_isbn

from graphql_api.schema.scalars import is_isbn13, parse_isbn

digits = st.text("0123456789", min_size=9, max_size=9)


@given(body=digits, prefix=st.sampled_from(["978", "979", "977"]), last=st.sampled_from("0123456789X٣"))
@example(body="030640615", prefix="978", last="7")
def test_is_isbn13_agrees_with_stdnum(body: str, prefix: str, last: str) -> None:
    value = prefix + body + last
    valid = bool(stdnum_isbn.is_valid(value)) and value.isascii()

    assert is_isbn13(value) is valid
    if valid:
        assert parse_isbn(value) == stdnum_isbn.validate(value, convert=True) == value
