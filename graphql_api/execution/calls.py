"""Compile how a plan reads a field: an attribute, a resolver call per object, or one call per level."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from types import NoneType
from typing import Any, get_args

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_non_null_type,
)
from strawberry import Schema
from strawberry.types.field import StrawberryField

from graphql_api.execution.arguments import ArgumentCompiler, CannotCompileError
from graphql_api.execution.fields import (
    BatchResolver,
    FieldOptions,
    Prefetch,
    definition_of,
    options_of,
    record_class_of,
)
from graphql_api.execution.runtime import gather_all
from graphql_api.execution.source import SourceBuilder

_PASSTHROUGH_TYPES: dict[str, type] = {"String": str, "ID": str, "Boolean": bool, "Int": int}
"""The Python types whose values are already serialised values of a scalar; integers only within 32 bits."""
_COLUMN_TYPES = {**_PASSTHROUGH_TYPES, "Float": float, "Date": date}
"""The same for columns: their floats are finite, and orjson serialises their dates as the scalar does."""


def passthrough_type(leaf: GraphQLLeafType) -> type | None:
    """Return the Python type whose values the leaf type serialises unchanged, or None."""
    return _PASSTHROUGH_TYPES.get(leaf.name) or (str if leaf.coerce_output_value is str else None)


@dataclass(frozen=True, slots=True)
class FieldUse:
    """A field of a type as an operation uses it.

    `record_class` is the class of record behind the type, if the type declares one. Its columns are read by
    their names.
    """

    type_name: str
    field: GraphQLField
    definition: StrawberryField
    node: FieldNode
    options: FieldOptions
    record_class: type | None

    @property
    def name(self) -> str:
        return self.node.name.value

    @property
    def column_type(self) -> Any:
        """The annotation of the column that the field reads; None if the field is not a column."""
        return getattr(self.record_class, "__annotations__", {}).get(self.definition.python_name)

    @property
    def batch_resolver(self) -> BatchResolver | None:
        return self.options.batch_resolver

    @property
    def is_batched(self) -> bool:
        """Whether the field is resolved for all objects of a level at once."""
        return self.batch_resolver is not None or self.definition.is_async


@dataclass(frozen=True, slots=True)
class BatchCall:
    """A call for all objects of a group. If `needs_task`, the awaitable starts only in a task."""

    expression: str
    awaited: bool
    needs_task: bool


def field_use(object_type: GraphQLObjectType, node: FieldNode) -> FieldUse:
    """Return the use of a field. Raise CannotCompileError if plans do not support the field."""
    name = node.name.value
    field = object_type.fields.get(name)
    if field is None:
        raise CannotCompileError("introspection")
    definition = definition_of(field)
    if definition is None:
        raise CannotCompileError(f"{object_type.name}.{name} is not a Strawberry field")
    if definition.extensions or definition.permission_classes:
        raise CannotCompileError(f"{object_type.name}.{name} has extensions or permission classes")
    resolver = definition.base_resolver
    options = options_of(definition)
    if resolver and not options.batch_resolver and resolver.info_parameter:
        raise CannotCompileError(f"{object_type.name}.{name} takes Info")
    return FieldUse(object_type.name, field, definition, node, options, record_class_of(object_type))


def _is_passthrough(column: Any, output_type: GraphQLOutputType) -> bool:
    """Return whether all values of a column with this annotation are serialised values of the output type."""
    types = get_args(column) or (column,)
    leaf = output_type.of_type if is_non_null_type(output_type) else output_type
    if column is None or not is_leaf_type(leaf) or (is_non_null_type(output_type) and NoneType in types):
        return False
    expected = _COLUMN_TYPES.get(leaf.name) or passthrough_type(leaf)
    return expected is not None and [each for each in types if each is not NoneType] == [expected]


@dataclass(frozen=True, slots=True)
class CallCompiler:
    """Compiles the calls and attributes that read fields, and records the attributes in `reads`."""

    schema: Schema
    source: SourceBuilder
    arguments: ArgumentCompiler
    reads: set[tuple[type, str]]

    def compile_read(self, use: FieldUse, name: str) -> str:
        """Return the expression that reads the field from the one object in the variable `name`."""
        self.record_reads(use)
        resolver = use.definition.base_resolver
        if resolver is None:
            attribute, resolve = use.definition.python_name, self.schema.config.default_resolver
            self._record_reads(use.record_class, [attribute])
            if use.column_type:
                return f"{name}[{attribute!r}]"
            if resolve is getattr:
                return f"{name}.{attribute}"
            return f"{self.source.add_constant('default_resolver', resolve)}({name}, {attribute!r})"
        parameters = {each.name for each in (resolver.parent_parameter, resolver.root_parameter) if each}
        function: Any = resolver.wrapped_func
        arguments = [name] if resolver.self_parameter else []
        arguments += [
            name if len(parameters) == 1 and not arguments else f"{parameter}={name}"
            for parameter in sorted(parameters)
        ]
        arguments += self._compile_arguments(use, function)
        function_name = self.source.add_constant(f"{use.name}_of_{use.type_name}", function)
        return f"{function_name}({', '.join(arguments)})"

    def compile_trusted_read(self, use: FieldUse, name: str) -> str | None:
        """Return the expression of a leaf whose values need no coercion, or None if the leaf needs coercion.

        The column's annotation or the resolver's `trusted` guarantees the type and that null is allowed.
        """
        if use.definition.base_resolver:
            trusted = use.options.trusted
        else:
            trusted = _is_passthrough(use.column_type, use.field.type)
        return self.compile_read(use, name) if trusted else None

    def compile_batch_call(self, use: FieldUse, objects: str, prefetch: Sequence[FieldUse] = ()) -> BatchCall:
        """Return the call of a field for all objects in the list variable `objects`.

        `prefetch` is a connection below the field, followed by the same connection of its nodes, and so on.
        """
        if use.batch_resolver is None:
            read = self.compile_read(use, "each")
            gather = self.source.add_constant("gather_all", gather_all)
            return BatchCall(f"{gather}([{read} for each in {objects}])", awaited=True, needs_task=True)
        self.record_reads(use)
        resolve = use.batch_resolver.resolve
        function = self.source.add_constant(f"{use.name}_of_{use.type_name}", resolve)
        arguments = self._compile_arguments(use, resolve)
        if prefetch:
            arguments.append(f"prefetch={self._prefetch_argument(prefetch)}")
        all_arguments = ", ".join([objects, "context", *arguments])
        return BatchCall(
            f"{function}({all_arguments})", use.batch_resolver.awaited, use.batch_resolver.needs_task
        )

    def _prefetch_argument(self, prefetch: Sequence[FieldUse]) -> str:
        first, *nested = prefetch
        arguments = (
            ", ".join(self._compile_arguments(first, first.batch_resolver.resolve))
            if first.batch_resolver
            else ""
        )
        below = f", {self._prefetch_argument(nested)}" if nested else ""
        return f"{self.source.add_constant('Prefetch', Prefetch)}({first.name!r}, dict({arguments}){below})"

    def _compile_arguments(self, use: FieldUse, function: Callable[..., Any]) -> list[str]:
        return self.arguments.compile(use.field, use.definition.arguments, use.node, function)

    def record_reads(self, use: FieldUse) -> None:
        self._record_reads(use.options.record_class or use.record_class, use.options.reads)

    def _record_reads(self, record_class: type | None, names: Sequence[str]) -> None:
        if record_class:
            self.reads.update((record_class, name) for name in names)
