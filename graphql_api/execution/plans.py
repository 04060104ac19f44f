"""Plans: operations compiled to Python functions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from graphql_api.execution.calls import CannotCompileError
from graphql_api.execution.compiler import Compiler
from graphql_api.execution.context import ColumnsRead
from graphql_api.execution.variables import CoercedVariables

MAX_SOURCE_CHARS = 50_000
"""Maximum length of a plan's source in characters. Python needs 10 ms to compile 50,000 characters, and the
event loop is blocked for that time. The storefront page of the benchmark has 5,000."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation compiled to a function, with the function's source."""

    source: str
    columns_read: ColumnsRead
    run: Callable[[Any, Any, CoercedVariables], Awaitable[dict[str, Any]]]

    @classmethod
    def from_compiler(cls, compiler: Compiler) -> "Plan":
        """Compile an operation. Raise CannotCompileError if plans do not support it."""
        source, constants = compiler.compile()
        if len(source) > MAX_SOURCE_CHARS:
            raise CannotCompileError("an operation whose plan would be too long")
        names = dict(constants)
        exec(compile(source, "<plan>", "exec"), names)  # noqa: S102 - the source contains only names of the schema
        return cls(source, frozenset(compiler.reads), names["plan"])
