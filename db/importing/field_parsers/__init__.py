"""Parse the text of each field of a book into a valid value, or raise FieldError with the reason.

Parsed values satisfy the constraints of the catalog's tables. Empty text and placeholders such as "n/a" mean that
the field is missing.
"""

from db.importing.field_parsers.categories import (
    MAX_CATEGORIES,
    CategoryPath,
    deduplicate_paths,
    parse_category,
    parse_category_path,
    split_paths,
)
from db.importing.field_parsers.dates import (
    DateOrder,
    parse_literal_published,
    parse_published,
    parse_published_day,
    parse_published_year,
    parse_year,
)
from db.importing.field_parsers.errors import FieldError, RoundedNumberError
from db.importing.field_parsers.formats import parse_format
from db.importing.field_parsers.formulas import refuse_formula
from db.importing.field_parsers.isbns import is_repaired_isbn, parse_isbn
from db.importing.field_parsers.languages import parse_language
from db.importing.field_parsers.numbers import (
    parse_decimal,
    parse_integer,
    parse_pages,
    parse_rating,
    parse_stock,
)
from db.importing.field_parsers.people import (
    Commas,
    PeopleStyle,
    apply_sort_names,
    check_life_years,
    deduplicate_authors,
    find_commas,
    parse_author,
    parse_literal_people,
    parse_people,
)
from db.importing.field_parsers.placeholders import is_placeholder
from db.importing.field_parsers.prices import (
    DecimalMark,
    contains_currency,
    find_decimal_mark,
    parse_price,
)
from db.importing.field_parsers.roles import parse_role
from db.importing.field_parsers.series import (
    find_numbered_series,
    parse_series,
)
from db.importing.field_parsers.sort_names import derive_sort_name
from db.importing.field_parsers.texts import (
    MAX_DESCRIPTION_LENGTH,
    MAX_SOURCE_ID_LENGTH,
    decode_entities,
    parse_cover_url,
    parse_description,
    parse_literal_description,
    parse_literal_line,
    parse_publisher,
    parse_single_line,
    parse_source_id,
    parse_subtitle,
    parse_title,
    parse_work,
)

__all__ = [
    "MAX_CATEGORIES",
    "MAX_DESCRIPTION_LENGTH",
    "MAX_SOURCE_ID_LENGTH",
    "CategoryPath",
    "Commas",
    "DateOrder",
    "DecimalMark",
    "FieldError",
    "PeopleStyle",
    "RoundedNumberError",
    "apply_sort_names",
    "check_life_years",
    "contains_currency",
    "decode_entities",
    "deduplicate_authors",
    "deduplicate_paths",
    "derive_sort_name",
    "find_commas",
    "find_decimal_mark",
    "find_numbered_series",
    "is_placeholder",
    "is_repaired_isbn",
    "parse_author",
    "parse_category",
    "parse_category_path",
    "parse_cover_url",
    "parse_decimal",
    "parse_description",
    "parse_format",
    "parse_integer",
    "parse_isbn",
    "parse_language",
    "parse_literal_description",
    "parse_literal_line",
    "parse_literal_people",
    "parse_literal_published",
    "parse_pages",
    "parse_people",
    "parse_price",
    "parse_published",
    "parse_published_day",
    "parse_published_year",
    "parse_publisher",
    "parse_rating",
    "parse_role",
    "parse_series",
    "parse_single_line",
    "parse_source_id",
    "parse_stock",
    "parse_subtitle",
    "parse_title",
    "parse_work",
    "parse_year",
    "refuse_formula",
    "split_paths",
]  # fmt: skip
