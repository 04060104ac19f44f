"""Changes of a schema that can break its clients, and whether the changelog names them."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from graphql import (
    BreakingChangeType,
    DangerousChangeType,
    GraphQLError,
    GraphQLNamedType,
    GraphQLSchema,
    SchemaChange,
    build_schema,
    find_schema_changes,
    get_named_type,
    is_enum_type,
    is_interface_type,
    is_object_type,
    parse,
    validate,
)

from db.errors import CatalogError
from graphql_api.execution.manifests import ManifestDocument
from graphql_api.execution.trusted_documents import describe_error

_COORDINATES = [
    re.compile(pattern)
    for pattern in (
        r"union type (\w+)",
        r"implemented by (\w+)",
        r"(@?\w+\.\w+(?:\(\w+:\))?)",
        r"(@\w+(?:\(\w+:\))?)",
        r"^(?:Standard scalar )?(\w+)",
    )
]
"""Where the description of a change has its coordinate: the first that matches."""

_UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class RiskyChange:
    """A change that can break a client, and the coordinate of what it changes, for example `Book.price`."""

    coordinate: str
    description: str


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """What can break the clients of an old schema.

    `announced` are the risky changes that the changelog names, and `unannounced` the others. `broken` has a
    line for each document that is not valid any more.
    """

    announced: list[RiskyChange]
    unannounced: list[RiskyChange]
    broken: list[str]

    def report(self) -> str:
        """Return what must be looked at, or one line that nothing must be."""
        lines: list[str] = []
        if self.unannounced:
            lines.append("Changes that can break a client, and are not under Unreleased in the changelog:")
            lines += [f"  `{change.coordinate}`: {change.description}" for change in self.unannounced]
        if self.broken:
            lines.append("Documents that are not valid any more:")
            lines += [f"  {line}" for line in self.broken]
        announced = f"; the changelog names {len(self.announced)} changes that can" if self.announced else ""
        return "\n".join(lines) or f"No client is broken without notice{announced}."


def check_schema(
    old: GraphQLSchema, new: GraphQLSchema, *, changelog: str = "", documents: Iterable[ManifestDocument] = ()
) -> SchemaCheck:
    """Compare a schema with the one that its clients were made for."""
    names = announced_coordinates(changelog)
    changes = find_risky_changes(old, new)
    return SchemaCheck(
        [change for change in changes if change.coordinate in names],
        [change for change in changes if change.coordinate not in names],
        find_broken_documents(old, new, documents),
    )


def read_schema(path: Path) -> GraphQLSchema:
    """Return the schema of a file in the schema definition language. Raise CatalogError if it has none."""
    try:
        return build_schema(path.read_text(encoding="utf-8"))
    except (GraphQLError, TypeError, UnicodeDecodeError) as error:
        reason = error.message if isinstance(error, GraphQLError) else str(error)
        raise CatalogError(f"{path}: the file is not a schema: {reason}") from error


def find_risky_changes(old: GraphQLSchema, new: GraphQLSchema) -> list[RiskyChange]:
    """Return the changes that can break a client of the old schema, sorted by coordinate.

    All changes that graphql-core calls breaking are risky. Three kinds that it calls dangerous are not: a new
    optional argument or input field, a new enum value that no response can have, and a new interface. No
    client sends or names them yet.
    """
    enums = _enums_of_responses(old)
    changes = [
        RiskyChange(_find_coordinate(change.description), change.description)
        for change in find_schema_changes(old, new)
        if _is_risky(change, old, enums)
    ]
    return sorted(changes, key=lambda change: (change.coordinate, change.description))


def _is_risky(change: SchemaChange, old: GraphQLSchema, enums_of_responses: Collection[str]) -> bool:
    if isinstance(change.type, BreakingChangeType):
        return True
    match change.type:
        case DangerousChangeType.VALUE_ADDED_TO_ENUM:
            return _find_coordinate(change.description).split(".")[0] in enums_of_responses
        case DangerousChangeType.IMPLEMENTED_INTERFACE_ADDED:
            return change.description.split()[0] in old.type_map
        case (
            DangerousChangeType.TYPE_ADDED_TO_UNION
            | DangerousChangeType.ARG_DEFAULT_VALUE_CHANGE
            | DangerousChangeType.INPUT_FIELD_DEFAULT_VALUE_CHANGE
        ):
            return True
        case _:
            return False


def _enums_of_responses(schema: GraphQLSchema) -> set[str]:
    """Return the names of the enums whose values responses can have."""
    names: set[str] = set()
    for graphql_type in schema.type_map.values():
        if is_object_type(graphql_type) or is_interface_type(graphql_type):
            fields = cast("dict[str, Any]", graphql_type.fields).values()
            types: list[GraphQLNamedType] = [get_named_type(field.type) for field in fields]
            names |= {each.name for each in types if is_enum_type(each)}
    return names


def _find_coordinate(description: str) -> str:
    """Return the coordinate of a change."""
    matches = (pattern.search(description) for pattern in _COORDINATES)
    return next(match[1] for match in matches if match)


def announced_coordinates(changelog: str) -> set[str]:
    """Return what the section `## Unreleased` of a changelog has in backticks."""
    section = _UNRELEASED.search(changelog)
    return set(re.findall(r"`([^`\n]+)`", section[1])) if section else set()


def find_broken_documents(
    old: GraphQLSchema, new: GraphQLSchema, documents: Iterable[ManifestDocument]
) -> list[str]:
    """Return a line for each document that is valid in the old schema and invalid in the new one.

    It names the file, the document and the first reason.
    """
    broken: list[str] = []
    for document in documents:
        errors = _find_errors(new, document.text)
        if errors and not _find_errors(old, document.text):
            broken.append(f"{document.path}: {document.identifier}: {describe_error(errors[0])}")
    return broken


def _find_errors(schema: GraphQLSchema, text: str) -> list[GraphQLError]:
    try:
        return validate(schema, parse(text))
    except GraphQLError as error:
        return [error]
