from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import isbn as stdnum_isbn
from stdnum.exceptions import ValidationError
from stdnum.util import clean

from db.importing import field_parsers
from db.importing.codes import CURRENCIES, SHORTEST_CODE, language_tag
from db.importing.field_parsers import FieldError
from db.importing.records import AuthorRecord

NO_PRICE = "not a price such as 12.50, 12,50 € or USD 1,234.50"


def reason(parse: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(FieldError) as failed:
        parse(*arguments)
    return f"{failed.value.field}: {failed.value.reason}"


def with_check_digit(nine: str) -> str:
    remainder = sum((10 - place) * int(digit) for place, digit in enumerate(nine)) % 11
    return nine + "0123456789X"[(11 - remainder) % 11]


@pytest.mark.parametrize(
    "text",
    ["9780131103627", "978-0-13-110362-7", " 978 0131103627 ", "0-13-110362-8", "0131103628", "131103628"],
)
def test_an_isbn_in_any_writing_becomes_the_same_isbn_13(text: str):
    assert field_parsers.parse_isbn(text) == "9780131103627"


@pytest.mark.parametrize(
    ("text", "isbn"),
    [("8143676", "9780008143671"), ("439023483", "9780439023481"), ("439023483.0", "9780439023481")],
)
def test_leading_zeros_of_an_isbn_10_are_restored(text: str, isbn: str):
    assert field_parsers.parse_isbn(text) == isbn


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9780131103620", "the check digit is wrong; copy the ISBN of the book again"),
        ("0131103620", "the check digit is wrong; copy the ISBN of the book again"),
        (
            "9.78043902348e+12",
            "a spreadsheet has rounded it: the last digits are lost; write it again, in a column of text",
        ),
        ("4006381333931", "not an ISBN-10 or ISBN-13; write its 10 or 13 digits"),
        ("12345", "not an ISBN-10 or ISBN-13; write its 10 or 13 digits"),
        ("a number", "not an ISBN-10 or ISBN-13; write its 10 or 13 digits"),
        ("97801311036२7", "not an ISBN-10 or ISBN-13; write its 10 or 13 digits"),
    ],
)
def test_a_bad_isbn_is_rejected_with_its_reason(text: str, why: str):
    assert reason(field_parsers.parse_isbn, text) == f"isbn: {why}"


@given(
    st.one_of(
        st.from_regex(r"97[7-9][0-9]{10}", fullmatch=True),
        st.from_regex(r"[0-9]{9}[0-9xX]", fullmatch=True),
        st.from_regex(r"[0-9]{9}", fullmatch=True).map(with_check_digit),
        st.from_regex(r"[0-9xX –-]{10,17}", fullmatch=True),
    )
)
def test_isbns_of_full_length_are_validated_like_python_stdnum(text: str):
    digits = clean(text, " -").strip().upper()
    assume(len(digits) >= 10 and digits.strip("0") and not digits.startswith("9790") and "  " not in text)

    try:
        expected = stdnum_isbn.to_isbn13(stdnum_isbn.validate(text.upper()))
    except ValidationError:
        expected = None

    try:
        found = field_parsers.parse_isbn(text)
    except FieldError:
        found = None

    assert found == expected


@given(st.text())
def test_whatever_is_written_as_an_isbn_becomes_a_valid_one_or_none(text: str):
    try:
        found = field_parsers.parse_isbn(text)
    except FieldError:
        return

    assert found is None or stdnum_isbn.validate(found) == found


@given(st.integers(0, 999_999_999))
def test_an_isbn_10_without_its_leading_zeros_is_restored(number: int):
    isbn10 = with_check_digit(f"{number:09}")
    lost = isbn10.lstrip("0")

    if len(lost) >= 7:
        assert field_parsers.parse_isbn(lost) == stdnum_isbn.to_isbn13(isbn10)


def test_titles_are_trimmed_to_one_line_and_normalised():
    assert field_parsers.parse_title("  Les \n Mise\u0301rables ") == "Les Misérables"
    assert field_parsers.parse_subtitle(" \t ") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a" * 2_001, "2,001 characters; 2,000 are allowed"),
        ("a\0b", "holds a NUL character; leave it out"),
    ],
)
def test_an_invalid_title_is_rejected(text: str, why: str):
    assert reason(field_parsers.parse_title, text) == f"title: {why}"


def test_the_value_of_a_refusal_is_short_and_printable():
    with pytest.raises(FieldError) as long:
        field_parsers.parse_title("a" * 3_000)
    with pytest.raises(FieldError) as nul:
        field_parsers.parse_title("a\0b")

    assert long.value.value == "a" * 199 + "…"
    assert nul.value.value == "a␀b"


def test_descriptions_keep_their_lines():
    assert field_parsers.parse_description(" First.\r\n\rThird.  e\u0301\n") == "First.\n\nThird.  é"
    assert field_parsers.parse_description("  ") is None
    assert (
        reason(field_parsers.parse_description, "a" * 100_001)
        == "description: 100,001 characters; 100,000 are allowed"
    )
    assert (
        reason(field_parsers.parse_description, "a\0") == "description: holds a NUL character; leave it out"
    )


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        *(("12.90", "12.90"), ("12,90", "12.90"), ("12,9", "12.9"), ("0", "0"), ("7.", "7"), (".5", "0.5")),
        *(("9999999999.99", "9999999999.99"), ("1.500000", "1.5000")),
    ],
)
def test_prices_are_plain_numbers(text: str, amount: str):
    assert field_parsers.parse_price(text, "eur ") == (Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("text", "currency", "why"),
    [
        ("12.5.7", "EUR", f"price: {NO_PRICE}"),
        ("$12", "EUR", "price: $ is the sign of several currencies; name one with --currency"),
        ("€12", "USD", "price: in EUR, but the currency of this row is USD; write one of them"),
        ("1e3", "USD", f"price: {NO_PRICE}"),
        ("1_0", "USD", f"price: {NO_PRICE}"),
        ("१२", "USD", f"price: {NO_PRICE}"),
        ("9" * 50, "USD", f"price: {NO_PRICE}"),
        ("-1", "USD", "price: not between 0 and 9,999,999,999.9999"),
        ("10000000000", "USD", "price: not between 0 and 9,999,999,999.9999"),
        ("1.23456", "USD", "price: more than 4 decimals"),
        ("12.5055", "CHF", "price: CHF has 2 decimals; write 12.50 or 12.51"),
        ("0.00001", "CLF", "price: more than 4 decimals"),
        ("1200.5", "JPY", "price: JPY has no decimals; write 1200 or 1201"),
        ("1.2345", "KWD", "price: KWD has 3 decimals; write 1.234 or 1.235"),
        ("12", "", "currency: a price needs a currency; write one such as EUR, or say --currency"),
        ("12", "Taler", "currency: not an ISO 4217 code such as EUR"),
    ],
)  # fmt: skip
def test_a_price_that_is_not_plain_is_rejected(text: str, currency: str, why: str):
    assert reason(field_parsers.parse_price, text, currency) == why


@pytest.mark.parametrize(
    ("text", "currency"), [("1200.00", "JPY"), ("0.125", "BHD"), ("1.2345", "CLF"), ("12.5000", "EUR")]
)
def test_a_price_may_have_the_decimals_of_its_currency_and_zeros(text: str, currency: str):
    assert field_parsers.parse_price(text, currency) == (Decimal(text), currency)


def test_a_literal_price_may_have_more_decimals_than_its_currency():
    assert field_parsers.parse_price("12.5055", "EUR", literal=True) == (Decimal("12.5055"), "EUR")


def test_the_default_currency_is_used_if_a_price_has_none():
    assert field_parsers.parse_price("3", " ", "USD") == (Decimal(3), "USD")
    assert field_parsers.parse_price("3", "GBP", "USD") == (Decimal(3), "GBP")
    assert field_parsers.parse_price(" ", "GBP", "USD") == (None, None)


@pytest.mark.parametrize(
    ("text", "year", "day"),
    [
        ("1813", 1813, None),
        ("-380", -380, None),
        ("2008.0", 2008, None),
        ("1859-11", 1859, None),
        ("1859-11-24", 1859, date(1859, 11, 24)),
        ("1859-11-24T10:30:00Z", 1859, date(1859, 11, 24)),
        ("1859-11-24 00:00:00+00", 1859, date(1859, 11, 24)),
        ("1999-01-02 23:30", 1999, date(1999, 1, 2)),
        ("1999-01-02T23:30:00.123456+05:30", 1999, date(1999, 1, 2)),
        ("1999-01-02T00:30:00+0200", 1999, date(1999, 1, 2)),
        ("1999-01-02 00:30:00-11", 1999, date(1999, 1, 2)),
        ("1999-12-31T23:00:00.000Z", 1999, date(1999, 12, 31)),
        ("1830-05-06 00:00:00+00:53:28", 1830, date(1830, 5, 6)),
        ("1999-01-02 10:30:00 UTC", 1999, date(1999, 1, 2)),
        ("0044-03-15 BC", -44, None),
        ("0044-03-15 00:00:00+00 BC", -44, None),
        ("", None, None),
        ("0001-01-01", None, None),
        ("9999-12-31 00:00:00", None, None),
        ("0001-01-02", 1, date(1, 1, 2)),
    ],
)
def test_published_is_a_year_or_a_day(text: str, year: int | None, day: date | None):
    assert field_parsers.parse_published(text) == (year, day)


@pytest.mark.parametrize(
    "text",
    [
        "18591124x",
        "1999-01-02 garbage",
        "1999-01-02T",
        "1999-01-02 1",
        "1999-01-02 25:00",
        "1999-01-02 10:30 noon",
        "1999-01-02 10:30:00+5",
        "1999-01-02 AD",
        "1999-01 BC",
        "1999-01-02BC",
        "1999-01-02/1999-02-03",
    ],
)
def test_a_publication_date_that_is_neither_year_nor_day_is_rejected(text: str):
    assert reason(field_parsers.parse_published, text) == "published: not a year, or a day such as 1859-11-24"


@pytest.mark.parametrize("text", ["1859-11-31", "1859-13", "31.02.1999", "18591332"])
def test_a_day_that_does_not_exist_is_rejected(text: str):
    assert (
        reason(field_parsers.parse_published, text)
        == "published: there is no such day; correct it, or write the year"
    )


@pytest.mark.parametrize("text", ["-10000", "-0"])
def test_a_year_out_of_range_is_rejected(text: str):
    assert reason(field_parsers.parse_published, text) == "published: not a year between -9999 and 9999"


def test_a_year_may_be_ten_years_ahead():
    latest = date.today().year + 10

    assert field_parsers.parse_published(str(latest)) == (latest, None)
    assert reason(field_parsers.parse_published, str(latest + 1)) == f"published: later than {latest}"
    assert reason(field_parsers.parse_published, f"{latest + 1}-01-01") == f"published: later than {latest}"


@given(st.dates(date(1000, 1, 1), date(2030, 12, 31)))
def test_a_day_is_read_in_every_writing_whose_order_is_known(day: date):
    for text, order in (
        (f"{day:%Y-%m-%d}", ""),
        (f"{day:%Y/%m/%d}", ""),
        (f"{day:%Y%m%d}", ""),
        (f"{day:%d.%m.%Y}", "dmy"),
        (f"{day:%d/%m/%Y}", "dmy"),
        (f"{day:%m/%d/%Y}", "mdy"),
        (f"{day:%B} {day.day}, {day.year:04}", ""),
        (f"{day.day} {day:%b} {day.year:04}", ""),
    ):
        assert field_parsers.parse_published(text, order) == (day.year, day)  # type: ignore[arg-type]


@given(st.dates(date(1000, 1, 1), date(2030, 12, 31)), st.sampled_from("/.-"))
def test_day_and_month_are_never_guessed(day: date, mark: str):
    for text in (f"{day:%d}{mark}{day:%m}{mark}{day:%Y}", f"{day:%m}{mark}{day:%d}{mark}{day:%Y}"):
        try:
            found = field_parsers.parse_published(text)
        except FieldError as error:
            assert day.day <= 12
            assert error.kept == f"{day.year:04}"
        else:
            assert found == (day.year, day)


@given(
    st.decimals("0.01", "999999", places=2),
    st.sampled_from(["{en}", "{de}", "{plain}", "{comma}", "€ {de}", "{en} EUR", "EUR{plain}", "{comma}€"]),
)
def test_a_price_with_two_decimals_is_read_in_every_writing(amount: Decimal, writing: str):
    english = f"{amount:,}"
    texts = {
        "en": english,
        "de": english.translate(str.maketrans(",.", ".,")),
        "plain": str(amount),
        "comma": str(amount).replace(".", ","),
    }

    assert field_parsers.parse_price(writing.format(**texts), "", "EUR") == (amount, "EUR")


@given(st.text(alphabet="0123456789.,' €$-", max_size=14))
def test_a_price_is_never_off_by_a_thousand(text: str):
    """Whatever is read without knowing the decimal mark is read alike with the right one, or refused with it."""
    try:
        amount, _ = field_parsers.parse_price(text, "", "EUR")
    except FieldError:
        return
    found = {amount}
    for mark in (".", ","):
        found.add(field_parsers.parse_price(text, "", "EUR", mark)[0])

    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        *(("eng", "en"), ("EN", "en"), ("en_us", "en-US"), ("zh-hant-tw", "zh-Hant-TW"), ("fre", "fr")),
        *(("per", "fa"), ("grc", "grc"), ("iw", "he"), ("es-419", "es-419"), ("de-1996", "de-1996")),
        *(("und", None), (" ", None)),
    ],
)
def test_languages_become_the_shortest_tags(text: str, tag: str | None):
    assert field_parsers.parse_language(text) == tag


@pytest.mark.parametrize("text", ["Klingon", "xx", "e", "en-", "en-x-shop", "en US", "en-überall"])
def test_an_invalid_language_is_rejected(text: str):
    assert (
        reason(field_parsers.parse_language, text)
        == 'language: not a language such as "en", "eng", "pt-BR" or "English"'
    )


@given(st.text(alphabet="abeghnrsuxABZ019-_", max_size=12))
def test_every_language_tag_fits_the_table_and_is_idempotent(text: str):
    tag = language_tag(text)

    if tag is not None:
        assert all(2 <= len(part) <= 8 and part.isalnum() for part in tag.split("-"))
        assert tag.split("-")[0].islower()
        assert language_tag(tag) == tag


def test_the_code_lists_are_complete():
    assert len({code for code in SHORTEST_CODE.values() if len(code) == 2}) == 184
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
    assert {"EUR", "USD", "GBP", "JPY", "CHF", "CNY", "INR", "BRL", "ZAR"} < CURRENCIES


@pytest.mark.parametrize(
    ("text", "description"),
    [
        (r"One\nTwo", "One\nTwo"),
        (r"End.\r\n\r\nand more\n- item", "End.\n\nand more\n- item"),
        (r"in C:\new\names", r"in C:\new\names"),
        ("One\\nTwo\nThree", "One\\nTwo\nThree"),
    ],
)
def test_line_breaks_may_be_written_in_a_description_of_one_line(text: str, description: str):
    assert field_parsers.parse_description(text) == description


def test_a_separator_of_people_may_be_any_text():
    style = field_parsers.PeopleStyle(separator=" - ")

    assert field_parsers.parse_people("Jane Doe - John Roe (translator)", style) == (
        AuthorRecord("Jane Doe", sort_name="Doe, Jane"),
        AuthorRecord("John Roe", "TRANSLATOR", sort_name="Roe, John"),
    )


def test_a_cover_has_a_web_address():
    assert field_parsers.parse_cover_url(" https://covers.example/1.jpg ") == "https://covers.example/1.jpg"
    assert field_parsers.parse_cover_url("") is None
    refused = "cover_url: not a URL that begins with https:// or http://"
    for text in ("ftp://x", "//x/y.jpg", "javascript:alert(1)", "https://x/a b", "https://x/\n" + "y"):
        assert reason(field_parsers.parse_cover_url, text) == refused
    assert reason(field_parsers.parse_cover_url, "https://" + "x" * 2_000) == (
        "cover_url: 2,008 characters; 2,000 are allowed"
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [("", None), (" ", None), ("12", 12), (" 12 ", 12), ("320.0", 320), ("2147483647", 2**31 - 1)],
)
def test_valid_whole_numbers_are_parsed(text: str, number: int | None):
    assert field_parsers.parse_integer("pages", text, 1) == number


@pytest.mark.parametrize("text", ["0", "-1", "2147483648", "9" * 30])
def test_a_whole_number_out_of_range_is_rejected(text: str):
    assert reason(field_parsers.parse_integer, "pages", text, 1) == "pages: not between 1 and 2147483647"


@pytest.mark.parametrize("text", ["1.5", "many", "1e3", "²", "9" * 50 + "x", "--1"])
def test_an_invalid_whole_number_is_rejected(text: str):
    assert reason(field_parsers.parse_integer, "stock", text) == "stock: not a whole number such as 320"


@pytest.mark.parametrize(
    ("average", "count", "rating"),
    [
        ("4.345", "10", (Decimal("4.35"), 10)),
        ("4", "", (Decimal("4.00"), 1)),
        ("0", "3", (Decimal("0.00"), 3)),
        ("0.0", "0", (None, 0)),
        ("", "0", (None, 0)),
        ("", "", (None, None)),
    ],
)
def test_a_rating_has_an_average_and_a_count_or_neither(
    average: str, count: str, rating: tuple[Decimal | None, int | None]
):
    assert field_parsers.parse_rating(average, count) == rating


def test_a_rating_that_contradicts_itself_is_rejected():
    both = "write both, or neither"
    assert (
        reason(field_parsers.parse_rating, "", "5")
        == f"rating_average: missing, but rating_count is 5; {both}"
    )
    assert reason(field_parsers.parse_rating, "4", "0") == f"rating_count: 0, but rating_average is 4; {both}"
    assert reason(field_parsers.parse_rating, "5.01", "2") == "rating_average: not between 0 and 5"
    assert (
        reason(field_parsers.parse_rating, "good", "2") == "rating_average: not a plain number such as 4.25"
    )


@pytest.mark.parametrize(
    ("text", "author"),
    [
        ("Jane Doe (translator)", AuthorRecord("Jane Doe", "TRANSLATOR", sort_name="Doe, Jane")),
        ("Jane Doe (Ed.)", AuthorRecord("Jane Doe", "EDITOR", sort_name="Doe, Jane")),
        ("Jane Doe (Oxford)", AuthorRecord("Jane Doe (Oxford)")),
        ("(translator)", AuthorRecord("(translator)")),
        ("  Jane   Doe ", AuthorRecord("Jane Doe", sort_name="Doe, Jane")),
        (" ", None),
    ],
)
def test_parentheses_after_a_name_are_a_role_only_if_the_role_is_known(
    text: str, author: AuthorRecord | None
):
    assert field_parsers.parse_author(text) == author


def test_a_person_is_kept_once_in_each_role_in_order():
    jane, john, editor = AuthorRecord("Jane"), AuthorRecord("John"), AuthorRecord("Jane", "EDITOR")
    namesakes = [AuthorRecord("Jane", source_id="1"), AuthorRecord("Jane", source_id="2")]

    assert field_parsers.deduplicate_authors([jane, john, jane, editor]) == (jane, john, editor)
    assert field_parsers.deduplicate_authors(namesakes) == tuple(namesakes)
    assert reason(field_parsers.deduplicate_authors, [AuthorRecord(str(n)) for n in range(1_001)]) == (
        "authors: 1,001 authors; 1,000 are allowed"
    )


def test_unknown_roles_and_impossible_life_years_are_rejected():
    assert field_parsers.parse_role(" Illus. ") == "ILLUSTRATOR"
    assert reason(field_parsers.parse_role, "chef").startswith(
        "authors: not a known role; the roles are: author, contributor, editor"
    )
    assert field_parsers.check_life_years("authors", -43, 17) == (-43, 17)
    assert (
        reason(field_parsers.check_life_years, "authors", 1900, 1800)
        == "authors: death before birth; correct one of the years"
    )
    assert reason(field_parsers.parse_year, "authors", "0") == "authors: not a year between -9999 and 9999"
    assert (
        reason(field_parsers.parse_year, "authors", "1900?") == "authors: not a year between -9999 and 9999"
    )


def test_category_paths_are_cleaned_and_bounded():
    assert field_parsers.parse_category_path([" Fiction ", "Science  fiction"]) == (
        "Fiction",
        "Science fiction",
    )
    assert (
        reason(field_parsers.parse_category_path, ["Fiction", " "])
        == "categories: a level has no name; write it, or leave out its >"
    )
    assert reason(field_parsers.parse_category_path, ["a"] * 33) == "categories: 33 levels; 32 are allowed"
    assert (
        reason(field_parsers.parse_category_path, ["a" * 501])
        == "categories: 501 characters; 500 are allowed"
    )
    assert reason(field_parsers.parse_category_path, ["&" * 450]) == "categories: longer than 2,000 bytes"
    assert (
        reason(field_parsers.parse_category_path, ["日本" * 250] * 2) == "categories: longer than 2,000 bytes"
    )
    assert len(field_parsers.parse_category_path(["a" * 400] * 4)) == 4


def test_categories_are_deduplicated_and_at_most_a_hundred():
    paths = [(str(number),) for number in range(100)]

    assert field_parsers.deduplicate_paths([*paths, ("7",)]) == tuple(paths)
    assert (
        reason(field_parsers.deduplicate_paths, [*paths, ("x",)])
        == "categories: 101 categories; 100 are allowed"
    )
