"""Compile input types: functions that coerce and convert values like graphql-core and Strawberry, but faster.

A type that refers to itself is not compiled, because graphql-core limits how deeply its values are nested.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from functools import cache
from typing import Any

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    Undefined,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.pyutils import is_iterable
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry import UNSET, Schema
from strawberry.relay import GlobalID
from strawberry.scalars import is_scalar
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition

Function = Callable[[Any], Any]


class CannotCompileInputError(Exception):
    """The type is coerced or converted by graphql-core or Strawberry."""


class InvalidInputError(Exception):
    """The value cannot be coerced."""


def compile_coercer(type_: GraphQLInputType) -> Function:
    """Return a function with the results of graphql-core's coerce_input_value.

    It raises an error instead of returning Undefined. Raise CannotCompileInputError.
    """
    is_required = is_non_null_type(type_)
    coerce_given = _compile_given(type_.of_type if is_non_null_type(type_) else type_)

    def coerce(value: Any) -> Any:
        if value is None or value is Undefined:
            if is_required:
                raise InvalidInputError
            return None
        output = coerce_given(value)
        if output is Undefined:
            raise InvalidInputError
        return output

    return coerce


def _compile_given(type_: Any) -> Function:
    """Return the coercer of values that are not null. It raises an error or returns Undefined."""
    if is_list_type(type_):
        coerce_item = compile_coercer(type_.of_type)
        return lambda value: (
            [coerce_item(item) for item in value]
            if type(value) is list or is_iterable(value)
            else [coerce_item(value)]
        )
    if is_input_object_type(type_):
        return _object_coercer(type_)
    return type_.coerce_input_value


@cache
def _object_coercer(type_: GraphQLInputObjectType) -> Function:
    if _refers_to_itself(type_):
        raise CannotCompileInputError
    fields = type_.fields
    steps = [
        (name, field.out_name or name, compile_coercer(field.type), _absent_value(field))
        for name, field in fields.items()
    ]
    finish = type_.out_type

    def coerce(value: Any) -> Any:
        if not isinstance(value, dict) or not fields.keys() >= value.keys():
            raise InvalidInputError
        output: dict[str, Any] = {}
        for name, out_name, coerce_field, absent_value in steps:
            if name in value:
                output[out_name] = coerce_field(value[name])
            elif absent_value is not None:
                output[out_name] = absent_value()
        if type_.is_one_of and (len(value) != 1 or len(output) != 1 or None in output.values()):
            raise InvalidInputError
        return finish(output)

    return coerce


def _refers_to_itself(type_: GraphQLInputObjectType) -> bool:
    """Return whether a value of the type can contain another one."""
    found: set[Any] = set()
    missing: list[Any] = [type_]
    while missing:
        for field in missing.pop().fields.values():
            named = get_named_type(field.type)
            if named is type_:
                return True
            if is_input_object_type(named) and named not in found:
                found.add(named)
                missing.append(named)
    return False


def _absent_value(field: GraphQLInputField) -> Callable[[], Any] | None:
    """Return a function of the value of a field that is not given, or None if it then has none."""
    if is_required_input_field(field):
        return _refuse
    if coerce_default_value(field) is Undefined:
        return None
    return lambda: coerce_default_value(field)


def _refuse() -> Any:
    raise InvalidInputError


def compile_converter(schema: Schema, type_: GraphQLInputType, strawberry_type: Any) -> Function | None:
    """Return a function that converts coerced values as Strawberry's convert_argument does.

    Return None if every value stays as it is. Raise CannotCompileInputError.
    """
    if isinstance(strawberry_type, StrawberryMaybe) or strawberry_type is GlobalID:
        raise CannotCompileInputError
    if isinstance(strawberry_type, StrawberryOptional):
        return compile_converter(schema, type_, strawberry_type.of_type)
    given_type: Any = type_.of_type if is_non_null_type(type_) else type_
    if isinstance(strawberry_type, StrawberryList):
        convert_item = compile_converter(schema, given_type.of_type, strawberry_type.of_type)
        return _convert_given(_list_converter(convert_item) if convert_item else list)
    registry = schema.schema_converter.scalar_registry
    if is_scalar(strawberry_type, registry) or isinstance(strawberry_type, StrawberryEnumDefinition):
        return None
    if has_enum_definition(strawberry_type):
        return None
    if not has_object_definition(strawberry_type) or strawberry_type.__strawberry_definition__.from_input:
        raise CannotCompileInputError
    return _convert_given(_object_converter(schema, given_type, strawberry_type))


def _convert_given(convert: Function) -> Function:
    """Return a converter that leaves null and UNSET as they are."""
    return lambda value: value if value is None or value is UNSET else convert(value)


def _list_converter(convert_item: Function) -> Function:
    return lambda value: [convert_item(item) for item in value]


@cache
def _object_converter(schema: Schema, type_: GraphQLInputObjectType, input_class: Any) -> Function:
    if _refers_to_itself(type_):
        raise CannotCompileInputError
    definition = input_class.__strawberry_definition__
    named_fields = [(schema.config.name_converter.from_field(field), field) for field in definition.fields]
    steps = [
        (
            name,
            field.python_name,
            compile_converter(
                schema, type_.fields[name].type, field.resolve_type(type_definition=definition)
            ),
        )
        for name, field in named_fields
        if name in type_.fields
    ]
    without_default = [
        field.python_name
        for field in definition.fields
        if definition.is_input and field.default_value is MISSING and field.default_factory is MISSING
    ]
    absent = dict.fromkeys(without_default)

    def convert(value: Mapping[str, Any]) -> Any:
        arguments: dict[str, Any] = {**absent}
        for name, python_name, convert_field in steps:
            if name in value:
                arguments[python_name] = convert_field(value[name]) if convert_field else value[name]
        return input_class(**arguments)

    return convert
