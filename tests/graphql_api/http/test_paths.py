"""The path of the API is written once."""

import ast
import re
from pathlib import Path

import graphql_api

PATH = re.compile(
    r"(?<!application)(?<!github\.io)/graphql\b"
)  # media types and other addresses contain it too
PACKAGE = Path(graphql_api.__file__).parent


def strings_in(module: Path) -> list[str]:
    """The string constants of a module that are not docstrings."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


def test_one_module_alone_names_the_path_of_the_api() -> None:
    modules = {
        str(module.relative_to(PACKAGE))
        for module in PACKAGE.rglob("*.py")
        if "node_modules" not in module.parts and any(PATH.search(text) for text in strings_in(module))
    }

    assert modules == {"http/paths.py"}
