"""Plans: compiled operations, ready to run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from graphql_api.execution.calls import Unplannable
from graphql_api.execution.compiler import Compiler
from graphql_api.execution.variables import Values

LONGEST_SOURCE = 50_000
"""Python takes 10 ms to compile so many characters, in which nobody else is answered. The storefront page of
the benchmark has 5,000."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation as a function, with the source it was made of.

    `reads` has the attributes it takes from objects, each with the name of the object's type.
    """

    source: str
    reads: frozenset[tuple[str, str]]
    run: Callable[[Any, Any, Values], Awaitable[dict[str, Any]]]

    @classmethod
    def of(cls, compiler: Compiler) -> "Plan":
        """Compile an operation; raises Unplannable."""
        source, constants = compiler.compile()
        if len(source) > LONGEST_SOURCE:
            raise Unplannable("an operation whose plan would be too long")
        names = dict(constants)
        exec(compile(source, "<plan>", "exec"), names)  # noqa: S102 - of names in the schema alone
        return cls(source, frozenset(compiler.reads), names["plan"])
