"""From an operation to the source of a function that runs it, breadth-first, each field once a level.

The function is optimistic: at the first thing that goes wrong it raises, and stock execution answers
instead. So it holds no error handling, and errors are exactly those of stock execution.

What is generated, for an operation without arguments that nests relations:

    books = books_of([root], context)                 a level: one call for all objects of a position
    for out, value in zip(root_outs, books): ...      its objects and leaves, straight-line
    started_1 = authors_of(books_objects, context)    the next levels, all started,
    started_2 = categories_of(books_objects, context)
    for out, value in zip(books_outs, await started_1): ...   then awaited

Names in the source are those of the schema; what a client chose, aliases, stands in constants.
"""

from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry import Schema

from graphql_api.execution.arguments import ArgumentWriter
from graphql_api.execution.calls import CallWriter, FieldUse, LevelCall, Unplannable, field_use, plain, row_of
from graphql_api.execution.look_ahead import pages_ahead
from graphql_api.execution.runtime import (
    LISTS,
    PlanFailed,
    coerced,
    is_no_object,
    members_of,
    started,
    type_namer,
)
from graphql_api.execution.selections import Details, Selections
from graphql_api.execution.source import Source
from graphql_api.execution.variables import Variables


@dataclass(frozen=True, slots=True)
class Position:
    """The objects of one selection set, collected while their outputs are written."""

    objects: str
    outs: str


ROOT = Position("[root]", "[data]")


@dataclass(frozen=True, slots=True)
class Pending:
    """A field to be resolved for all objects of a position, into their outputs."""

    field: GraphQLField
    details: Details
    key: str
    position: Position
    call: LevelCall


@dataclass(slots=True)
class Compiler:
    """Writes one operation's function."""

    schema: Schema
    selections: Selections
    variables: Variables
    source: Source = field(default_factory=Source)
    pending: list[Pending] = field(default_factory=list)
    collected: list[Position] = field(default_factory=list[Position])
    reads: set[tuple[str, str]] = field(default_factory=set)

    @property
    def calls(self) -> CallWriter:
        arguments = ArgumentWriter(self.schema, self.source, self.variables)
        return CallWriter(self.schema, self.source, arguments, self.reads)

    def compile(self) -> tuple[str, dict[str, Any]]:
        """The source of `async def plan(root, context, variables)`, and the constants it refers to."""
        query_type = self.schema._schema.query_type  # noqa: SLF001
        if query_type is None:
            raise Unplannable("there is no query type")
        self.source.line(0, "async def plan(root, context, variables):")
        mark = len(self.source.lines)
        data = self.object_literal(query_type, self.selections.of_operation(query_type), "root", 1, ROOT)
        self.source.line(1, f"data = {data}")
        self.open_positions(mark)
        while self.pending:
            self.stage()
        self.source.line(1, "return data")
        return self.source.text(), self.source.constants

    # Levels

    def stage(self) -> None:
        """Resolve everything pending: what needs no waiting at once, then the rest, started and awaited."""
        waiting: list[Pending] = []
        while self.pending:
            pending = self.pending.pop(0)
            if pending.call.awaited:
                waiting.append(pending)
            else:
                self.complete(pending, pending.call.text)
        if len(waiting) == 1:
            self.complete(waiting[0], f"await {waiting[0].call.text}")
            return
        names = [self.start(pending) for pending in waiting]
        for pending, name in zip(waiting, names, strict=True):
            self.complete(pending, f"await {name}", guard=name)

    def start(self, pending: Pending) -> str:
        """Start a field; what a loader answers is on its way already, everything else gets a task."""
        name = self.source.name(pending.details[0].node.name.value)
        objects, start = pending.position.objects, pending.call.text
        if pending.call.by_task:
            start = f"{self.source.constant('started', started)}({start})"
        self.source.line(
            1, f"{name} = {start}" + ("" if objects == ROOT.objects else f" if {objects} else None")
        )
        return name

    def complete(self, pending: Pending, values: str, guard: str | None = None) -> None:
        """Write the values of a field into the outputs of its position."""
        position, value = pending.position, self.source.name(pending.details[0].node.name.value)
        key = self.key_literal(pending.key, pending.details)
        mark = len(self.source.lines)
        if position is ROOT:
            self.source.line(1, f"[{value}] = {values}")
            made = self.value(pending.field.type, pending.details, value, 1)
            self.source.line(1, f"data[{key}] = {made}")
        else:
            out = self.source.name("out")
            self.source.line(1, f"if {guard or position.objects}:")
            self.source.line(2, f"for {out}, {value} in zip({position.outs}, {values}, strict=True):")
            made = self.value(pending.field.type, pending.details, value, 3)
            self.source.line(3, f"{out}[{key}] = {made}")
        self.open_positions(mark)

    # Values

    def value(self, kind: GraphQLOutputType, details: Details, name: str, depth: int) -> str:
        """Write what turns the value in `name` into output; the expression that has it then."""
        if is_non_null_type(kind):
            return self.non_null(kind.of_type, details, name, depth)
        if is_leaf_type(kind):
            self.leaf(kind, name, depth, nullable=True)
            return name
        made = self.source.name("made")
        self.source.line(depth, f"{made} = None")
        self.source.line(depth, f"if {name} is not None:")
        inner = self.present(kind, details, name, depth + 1)
        self.source.line(depth + 1, f"{made} = {inner}")
        return made

    def non_null(self, kind: GraphQLOutputType, details: Details, name: str, depth: int) -> str:
        if is_leaf_type(kind):
            self.leaf(kind, name, depth, nullable=False)
            return name
        self.source.line(depth, f"if {name} is None:")
        self.source.line(depth + 1, f"raise {self.source.constant('PlanFailed', PlanFailed)}")
        return self.present(kind, details, name, depth)

    def present(self, kind: GraphQLOutputType, details: Details, name: str, depth: int) -> str:
        """A value that is not None, and whose type is neither a leaf nor non-null."""
        if is_list_type(kind):
            return self.list_value(kind.of_type, details, name, depth)
        if is_object_type(kind):
            return self.object_value(kind, details, name, depth)
        if is_abstract_type(kind):
            return self.abstract_value(kind, details, name, depth)
        raise Unplannable(f"the type {kind}")

    def leaf(self, kind: GraphQLLeafType, name: str, depth: int, *, nullable: bool) -> None:
        present = f"{name} is not None" if nullable else ""
        usual = plain(kind)
        if usual and usual is not int:
            condition = f"{name}.__class__ is not {usual.__name__}"
        elif kind is GraphQLInt:
            condition = f"not ({name}.__class__ is int and -2147483648 <= {name} <= 2147483647)"
        elif kind is GraphQLFloat:
            condition = f"not ({name}.__class__ is float and {name} - {name} == 0.0)"
        else:
            condition = ""
        made = f"{self.source.constant(f'coerced_{kind.name}', coerced(kind))}({name})"
        members = members_of(kind) if isinstance(kind, GraphQLEnumType) else None
        if members is not None:
            made = f"{self.source.constant(f'members_{kind.name}', members)}.get({name}) or {made}"
        clauses = " and ".join(clause for clause in (present, condition) if clause)
        if clauses:
            self.source.line(depth, f"if {clauses}:")
            depth += 1
        self.source.line(depth, f"{name} = {made}")

    def list_value(self, kind: GraphQLOutputType, details: Details, name: str, depth: int) -> str:
        stem = get_named_type(kind).name.lower()
        items, item = self.source.name(f"{stem}_list"), self.source.name(stem)
        self.source.line(depth, f"if {name}.__class__ not in {self.source.constant('LISTS', LISTS)}:")
        self.source.line(depth + 1, f"raise {self.source.constant('PlanFailed', PlanFailed)}")
        inline = self.inline(kind, details, item)
        if inline:
            return f"[{inline} for {item} in {name}]"
        self.source.line(depth, f"{items} = []")
        self.source.line(depth, f"for {item} in {name}:")
        made = self.value(kind, details, item, depth + 1)
        self.source.line(depth + 1, f"{items}.append({made})")
        return items

    def abstract_value(self, kind: Any, details: Details, name: str, depth: int) -> str:
        type_name, made = self.source.name("type_name"), self.source.name("made")
        namer = type_namer(self.schema, kind, details[0].node.name.value)
        named = self.source.constant(f"type_of_{kind.name}", namer)
        self.source.line(depth, f"{type_name} = {named}({name})")
        word = "if"
        for possible in self.schema._schema.get_possible_types(kind):  # noqa: SLF001
            self.source.line(depth, f"{word} {type_name} == {possible.name!r}:")
            inner = self.object_value(possible, details, name, depth + 1)
            self.source.line(depth + 1, f"{made} = {inner}")
            word = "elif"
        self.source.line(depth, "else:" if word == "elif" else "if True:")
        self.source.line(depth + 1, f"raise {self.source.constant('PlanFailed', PlanFailed)}")
        return made

    def object_value(self, kind: GraphQLObjectType, details: Details, name: str, depth: int) -> str:
        """An object's output; what is pending for it is told where the object and the output are."""
        if kind.is_type_of:
            test = self.source.constant(f"is_{kind.name}", kind.is_type_of)
            self.source.line(depth, f"if {test}({name}, None) is not True:")
            self.source.line(depth + 1, f"raise {self.source.constant('PlanFailed', PlanFailed)}")
        elif row_of(kind) is None:
            self.source.line(depth, f"if {self.source.constant('is_no_object', is_no_object)}({name}):")
            self.source.line(depth + 1, f"raise {self.source.constant('PlanFailed', PlanFailed)}")
        stem = details[0].node.name.value
        position = Position(self.source.name(f"{stem}_objects"), self.source.name(f"{stem}_outs"))
        before = len(self.pending)
        literal = self.object_literal(kind, self.selections.below(kind, details), name, depth, position)
        if not any(pending.position is position for pending in self.pending[before:]):
            return literal
        out = self.source.name(f"{stem}_out")
        self.source.line(depth, f"{out} = {literal}")
        self.collected.append(position)
        self.source.line(depth, f"{position.objects}.append({name})")
        self.source.line(depth, f"{position.outs}.append({out})")
        return out

    def object_literal(
        self,
        kind: GraphQLObjectType,
        fields: dict[str, Details],
        name: str,
        depth: int,
        position: Position,
    ) -> str:
        """Write an object's own fields; the literal of its output, in which pending fields are None."""
        entries: list[str] = []
        for key, details in fields.items():
            value = self.field_value(kind, key, details, name, depth, position)
            entries.append(f"{self.key_literal(key, details)}: {value}")
        return "{" + ", ".join(entries) + "}"

    def field_value(
        self,
        kind: GraphQLObjectType,
        key: str,
        details: Details,
        name: str,
        depth: int,
        position: Position,
    ) -> str:
        node = details[0].node
        if node.name.value == "__typename":
            return repr(kind.name)
        use = field_use(kind, node)
        if use.by_level:
            call = self.calls.level(use, position.objects, pages_ahead(self.selections, use, details))
            self.pending.append(Pending(use.field, details, key, position, call))
            return "None"
        inline = self.inline_field(use, details, name)
        if inline:
            return inline
        value = self.source.name(use.name)
        self.source.line(depth, f"{value} = {self.calls.read(use, name)}")
        return self.value(use.field.type, details, value, depth)

    def inline_field(self, use: FieldUse, details: Details, name: str) -> str | None:
        """One expression of a field: a leaf that is vouched for, or an object of the same row."""
        if not use.of_row:
            return self.calls.vouched(use, name)
        self.calls.note(use)
        literal = self.inline_object(get_nullable_type(use.field.type), details, name)
        return literal and f"None if {name}[{use.of_row!r}] is None else {literal}"

    def inline(self, kind: GraphQLOutputType, details: Details, name: str) -> str | None:
        """One expression of an item of a list; None where it takes more. It raises where the item is missing
        and must not be."""
        literal = self.inline_object(get_nullable_type(kind), details, name)
        return literal and (literal if is_non_null_type(kind) else f"None if {name} is None else {literal}")

    def inline_object(self, kind: object, details: Details, name: str) -> str | None:
        """The literal of an object all of whose fields are inline, and one at least is read from it."""
        if not is_object_type(kind) or kind.is_type_of:
            return None
        entries: list[str] = []
        reads = False
        for key, subdetails in self.selections.below(kind, details).items():
            node = subdetails[0].node
            value: str | None = repr(kind.name)
            if node.name.value != "__typename":
                use = field_use(kind, node)
                value = None if use.by_level else self.inline_field(use, subdetails, name)
                reads = True
            if value is None:
                return None
            entries.append(f"{self.key_literal(key, subdetails)}: {value}")
        return "{" + ", ".join(entries) + "}" if reads else None

    def key_literal(self, key: str, details: Details) -> str:
        """The key of a field in its output: the schema's word as it stands, a client's as a constant."""
        return repr(key) if key == details[0].node.name.value else self.source.alias(key)

    def open_positions(self, mark: int) -> None:
        """Before the lines since the mark: the empty lists of the positions that they collect."""
        self.source.lines[mark:mark] = [
            f"    {position.objects}, {position.outs} = [], []" for position in self.collected
        ]
        self.collected.clear()
