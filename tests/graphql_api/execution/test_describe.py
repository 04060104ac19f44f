"""`bookstore plan` prints an operation's plan, or the reason why there is none."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from graphql_api.cli import main

PAGE = """query Page($slug: String!, $short: Boolean = false) {
  author(by: {slug: $slug}) { name books(first: 2) { nodes { title subtitle @skip(if: $short) } } }
}"""

SOURCE = """# Columns read, besides the id:
# Author: book_count, name
# Book: title
async def plan(root, context, variables):
    data = {'author': None}
    author_objects_1, author_outs_1 = [], []
    [author_1] = await author_of_Query([root], context, by=AuthorLookup(slug=variables['slug']), prefetch=Prefetch('books', dict(first=2)))
    result_1 = None
    if author_1 is not None:
        author_out_1 = {'name': author_1['name'], 'books': None}
        author_objects_1.append(author_1)
        author_outs_1.append(author_out_1)
        result_1 = author_out_1
    data['author'] = result_1
    books_objects_1, books_outs_1 = [], []
    if author_objects_1:
        for out_1, books_1 in zip(author_outs_1, books_of_Author(author_objects_1, context, first=2), strict=True):
            if books_1 is None:
                raise PlanFailedError
            if is_invalid_object(books_1):
                raise PlanFailedError
            books_out_1 = {'nodes': None}
            books_objects_1.append(books_1)
            books_outs_1.append(books_out_1)
            out_1['books'] = books_out_1
    if books_objects_1:
        for out_2, nodes_1 in zip(books_outs_1, await nodes_of_BookConnection(books_objects_1, context), strict=True):
            if nodes_1 is None:
                raise PlanFailedError
            if nodes_1.__class__ not in LIST_TYPES:
                raise PlanFailedError
            out_2['nodes'] = [{'title': book_1['title']} for book_1 in nodes_1]
    return data

"""


def plan(text: str, *options: str, **environment: str) -> str:
    result = CliRunner().invoke(main, ["plan", "-", *options], input=text, env=environment)
    assert result.exit_code == (1 if result.output.startswith("Error: ") else 0)
    return result.output


def test_a_plan_is_shown_with_the_columns_it_reads() -> None:
    assert plan(PAGE, "--variables", '{"slug": "x", "short": true}') == SOURCE


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("{ __schema { queryType { name } } }", [], "graphql-core runs this operation: introspection."),
        ("{ bok }", [], "The document cannot be run: Cannot query field 'bok' on type 'Query'. Did you mean 'book' or 'books'?"),
        ("query A { __typename } query B { __typename }", [], "The document has several operations: select one with operationName."),
        ("{ __typename }", ["--operation", "A"], "The document has no operation 'A'."),
        ("{ __typename }", ["--variables", "{"], "The variables are not JSON: unexpected end of data: line 1 column 2 (char 1)."),
        ("{ categories(first: 100) { nodes { children(first: 100) { nodes { children(first: 2) { nodes { name } } } } } } }", [], "The document cannot be run: The operation costs 30,100 rows; at most 10,000 are allowed (MAX_COST)."),
        ("{ __typename }", ["--variables", "[]"], "The variables must be a JSON object."),
    ],
)  # fmt: skip
def test_an_operation_without_a_plan_reports_the_reason(text: str, options: list[str], message: str) -> None:
    assert plan(text, *options) == f"Error: {message}\n"


def test_each_benchmark_operation_has_a_plan(pytestconfig: pytest.Config) -> None:
    operations = sorted(Path(pytestconfig.rootpath, "benchmarks/serving/operations").glob("*.graphql"))

    assert len(operations) == 6
    for operation in operations:
        assert plan(operation.read_text(), MAX_COST="20000").startswith("# Columns read")


def test_a_file_that_is_not_utf_8_is_rejected() -> None:
    result = CliRunner().invoke(main, ["plan", "-"], input=b"{ a }\xff")

    assert (result.exit_code, result.output) == (
        1,
        "Error: The file is not valid UTF-8: invalid byte at offset 5.\n",
    )
