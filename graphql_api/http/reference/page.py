"""The reference as HTML: an index, a picture, and a part for each type with its fields or values."""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any, cast

from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLField,
    GraphQLInputField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_scalar_type,
    is_specified_directive,
    is_union_type,
    print_ast,
)
from graphql.utilities import get_default_value_ast

from graphql_api.http.paths import GRAPHQL_PATH
from graphql_api.http.reference.operations import example_operation
from graphql_api.http.reference.picture import draw_schema

_EXPLORER_URL = f"..{GRAPHQL_PATH}"
"""Relative to the reference: a proxy may serve both under another path."""

_GROUPS: Mapping[str, Callable[[Any], bool]] = {
    "Objects": is_object_type,
    "Interfaces": is_interface_type,
    "Unions": is_union_type,
    "Inputs": is_input_object_type,
    "Enums": is_enum_type,
    "Scalars": is_scalar_type,
}
"""The headings of types that are no root types, in their order."""


class ReferencePage:
    """The reference of a schema. With `explorer`, each root field has a link that opens it in GraphiQL."""

    def __init__(self, schema: GraphQLSchema, *, explorer: bool) -> None:
        self.schema = schema
        self.explorer = explorer
        self.roots: dict[str, GraphQLObjectType] = {
            operation: root
            for operation, root in (("query", schema.query_type), ("mutation", schema.mutation_type))
            if root
        }
        root_names = {root.name for root in self.roots.values()}
        types = [
            each
            for _, each in sorted(schema.type_map.items())
            if not is_introspection_type(each) and each.name not in root_names
        ]
        self.groups = {heading: list(filter(is_of, types)) for heading, is_of in _GROUPS.items()}
        self.directives = [each for each in schema.directives if not is_specified_directive(each)]
        self.users = self._find_users()

    def render(self, style: str) -> str:
        """Return the page, with this style sheet in it."""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark"><title>Bookstore – reference</title>'
            f'<link rel="icon" href="data:,"><style>{style}</style></head><body>'
            '<a class="skip" href="#start">Skip the index</a>'
            f'<div class="layout"><nav aria-label="Index">{self._index()}</nav>'
            f'<main id="start">{self._introduction()}{self._contents()}</main></div></body></html>\n'
        )

    def _index(self) -> str:
        headings = [
            (root.name, [(f"{root.name}.{name}", name) for name in root.fields])
            for root in self.roots.values()
        ]
        headings += [
            (heading, [(each.name, each.name) for each in types]) for heading, types in self.groups.items()
        ]
        headings.append(("Directives", [(f"@{each.name}", f"@{each.name}") for each in self.directives]))
        return "".join(
            f"<h2>{heading}</h2><ul>{''.join(f'<li>{_link(*each)}</li>' for each in links)}</ul>"
            for heading, links in headings
            if links
        )

    def _introduction(self) -> str:
        explorer = f'<a href="{_EXPLORER_URL}">GraphiQL</a> · ' if self.explorer else ""
        return (
            f"<h1>Bookstore GraphQL API</h1>{_prose(self.schema.description)}"
            f'<p class="links">{explorer}<a href="schema.graphql">The schema as a file</a></p>'
            '<h2 id="picture">Picture</h2><div class="scroll" tabindex="0" role="region" '
            f'aria-label="Picture of the schema">{draw_schema(self.schema)}</div>'
        )

    def _contents(self) -> str:
        parts = [
            f'<h2 id="{root.name}">{root.name}</h2>{_prose(root.description)}'
            + "".join(self._root_field(operation, root, name) for name in root.fields)
            for operation, root in self.roots.items()
        ]
        for heading, types in self.groups.items():
            if types:
                parts.append(f'<h2 id="{heading.lower()}">{heading}</h2>')
                parts += [self._type(each, heading.lower().removesuffix("s")) for each in types]
        if self.directives:
            parts.append(
                f'<h2 id="directives">Directives</h2>{"".join(map(self._directive, self.directives))}'
            )
        return "".join(parts)

    def _root_field(self, operation: str, root: GraphQLObjectType, name: str) -> str:
        field = root.fields[name]
        example = example_operation(self.schema, operation, name, field)
        link = f'<p><a class="run" href="{_EXPLORER_URL}{example.to_fragment()}">Open in GraphiQL</a></p>'
        return (
            f'<section id="{root.name}.{name}"><h3><code>{name}</code></h3>'
            f"<p><code>{name}{_signature(field)}</code></p>{_details(field)}{_arguments(field.args)}"
            f"<details><summary>An operation</summary><pre><code>{escape(example.text)}</code></pre>"
            f"<pre><code>{escape(example.variables)}</code></pre></details>"
            f"{link if self.explorer else ''}</section>"
        )

    def _type(self, graphql_type: GraphQLNamedType, kind: str) -> str:
        name = graphql_type.name
        lines = [f'<h3>{name}<span class="kind">{kind}</span></h3>', _prose(graphql_type.description)]
        if is_input_object_type(graphql_type) and graphql_type.is_one_of:
            lines.append('<p class="links">Exactly one field must be given (<code>@oneOf</code>).</p>')
        if interfaces := getattr(graphql_type, "interfaces", ()):
            lines.append(_named_links("Implements", [each.name for each in interfaces]))
        if is_interface_type(graphql_type) or is_union_type(graphql_type):
            possible = self.schema.get_possible_types(graphql_type)
            lines.append(_named_links("Is one of", sorted(each.name for each in possible)))
        if is_scalar_type(graphql_type) and graphql_type.specified_by_url:
            url = escape(graphql_type.specified_by_url)
            lines.append(f'<p class="links">Specified by <a href="{url}" rel="noreferrer">{url}</a></p>')
        if users := self.users.get(name):
            lines.append(_named_links("Used by", sorted(users)))
        lines.append(_members(graphql_type))
        return f'<section id="{name}">{"".join(lines)}</section>'

    def _directive(self, directive: GraphQLDirective) -> str:
        places = ", ".join(location.name for location in directive.locations)
        return (
            f'<section id="@{directive.name}"><h3>@{directive.name}</h3>{_prose(directive.description)}'
            f'<p class="links">On {places}</p>{_arguments(directive.args)}</section>'
        )

    def _find_users(self) -> dict[str, set[str]]:
        """Return for each type the types and root fields whose fields or arguments have it."""
        users: dict[str, set[str]] = {}
        root_names = {root.name for root in self.roots.values()}
        for graphql_type in self.schema.type_map.values():
            if is_introspection_type(graphql_type):
                continue
            for name, field in _fields_of(graphql_type).items():
                user = f"{graphql_type.name}.{name}" if graphql_type.name in root_names else graphql_type.name
                for part in (field, *getattr(field, "args", {}).values()):
                    used = get_named_type(part.type).name
                    if used != user:
                        users.setdefault(used, set()).add(user)
        return users


def _fields_of(graphql_type: GraphQLNamedType) -> dict[str, Any]:
    return cast("dict[str, Any]", getattr(graphql_type, "fields", {}))


def _members(graphql_type: GraphQLNamedType) -> str:
    """Return the fields or the values of a type as a list of descriptions."""
    name = graphql_type.name
    if is_enum_type(graphql_type):
        rows = [
            (f"{name}.{key}", f"<code>{key}</code>", _details(value))
            for key, value in graphql_type.values.items()
        ]
    else:
        rows = [
            (
                f"{name}.{key}",
                f"<code>{key}{_signature(field)}</code>",
                _details(field) + _arguments(getattr(field, "args", {})),
            )
            for key, field in _fields_of(graphql_type).items()
        ]
    terms = "".join(f'<dt id="{anchor}">{term}</dt><dd>{details}</dd>' for anchor, term, details in rows)
    return f"<dl>{terms}</dl>" if terms else ""


def _arguments(arguments: Mapping[str, GraphQLArgument]) -> str:
    terms = "".join(
        f"<dt><code>{name}{_signature(argument)}</code></dt><dd>{_details(argument)}</dd>"
        for name, argument in arguments.items()
    )
    return f"<dl>{terms}</dl>" if terms else ""


def _signature(part: GraphQLField | GraphQLInputField | GraphQLArgument) -> str:
    """Return the type of a field or an argument, with links, and its default value."""
    named = get_named_type(part.type).name
    linked = escape(str(part.type)).replace(named, _link(named, named))
    default = None if isinstance(part, GraphQLField) else get_default_value_ast(part)
    return f": {linked}" + (f" = {escape(print_ast(default))}" if default else "")


def _details(part: Any) -> str:
    """Return the description of a part, after why it is deprecated."""
    deprecated = ""
    if part.deprecation_reason is not None:
        deprecated = f'<p class="deprecated">Deprecated. {_inline(part.deprecation_reason)}</p>'
    return deprecated + _prose(part.description)


def _prose(text: str | None) -> str:
    """Return a description, whose paragraphs are separated by a blank line, as HTML."""
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in (text or "").split("\n\n") if paragraph)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _link(anchor: str, text: str) -> str:
    return f'<a href="#{anchor}">{text}</a>'


def _named_links(label: str, names: Iterable[str]) -> str:
    return f'<p class="links">{label} {", ".join(_link(name, name) for name in names)}</p>'
