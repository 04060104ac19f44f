"""Which columns of existing books an import sets, and to what: the SQL of matching, comparing and updating."""

from dataclasses import dataclass

from db.book_columns import BOOK_FIELDS, BookField, set_values
from db.importing.options import LINK_FIELDS, ImportOptions


@dataclass(frozen=True, slots=True)
class UpdateRules:
    """The fields that a feed sets in existing books.

    - `fields` are those of `book`, `links` those of LINK_FIELDS.
    - With `empty_clears` an empty cell empties its field.
    """

    fields: tuple[BookField, ...]
    links: tuple[str, ...]
    empty_clears: bool

    @property
    def names(self) -> list[str]:
        return [*(field.name for field in self.fields), *self.links]

    @property
    def columns(self) -> str:
        """The columns of `book` that are set, as in SQL."""
        return ", ".join(column.name for field in self.fields for column in field.columns)

    @property
    def values(self) -> str:
        """The values of these columns, of a staged row `s` and the existing book `b`."""
        return ", ".join(value for field in self.fields for value in self.values_of(field))

    def values_of(self, field: BookField) -> list[str]:
        """Return the values of the field's columns, of a staged row `s` and the existing book `b`."""
        return set_values(field, empty_clears=self.empty_clears)

    @property
    def differs(self) -> str:
        """The condition that a staged row `s` changes a column of the existing book `b`."""
        return differs_condition(self.fields, empty_clears=self.empty_clears)

    def sets_links(self, column: str) -> str:
        """Return the condition that a row of `stage_link` sets its people or paths. NULL sets nothing."""
        return f"{column} IS NOT NULL" if self.empty_clears else f"{column} <> ''"


def differs_condition(fields: tuple[BookField, ...], *, empty_clears: bool) -> str:
    """Return the condition that a staged row `s` changes one of these fields of the existing book `b`."""
    if not fields:
        return "false"
    old = ", ".join(f"b.{column.name}" for field in fields for column in field.columns)
    new = ", ".join(value for field in fields for value in set_values(field, empty_clears=empty_clears))
    return f"({old}) IS DISTINCT FROM ({new})"


def update_rules(feed_fields: frozenset[str], options: ImportOptions) -> UpdateRules:
    """Return the rules of an import of a feed with these fields of BookRecord."""
    return UpdateRules(
        fields=tuple(
            field for field in BOOK_FIELDS if options.replace or field.columns[0].name in feed_fields
        ),
        links=tuple(name for name in LINK_FIELDS if options.replace or name in feed_fields),
        empty_clears=options.replace or options.empty_clears,
    )
