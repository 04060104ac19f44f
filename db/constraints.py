"""Values that the constraints and functions of the database hold too; a test compares both."""

MAX_TITLE_LENGTH = 2_000
"""Maximum length of a title in characters."""

MAX_NAME_LENGTH = 500
"""Maximum length of the name of an author, a category, a publisher or a series in characters."""

MAX_SERIES_POSITION_LENGTH = 50
"""Maximum length of the position of a book in its series in characters."""

MAX_WORK_KEY_LENGTH = 100
"""Maximum length of a source's key of a work in characters."""

MAX_NAME_KEY_LENGTH = 200
"""Maximum length of the folded name that identifies a series, or an author without an id, in characters."""

MAX_SORT_KEY_LENGTH = 80
"""Length in characters at which the sort keys of titles and names are cut."""

MAX_CATEGORY_DEPTH = 32
"""Maximum number of levels of a category, its root included."""

MAX_CATEGORY_PATH_BYTES = 2_000
"""Maximum length of a category's path in bytes."""

MAX_YEAR = 9_999
"""Latest year of publication; the earliest is its negative."""

PRICE_LIMIT = 10**10
"""Lowest amount that is no longer a valid price."""

MAX_PRICE_DECIMALS = 4

CONTRIBUTOR_ROLES = (
    "AUTHOR", "EDITOR", "TRANSLATOR", "ILLUSTRATOR", "INTRODUCTION", "NARRATOR", "CONTRIBUTOR",
)  # fmt: skip
"""The roles in which an author can contribute to a book."""

BOOK_FORMATS = (
    "HARDCOVER", "PAPERBACK", "MASS_MARKET_PAPERBACK", "BOARD_BOOK", "SPIRAL_BOUND", "LOOSE_LEAF", "PAMPHLET",
    "EBOOK", "AUDIOBOOK", "MAP", "BOX_SET", "OTHER",
)  # fmt: skip
"""The formats of books."""

ACCESS_ROLES = ("PUBLIC", "EDITOR", "MANAGER")
"""The roles of access keys."""

MAX_ACCESS_KEY_NAME_LENGTH = 100
"""Maximum length of an access key's name in characters."""

TIER_THRESHOLDS = (16, 64, 256, 1_024, 4_096, 16_384)
"""The lowest rating count of each popularity tier above 0."""


def sql_list(values: tuple[str, ...]) -> str:
    """Return the values as the list of an SQL IN; they are names from the code."""
    return ", ".join(f"'{value}'" for value in values)
