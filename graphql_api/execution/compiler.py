"""Compile an operation to the source of a function that runs it breadth-first, each field once per level.

The function is optimistic: it raises on the first failure, and graphql-core then runs the operation instead.
So the function contains no error handling, and errors are exactly those of graphql-core.

The generated code, for an operation without arguments that nests relations:

    books = books_of([root], context)                 a level: one call for all objects of a group
    for out, value in zip(root_outs, books): ...      its objects and leaves, straight-line
    started_1 = authors_of(books_objects, context)    the next levels, all started,
    started_2 = categories_of(books_objects, context)
    for out, value in zip(books_outs, await started_1): ...   then awaited

Names in the source come from the schema. Names that a client chose (aliases) are values of constants.
"""

from collections.abc import Iterable
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
    OperationType,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry import Schema

from graphql_api.execution.arguments import ArgumentCompiler
from graphql_api.execution.calls import (
    BatchCall,
    CallCompiler,
    CannotCompileError,
    FieldUse,
    field_use,
    passthrough_type,
)
from graphql_api.execution.fields import record_class_of
from graphql_api.execution.prefetch import prefetchable_connections
from graphql_api.execution.runtime import (
    LIST_TYPES,
    PlanFailedError,
    coercer_for,
    enum_names,
    is_invalid_object,
    start_task,
    type_name_resolver,
)
from graphql_api.execution.selections import FieldDetailsList, Selections
from graphql_api.execution.source import SourceBuilder
from graphql_api.execution.variables import Variables


@dataclass(frozen=True, slots=True)
class OutputGroup:
    """The names of two parallel lists: the objects of one selection set, and their outputs (dicts)."""

    objects: str
    outputs: str


_ROOT_GROUP = OutputGroup("[root]", "[data]")


@dataclass(frozen=True, slots=True)
class PendingField:
    """A field that is still to be resolved for all objects of a group, into their outputs."""

    field: GraphQLField
    details: FieldDetailsList
    key: str
    group: OutputGroup
    call: BatchCall
    runs_once: bool


@dataclass(slots=True)
class Compiler:
    """Generates the function of one operation."""

    schema: Schema
    selections: Selections
    variables: Variables
    source: SourceBuilder = field(default_factory=SourceBuilder)
    _pending: list[PendingField] = field(default_factory=list)
    _new_groups: list[OutputGroup] = field(default_factory=list[OutputGroup])
    reads: set[tuple[type, str]] = field(default_factory=set)

    @property
    def _calls(self) -> CallCompiler:
        arguments = ArgumentCompiler(self.schema, self.source, self.variables)
        return CallCompiler(self.schema, self.source, arguments, self.reads)

    def compile(self) -> tuple[str, dict[str, Any]]:
        """Return the source of `async def plan(root, context, variables)` and the constants it refers to."""
        operation = self.selections.operation.operation
        root_type = self.schema._schema.get_root_type(operation)  # noqa: SLF001
        if root_type is None:
            raise CannotCompileError(f"no {operation.value} type")
        self.source.add_line(0, "async def plan(root, context, variables):")
        mark = len(self.source.lines)
        fields = self.selections.root_fields(root_type)
        data = self._emit_fields(root_type, fields, "root", 1, _ROOT_GROUP)
        self.source.add_line(1, f"data = {data}")
        self._emit_group_inits(mark)
        if operation is OperationType.MUTATION:
            self._emit_steps(fields.values())
        while self._pending:
            self._emit_stage()
        self.source.add_line(1, "return data")
        return self.source.render(), self.source.constants

    # Levels

    def _emit_steps(self, fields: Iterable[FieldDetailsList]) -> None:
        """Emit a mutation's root fields: each starts after everything below the one before it is read."""
        steps, self._pending = self._pending, []
        names = [details[0].node.name.value for details in fields]
        if any(not step.runs_once for step in steps) or len(steps) + names.count("__typename") < len(names):
            raise CannotCompileError("a root field of a mutation that may run twice")
        for step in steps:
            self._pending = [step]
            while self._pending:
                self._emit_stage()

    def _emit_stage(self) -> None:
        """Emit all pending fields: first those that are not awaited, then the others, started and awaited."""
        awaited_fields: list[PendingField] = []
        while self._pending:
            pending = self._pending.pop(0)
            if pending.call.awaited:
                awaited_fields.append(pending)
            else:
                self._emit_outputs(pending, pending.call.expression)
        if len(awaited_fields) == 1:
            self._emit_outputs(awaited_fields[0], f"await {awaited_fields[0].call.expression}")
            return
        names = [self._emit_start(pending) for pending in awaited_fields]
        for pending, name in zip(awaited_fields, names, strict=True):
            self._emit_outputs(pending, f"await {name}", guard=name)

    def _emit_start(self, pending: PendingField) -> str:
        """Emit the start of a field. A loader's call has registered its keys; other awaitables get a task."""
        name = self.source.new_name(pending.details[0].node.name.value)
        objects, start = pending.group.objects, pending.call.expression
        if pending.call.needs_task:
            start = f"{self.source.add_constant('start_task', start_task)}({start})"
        self.source.add_line(
            1, f"{name} = {start}" + ("" if objects == _ROOT_GROUP.objects else f" if {objects} else None")
        )
        return name

    def _emit_outputs(self, pending: PendingField, values: str, guard: str | None = None) -> None:
        """Emit the loop that writes a field's values into the outputs of its group."""
        group, value = pending.group, self.source.new_name(pending.details[0].node.name.value)
        key = self._key_literal(pending.key, pending.details)
        mark = len(self.source.lines)
        if group is _ROOT_GROUP:
            self.source.add_line(1, f"[{value}] = {values}")
            output = self._emit_value(pending.field.type, pending.details, value, 1)
            self.source.add_line(1, f"data[{key}] = {output}")
        else:
            out = self.source.new_name("out")
            self.source.add_line(1, f"if {guard or group.objects}:")
            self.source.add_line(2, f"for {out}, {value} in zip({group.outputs}, {values}, strict=True):")
            output = self._emit_value(pending.field.type, pending.details, value, 3)
            self.source.add_line(3, f"{out}[{key}] = {output}")
        self._emit_group_inits(mark)

    # Values

    def _emit_value(self, type_: GraphQLOutputType, details: FieldDetailsList, name: str, depth: int) -> str:
        """Emit the conversion of the value in `name` to output, and return the output's expression."""
        if is_non_null_type(type_):
            return self._emit_non_null(type_.of_type, details, name, depth)
        if is_leaf_type(type_):
            self._emit_leaf(type_, name, depth, nullable=True)
            return name
        result = self.source.new_name("result")
        self.source.add_line(depth, f"{result} = None")
        self.source.add_line(depth, f"if {name} is not None:")
        inner = self._emit_present(type_, details, name, depth + 1)
        self.source.add_line(depth + 1, f"{result} = {inner}")
        return result

    def _emit_non_null(
        self, type_: GraphQLOutputType, details: FieldDetailsList, name: str, depth: int
    ) -> str:
        if is_leaf_type(type_):
            self._emit_leaf(type_, name, depth, nullable=False)
            return name
        self.source.add_line(depth, f"if {name} is None:")
        self.source.add_line(
            depth + 1, f"raise {self.source.add_constant('PlanFailedError', PlanFailedError)}"
        )
        return self._emit_present(type_, details, name, depth)

    def _emit_present(
        self, type_: GraphQLOutputType, details: FieldDetailsList, name: str, depth: int
    ) -> str:
        """Emit the conversion of a value that is not None and whose type is neither a leaf nor non-null."""
        if is_list_type(type_):
            return self._emit_list(type_.of_type, details, name, depth)
        if is_object_type(type_):
            return self._emit_object(type_, details, name, depth)
        if is_abstract_type(type_):
            return self._emit_abstract(type_, details, name, depth)
        raise CannotCompileError(f"unsupported type {type_}")

    def _emit_leaf(self, type_: GraphQLLeafType, name: str, depth: int, *, nullable: bool) -> None:
        present = f"{name} is not None" if nullable else ""
        passthrough = passthrough_type(type_)
        if passthrough and passthrough is not int:
            condition = f"{name}.__class__ is not {passthrough.__name__}"
        elif type_ is GraphQLInt:
            condition = f"not ({name}.__class__ is int and -2147483648 <= {name} <= 2147483647)"
        elif type_ is GraphQLFloat:
            condition = f"not ({name}.__class__ is float and {name} - {name} == 0.0)"
        else:
            condition = ""
        coerced = f"{self.source.add_constant(f'coerce_{type_.name}', coercer_for(type_))}({name})"
        members = enum_names(type_) if isinstance(type_, GraphQLEnumType) else None
        if members is not None:
            coerced = (
                f"{self.source.add_constant(f'names_of_{type_.name}', members)}.get({name}) or {coerced}"
            )
        clauses = " and ".join(clause for clause in (present, condition) if clause)
        if clauses:
            self.source.add_line(depth, f"if {clauses}:")
            depth += 1
        self.source.add_line(depth, f"{name} = {coerced}")

    def _emit_list(self, type_: GraphQLOutputType, details: FieldDetailsList, name: str, depth: int) -> str:
        stem = get_named_type(type_).name.lower()
        items, item = self.source.new_name(f"{stem}_list"), self.source.new_name(stem)
        self.source.add_line(
            depth, f"if {name}.__class__ not in {self.source.add_constant('LIST_TYPES', LIST_TYPES)}:"
        )
        self.source.add_line(
            depth + 1, f"raise {self.source.add_constant('PlanFailedError', PlanFailedError)}"
        )
        inline = self._inline_item(type_, details, item)
        if inline:
            return f"[{inline} for {item} in {name}]"
        self.source.add_line(depth, f"{items} = []")
        self.source.add_line(depth, f"for {item} in {name}:")
        output = self._emit_value(type_, details, item, depth + 1)
        self.source.add_line(depth + 1, f"{items}.append({output})")
        return items

    def _emit_abstract(self, type_: Any, details: FieldDetailsList, name: str, depth: int) -> str:
        type_name, result = self.source.new_name("type_name"), self.source.new_name("result")
        resolver = type_name_resolver(self.schema, type_, details[0].node.name.value)
        resolve_type_name = self.source.add_constant(f"type_of_{type_.name}", resolver)
        self.source.add_line(depth, f"{type_name} = {resolve_type_name}({name})")
        word = "if"
        for possible in self.schema._schema.get_possible_types(type_):  # noqa: SLF001
            self.source.add_line(depth, f"{word} {type_name} == {possible.name!r}:")
            inner = self._emit_object(possible, details, name, depth + 1)
            self.source.add_line(depth + 1, f"{result} = {inner}")
            word = "elif"
        self.source.add_line(depth, "else:" if word == "elif" else "if True:")
        self.source.add_line(
            depth + 1, f"raise {self.source.add_constant('PlanFailedError', PlanFailedError)}"
        )
        return result

    def _emit_object(self, type_: GraphQLObjectType, details: FieldDetailsList, name: str, depth: int) -> str:
        """Emit an object's output. Pending fields get the group in which the object and output are.

        Reading a field of a record class fails for anything else. Without such a field the object is checked.
        """
        fields = self.selections.subfields(type_, details)
        reads = any(each[0].node.name.value != "__typename" for each in fields.values())
        if type_.is_type_of:
            test = self.source.add_constant(f"is_{type_.name}", type_.is_type_of)
            self.source.add_line(depth, f"if {test}({name}, None) is not True:")
            self.source.add_line(
                depth + 1, f"raise {self.source.add_constant('PlanFailedError', PlanFailedError)}"
            )
        elif record_class_of(type_) is None or not reads:
            self.source.add_line(
                depth, f"if {self.source.add_constant('is_invalid_object', is_invalid_object)}({name}):"
            )
            self.source.add_line(
                depth + 1, f"raise {self.source.add_constant('PlanFailedError', PlanFailedError)}"
            )
        stem = details[0].node.name.value
        group = OutputGroup(self.source.new_name(f"{stem}_objects"), self.source.new_name(f"{stem}_outs"))
        before = len(self._pending)
        literal = self._emit_fields(type_, fields, name, depth, group)
        if not any(pending.group is group for pending in self._pending[before:]):
            return literal
        out = self.source.new_name(f"{stem}_out")
        self.source.add_line(depth, f"{out} = {literal}")
        self._new_groups.append(group)
        self.source.add_line(depth, f"{group.objects}.append({name})")
        self.source.add_line(depth, f"{group.outputs}.append({out})")
        return out

    def _emit_fields(
        self,
        type_: GraphQLObjectType,
        fields: dict[str, FieldDetailsList],
        name: str,
        depth: int,
        group: OutputGroup,
    ) -> str:
        """Emit an object's fields, and return the literal of its output with None for pending fields."""
        entries: list[str] = []
        for key, details in fields.items():
            value = self._emit_field(type_, key, details, name, depth, group)
            entries.append(f"{self._key_literal(key, details)}: {value}")
        return "{" + ", ".join(entries) + "}"

    def _emit_field(
        self,
        type_: GraphQLObjectType,
        key: str,
        details: FieldDetailsList,
        name: str,
        depth: int,
        group: OutputGroup,
    ) -> str:
        node = details[0].node
        if node.name.value == "__typename":
            return repr(type_.name)
        use = field_use(type_, node)
        if use.is_batched:
            call = self._calls.compile_batch_call(
                use, group.objects, prefetchable_connections(self.selections, use, details)
            )
            self._pending.append(PendingField(use.field, details, key, group, call, use.options.runs_once))
            return "None"
        inline = self._inline_field(use, details, name)
        if inline:
            return inline
        value = self.source.new_name(use.name)
        self.source.add_line(depth, f"{value} = {self._calls.compile_read(use, name)}")
        return self._emit_value(use.field.type, details, value, depth)

    def _inline_field(self, use: FieldUse, details: FieldDetailsList, name: str) -> str | None:
        """Return one expression for a trusted leaf or an object in the same row; None for other fields."""
        column = use.options.same_row_column
        if not column:
            return self._calls.compile_trusted_read(use, name)
        self._calls.record_reads(use)
        literal = self._inline_object(get_nullable_type(use.field.type), details, name)
        return literal and f"None if {name}[{column!r}] is None else {literal}"

    def _inline_item(self, type_: GraphQLOutputType, details: FieldDetailsList, name: str) -> str | None:
        """Return one expression for an item of a list, or None if one expression is not enough.

        The expression raises if the item is None and its type is non-null.
        """
        literal = self._inline_object(get_nullable_type(type_), details, name)
        return literal and (literal if is_non_null_type(type_) else f"None if {name} is None else {literal}")

    def _inline_object(self, type_: object, details: FieldDetailsList, name: str) -> str | None:
        """Return the literal of an object if all its fields are inline and at least one reads the object."""
        if not is_object_type(type_) or type_.is_type_of:
            return None
        entries: list[str] = []
        reads = False
        for key, subdetails in self.selections.subfields(type_, details).items():
            node = subdetails[0].node
            value: str | None = repr(type_.name)
            if node.name.value != "__typename":
                use = field_use(type_, node)
                value = None if use.is_batched else self._inline_field(use, subdetails, name)
                reads = True
            if value is None:
                return None
            entries.append(f"{self._key_literal(key, subdetails)}: {value}")
        return "{" + ", ".join(entries) + "}" if reads else None

    def _key_literal(self, key: str, details: FieldDetailsList) -> str:
        """Return a field's key in its output: a field name as a literal, a client's alias as a constant."""
        return repr(key) if key == details[0].node.name.value else self.source.alias_constant(key)

    def _emit_group_inits(self, mark: int) -> None:
        """Insert, before the lines since the mark, the empty lists of the new groups."""
        self.source.lines[mark:mark] = [
            f"    {position.objects}, {position.outputs} = [], []" for position in self._new_groups
        ]
        self._new_groups.clear()
