"""Parts of dependencies that their documentation does not promise, but that this project uses.

A part that a new version removes or changes fails its test with one line. The line names the files to look at.
Each dependency in PARTS has an upper bound in pyproject.toml, which is raised when these tests pass.
"""

import dis
import importlib
import inspect
import re
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PACKAGES = ("graphql_api", "db", "migrations")

# Each entry is "module:name" or "module:Class.attribute". The parameters of a call or an override follow in
# parentheses, in their order. Those after "*" are passed by keyword. A new optional parameter is no change.
PARTS = {
    "uvicorn": """
        uvicorn:Config(app * http ws factory log_config log_level access_log server_header proxy_headers)
        uvicorn:Config(app * timeout_graceful_shutdown)
        uvicorn:Config.loaded_app
        uvicorn:Server.handle_exit(self sig frame)
        uvicorn:Server.should_exit
        uvicorn:Server.startup(self sockets)
        uvicorn:Server.started
        uvicorn.server:ServerState.connections
        uvicorn.server:ServerState.default_headers
        uvicorn.server:ServerState.tasks
        uvicorn.server:ServerState.total_requests
    """,
    "graphql-core": """
        graphql:GraphQLEnumType.coerce_output_value(self output_value)
        graphql:GraphQLScalarType.coerce_input_value
        graphql:GraphQLScalarType.coerce_output_value
        graphql:OverlappingFieldsCanBeMergedRule(context)
        graphql:OverlappingFieldsCanBeMergedRule.rule_context
        graphql.execution.collect_fields:CollectedFields.grouped_field_set
        graphql.execution.collect_fields:CollectedFields.new_defer_usages
        graphql.execution.collect_fields:FieldDetails.node
        graphql.execution.collect_fields:FragmentDetails(definition)
        graphql.execution.collect_fields:collect_fields(schema fragments variable_values runtime_type operation)
        graphql.execution.collect_fields:collect_subfields(schema fragments variable_values operation return_type field_details_list)
        graphql.execution.values:VariableValues(sources coerced)
        graphql.execution.values:VariableValues.coerced
        graphql.execution.values:get_argument_values(type_def node variable_values)
        graphql.execution.values:get_variable_values(schema var_def_nodes inputs)
        graphql.language:Token.next
        graphql.language:Token.prev
        graphql.utilities:coerce_input_literal(value_node type_)
        graphql.validation.rules.overlapping_fields_can_be_merged:RuleContext.remaining_complexity_budget
        graphql.validation.validate:ValidationAbortedError
    """,
    "strawberry-graphql": """
        strawberry:Schema._schema
        strawberry:Schema.get_fields(self type_definition)
        strawberry:Schema.process_errors(self errors execution_context)
        strawberry:Schema.schema_converter
        strawberry.schema.config:StrawberryConfig.default_resolver
        strawberry.schema.config:StrawberryConfig.name_converter
        strawberry.schema.name_converter:NameConverter.from_argument(self argument)
        strawberry.schema.name_converter:NameConverter.from_field(self field)
        strawberry.schema.schema_converter:GraphQLCoreConverter.scalar_registry
        strawberry.schema.validation_rules.maybe_null:MaybeNullValidationRule.validate_maybe_fields(self node input_type strawberry_type)
        strawberry.schema.validation_rules.one_of:OneOfInputValidationRule
        strawberry.types.arguments:StrawberryArgument.python_name
        strawberry.types.arguments:convert_argument(value type_ scalar_registry config)
        strawberry.types.arguments:convert_arguments(value arguments scalar_registry config)
        strawberry.types.base:StrawberryObjectDefinition.from_input
        strawberry.types.base:StrawberryObjectDefinition.origin
        strawberry.types.base:StrawberryOptional.of_type
        strawberry.types.base:has_object_definition(obj)
        strawberry.types.field:StrawberryField.arguments
        strawberry.types.field:StrawberryField.base_resolver
        strawberry.types.field:StrawberryField.directives
        strawberry.types.field:StrawberryField.is_async
        strawberry.types.field:StrawberryField.permission_classes
        strawberry.types.field:StrawberryField.python_name
        strawberry.types.field:StrawberryField.resolve_type(self * type_definition)
        strawberry.types.fields.resolver:StrawberryResolver.info_parameter
        strawberry.types.fields.resolver:StrawberryResolver.parent_parameter
        strawberry.types.fields.resolver:StrawberryResolver.root_parameter
        strawberry.types.fields.resolver:StrawberryResolver.self_parameter
        strawberry.types.fields.resolver:StrawberryResolver.wrapped_func
    """,
    "starlette": """
        starlette.applications:Starlette.build_middleware_stack(self)
        starlette.middleware.cors:CORSMiddleware.allow_all_origins
        starlette.middleware.cors:CORSMiddleware.allow_explicit_origin(headers origin)
        starlette.middleware.cors:CORSMiddleware.is_allowed_origin(self origin)
        starlette.middleware.cors:CORSMiddleware.simple_headers
        starlette.middleware.gzip:GZipMiddleware.compresslevel
        starlette.middleware.gzip:GZipMiddleware.minimum_size
        starlette.middleware.gzip:GZipResponder(app minimum_size compresslevel)
        starlette.routing:Router.redirect_slashes
    """,
    "asyncpg": """
        asyncpg:Connection.fetch(self query * timeout record_class)
        asyncpg:Connection.prepare(self query * record_class)
        asyncpg:connect(dsn * host port user password database passfile timeout command_timeout)
        asyncpg:connect(dsn * server_settings connection_class)
        asyncpg.exceptions:InternalClientError
        asyncpg.exceptions:UnsupportedClientFeatureError
        asyncpg.exceptions:UnsupportedServerFeatureError
        asyncpg.prepared_stmt:PreparedStatement.fetch(self * timeout)
        asyncpg.transaction:Transaction
    """,
    "aiodataloader": """
        aiodataloader:DataLoader.batch_load_fn
        aiodataloader:DataLoader.clear(self key)
        aiodataloader:DataLoader.clear_all(self)
        aiodataloader:DataLoader.load(self key)
        aiodataloader:DataLoader.prime(self key value)
    """,
}

ENTRIES = [
    (distribution, entry.strip())
    for distribution, entries in PARTS.items()
    for entry in entries.splitlines()
    if entry.strip()
]


@pytest.mark.parametrize(("distribution", "entry"), ENTRIES, ids=[entry for _, entry in ENTRIES])
def test_a_part_that_is_used_is_there_and_takes_the_same_parameters(distribution: str, entry: str) -> None:
    change = find_change(entry)

    if change:
        pytest.fail(
            f"{distribution} {version(distribution)}: {change}; used in {files_with(entry)}", pytrace=False
        )


@pytest.mark.parametrize("entry", [entry for _, entry in ENTRIES])
def test_a_part_in_the_list_is_used(entry: str) -> None:
    assert files_with(entry), f"{entry} is not used any more: remove it from PARTS"


@pytest.mark.parametrize("distribution", PARTS)
def test_a_dependency_with_such_parts_is_bounded(distribution: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [specifier] = [
        requirement.specifier
        for requirement in map(Requirement, project["dependencies"])
        if requirement.name == distribution
    ]

    assert {bound.operator for bound in specifier} == {">=", "<"}
    assert version(distribution) in specifier


@pytest.mark.parametrize(
    ("entry", "change"),
    [
        ("tests.test_dependencies:Example(number * name)", None),
        ("tests.test_dependencies:Example.stored", None),
        ("tests.test_dependencies:Example.method(self first)", None),
        ("tests.no_such_module:Example", "tests.no_such_module cannot be imported"),
        ("tests.test_dependencies:Nothing", "tests.test_dependencies:Nothing is missing"),
        ("tests.test_dependencies:Example.gone", "tests.test_dependencies:Example.gone is missing"),
        (
            "tests.test_dependencies:Example.method(self other)",
            "tests.test_dependencies:Example.method takes (self, first, second=…)",
        ),
        (
            "tests.test_dependencies:Example.method(self)",
            "tests.test_dependencies:Example.method takes (self, first, second=…)",
        ),
        (
            "tests.test_dependencies:Example(number * title)",
            "tests.test_dependencies:Example takes (number, name=…)",
        ),
        (
            "tests.test_dependencies:Example.stored(self)",
            "tests.test_dependencies:Example.stored cannot be called",
        ),
    ],
)
def test_a_change_is_reported_in_one_line(entry: str, change: str | None) -> None:
    assert find_change(entry) == change


class Example:
    def __init__(self, number: int, *, name: str = "") -> None:
        self.stored = (number, name)

    def method(self, first: int, second: int = 2) -> None:
        """Do nothing."""


def find_change(entry: str) -> str | None:
    """Return what is missing or different in the installed version; None if the part is as in the entry."""
    path, module, names, parameters = parse_entry(entry)
    try:
        part: Any = importlib.import_module(module)
    except ImportError:
        return f"{module} cannot be imported"
    for name in names:
        if not has_attribute(part, name):
            return f"{path} is missing"
        part = getattr(part, name, None)
    return parameters and find_other_parameters(path, part, parameters)


def parse_entry(entry: str) -> tuple[str, str, list[str], str | None]:
    """Return the path of a part, its module, its names from the outermost on, and its parameters, if any."""
    path, _, parameters = entry.partition("(")
    module, _, names = path.partition(":")
    return path, module, names.split("."), parameters.rstrip(")") or None


def has_attribute(owner: object, name: str) -> bool:
    """Return whether an object has an attribute, or whether the methods of a class set it on instances."""
    if hasattr(owner, name):
        return True
    return inspect.isclass(owner) and any(
        instruction.opname == "STORE_ATTR" and instruction.argval == name
        for class_ in owner.__mro__
        for function in vars(class_).values()
        if isinstance(function, FunctionType)
        for instruction in dis.get_instructions(function)
    )


def find_other_parameters(path: str, part: object, expected: str) -> str | None:
    """Return what a part takes, unless it can be called with the expected parameters and no others."""
    if not callable(part):
        return f"{path} cannot be called"
    parameters = inspect.signature(part).parameters
    positional, _, keywords = (names.split() for names in expected.partition("*"))
    required = [name for name, parameter in parameters.items() if is_required(parameter)]
    if list(parameters)[: len(positional)] == positional and {*required} <= {*positional, *keywords} <= {
        *parameters
    }:
        return None
    shown = (name if is_required(parameter) else f"{name}=…" for name, parameter in parameters.items())
    return f"{path} takes ({', '.join(shown)})"


def is_required(parameter: inspect.Parameter) -> bool:
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return parameter.default is inspect.Parameter.empty and parameter.kind not in variadic


def files_with(entry: str) -> str:
    """Return the first three of the project's files that contain the name of a part."""
    name = parse_entry(entry)[2][-1]
    files = [str(path.relative_to(ROOT)) for path, words in words_of_files().items() if name in words]
    others = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(files[:3]) + others


@cache
def words_of_files() -> dict[Path, set[str]]:
    """Return the words in each Python file of the project."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {path: {*re.findall(r"\w+", path.read_text(encoding="utf-8"))} for path in paths}
