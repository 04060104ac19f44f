"""Find leaks: names that a role's schema answers differently from a name that never was in it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_named_type,
    introspection_from_schema,
    is_composite_type,
    is_introspection_type,
    is_required_argument,
)
from strawberry import Schema

from graphql_api.execution.documents import DocumentCache, InvalidDocumentError
from graphql_api.execution.executor import run_with_graphql_core

LITERALS = {"null": None, "1": 1, '"x"': "x", "{}": {}}
"""Values of arguments and input fields, as literals and as values of variables."""


@dataclass(frozen=True, slots=True)
class Part:
    """A type, field, argument, input field or enum value. `owner` is its type, `field` the field of an argument."""

    kind: str
    name: str
    owner: str = ""
    field: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "type":
                return self.name
            case "argument":
                return f"{self.owner}.{self.field}({self.name}:)"
        return f"{self.owner}.{self.name}"


def parts_of(schema: GraphQLSchema) -> Iterator[Part]:
    """Yield all parts of a schema, except those of introspection."""
    for type_name, type_ in schema.type_map.items():
        if is_introspection_type(type_):
            continue
        yield Part("type", type_name)
        if isinstance(type_, GraphQLEnumType):
            yield from (Part("enum value", name, type_name) for name in type_.values)
        if isinstance(type_, GraphQLInputObjectType):
            yield from (Part("input field", name, type_name) for name in type_.fields)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in type_.fields.items():
                yield Part("field", field_name, type_name)
                yield from (Part("argument", name, type_name, field_name) for name in field.args)


def hidden_parts(full: Schema, own: Schema) -> list[Part]:
    """Return the parts of the full schema that a role's own schema does not have."""
    visible = set(parts_of(own._schema))
    return [part for part in parts_of(full._schema) if part not in visible]


@dataclass(frozen=True, slots=True)
class Probe:
    """A document in which § stands for the name of a part, and its variables, in which it does too."""

    document: str
    variables: Any = None

    def named(self, name: str) -> "Probe":
        return Probe(self.document.replace("§", name), _replace_names(self.variables, name))


def _replace_names(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key.replace("§", name): _replace_names(each, name) for key, each in value.items()}
    return value.replace("§", name) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an operation, for a selection or a literal, with the variables that must be declared.

    `input_type` is the type of the literal, without its last "!".
    """

    operation: str
    before: str
    after: str
    declarations: tuple[str, ...] = ()
    input_type: str = ""

    def document(self, content: str, *declarations: str) -> str:
        declared = ", ".join((*self.declarations, *declarations))
        return f"{self.operation}{f' ({declared})' if declared else ''} {self.before}{content}{self.after}"


def call_field(place: Place, name: str, called: GraphQLField, argument: str = "") -> Place:
    """Return a place of the field's selection, or of the value of one of its arguments.

    Its other required arguments are variables.
    """
    declarations = list(place.declarations)
    given: list[str] = []
    for other, each in called.args.items():
        if other != argument and is_required_argument(each):
            given.append(f"{other}: $v{len(declarations)}")
            declarations.append(f"$v{len(declarations)}: {each.type}")
    before, after = f"{place.before}{name}", place.after
    if argument:
        given.append(f"{argument}: ")
        after = f"){' { __typename }' if is_composite_type(get_named_type(called.type)) else ''}{after}"
    arguments = f"({', '.join(given)}" if given else ""
    return Place(
        place.operation,
        before + arguments + (")" if given and not argument else ""),
        after,
        tuple(declarations),
    )


def places_of_objects(schema: GraphQLSchema) -> dict[str, Place]:
    """Return a place of a selection for each object type and interface that an operation reaches."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type}
    places = {root.name: Place(operation, "{ ", " }") for operation, root in roots.items() if root}
    pending = list(places)
    while pending:
        type_: Any = schema.type_map[pending.pop(0)]
        place = places[type_.name]
        below = [
            (get_named_type(each.type), call_field(place, name, each))
            for name, each in getattr(type_, "fields", {}).items()
        ]
        if not isinstance(type_, GraphQLObjectType):
            below += [
                (each, replace(place, before=f"{place.before}... on {each.name}"))
                for each in schema.get_possible_types(type_)
            ]
        for found, at in below:
            if is_composite_type(found) and found.name not in places:
                places[found.name] = replace(at, before=f"{at.before} {{ ", after=f" }}{at.after}")
                pending.append(found.name)
    return places


def places_of_inputs(schema: GraphQLSchema) -> dict[str, Place]:
    """Return a place of a literal for each input type and enum that an argument reaches."""
    places: dict[str, Place] = {}
    for type_name, place in places_of_objects(schema).items():
        for name, called in getattr(schema.type_map[type_name], "fields", {}).items():
            for argument, each in called.args.items():
                _add_input_places(places, each.type, call_field(place, name, called, argument))
    return places


def _add_input_places(places: dict[str, Place], type_: GraphQLInputType, place: Place) -> None:
    named = get_named_type(type_)
    if named.name in places:
        return
    places[named.name] = replace(place, input_type=str(type_).removesuffix("!"))
    if isinstance(named, GraphQLInputObjectType):
        for name, each in named.fields.items():
            below = replace(place, before=f"{place.before}{{{name}: ", after=f"}}{place.after}")
            _add_input_places(places, each.type, below)


@dataclass(slots=True)
class Prober:
    """Builds the probes of a part: queries in which its name stands where the full schema has it."""

    full: GraphQLSchema
    own: GraphQLSchema
    objects: dict[str, Place] = field(init=False)
    inputs: dict[str, Place] = field(init=False)

    def __post_init__(self) -> None:
        self.objects, self.inputs = places_of_objects(self.own), places_of_inputs(self.own)

    def probes_of(self, part: Part) -> Iterator[Probe]:
        match part.kind:
            case "type":
                yield from self.probe_type()
            case "field":
                yield from self.probe_field(part)
            case "argument":
                yield from self.probe_argument(part)
            case "input field":
                yield from self.probe_input(part, "{§: %s}")
            case _:
                yield from self.probe_input(part, "§")

    def probe_type(self) -> Iterator[Probe]:
        yield Probe("{ ... on § { __typename } }")
        yield Probe("{ ...F } fragment F on § { __typename }")
        yield Probe("query ($v: §) { __typename }", {"v": None})
        yield Probe("query ($v: [§!]!) { __typename }", {"v": []})
        yield Probe('{ __type(name: "§") { kind fields { name } inputFields { name } enumValues { name } } }')

    def probe_field(self, part: Part) -> Iterator[Probe]:
        owner: Any = self.full.type_map[part.owner]
        hidden = (
            Place("mutation", "{ ", " }")
            if owner is self.full.mutation_type
            else Place("query", f"{{ ... on {part.owner} {{ ", " } }")
        )
        place = self.objects.get(part.owner, hidden)
        arguments = ", ".join(f"{name}: null" for name in owner.fields[part.name].args)
        for below in ("", " { __typename }"):
            yield Probe(place.document(f"§{below}"))
            yield Probe(place.document(f"alias: §(other: 1){below} __typename"))
            if arguments:
                yield Probe(place.document(f"§({arguments}){below}"))

    def probe_argument(self, part: Part) -> Iterator[Probe]:
        owner: Any = self.own.type_map.get(part.owner)
        if owner is None or part.field not in owner.fields:
            return  # the probes of the field have its arguments
        place = call_field(self.objects[part.owner], part.field, owner.fields[part.field], "§")
        for literal in LITERALS:
            yield Probe(place.document(literal))

    def probe_input(self, part: Part, template: str) -> Iterator[Probe]:
        place = self.inputs.get(part.owner)
        if place is None:
            yield Probe(f"query ($v: {part.owner} = {template.replace('%s', '1')}) {{ __typename }}")
            return
        for literal, value in LITERALS.items() if "%s" in template else [("", "")]:
            written = template.replace("%s", literal)
            variables = {"v": {"§": value} if "%s" in template else "§"}
            yield Probe(place.document(written))
            yield Probe(place.document("$v", f"$v: {place.input_type} = {written}"))
            yield Probe(place.document("$v", f"$v: {place.input_type}!"), variables)


async def answer(documents: DocumentCache, probe: Probe) -> Any:
    """Return the answer to a probe, without a context: a resolver that runs fails, which is an answer, too."""
    try:
        operation = documents.get(probe.document, None).prepare(probe.variables)
    except InvalidDocumentError as invalid:
        return [error.formatted for error in invalid.errors]
    result = (await run_with_graphql_core(operation, None, "probed")).result
    return [result.data, *(error.formatted for error in result.errors or ())]


def invent_name(name: str) -> str:
    """Return a name of the same length and case that no schema has, so that errors have the same locations."""
    invented = "z" + "q" * (len(name) - 1)
    return invented.upper() if name.isupper() else invented.title() if name[0].isupper() else invented


def misspell(name: str) -> list[str]:
    return [f"{name}x", name[:-1] or "x", name[1:] or "x", name.swapcase()]


def build_reference(schema: Schema) -> Any:
    """Return a schema that is built of a role's introspection alone: what it does not list was never there."""
    reference = build_client_schema(introspection_from_schema(schema._schema))
    for name, type_ in reference.type_map.items():
        own: Any = schema._schema.type_map[name]
        type_.extensions = own.extensions  # Strawberry's rules read them
        if isinstance(type_, GraphQLInputObjectType):
            type_.is_one_of = own.is_one_of  # Strawberry checks it by a rule of its own
    return SimpleNamespace(_schema=reference)


async def find_leaks(
    schema: Schema, full: Schema, closed: Schema | None = None, parts: Sequence[Part] = ()
) -> list[str]:
    """Return the hidden parts that a role's schema reveals, each with a probe that shows it.

    `closed` is the schema that the role should have, if it is not this one. Without `parts`, all parts are
    tried that the full schema has and the closed one has not.
    """
    closed = closed or schema
    parts = parts or hidden_parts(full, closed)
    visible = {part.name for part in parts_of(closed._schema)}
    prober = Prober(full._schema, closed._schema)
    plain, suggesting = (DocumentCache(schema, suggestions=each) for each in (False, True))
    reference = DocumentCache(build_reference(closed), suggestions=True)
    listed = set(parts_of(build_reference(schema)._schema))
    leaks = [f"{each}: introspection" for each in parts if each in listed]
    leaks += [f"{each}: SDL" for each in find_words(schema, parts)]
    for part in parts:
        for number, probe in enumerate(prober.probes_of(part)):
            named, invented = probe.named(part.name), invent_name(part.name)
            expected = repr(await answer(plain, probe.named(invented))).replace(invented, part.name)
            if repr(await answer(plain, named)) != expected:
                leaks.append(f"{part}: {named}")
                break
            near = [name for name in misspell(part.name) if name not in visible] if number < 3 else []
            probes = [named, *(probe.named(name) for name in near)]
            different = [
                each for each in probes if await answer(suggesting, each) != await answer(reference, each)
            ]
            if different:
                leaks.append(f"{part}: {different[0]}")
                break
    return leaks


def find_words(schema: Schema, parts: Sequence[Part]) -> list[Part]:
    """Return the parts that the SDL mentions as code, or declares, though nothing in it has their name."""
    visible = {part.name for part in parts_of(schema._schema)}
    sdl = schema.as_str()
    return [
        part
        for part in parts
        if part.name not in visible and re.search(rf"[`\"]{part.name}[`\"]|\b{part.name}[:(]", sdl)
    ]
