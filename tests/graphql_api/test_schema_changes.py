"""The schema as a contract: what breaks clients is found, named by its coordinate, and told in the changelog."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import BreakingChangeType, DangerousChangeType, build_schema, find_schema_changes

from graphql_api.access.roles import Role
from graphql_api.cli import main
from graphql_api.cli.schema_changes import (
    _find_coordinate,
    announced_coordinates,
    check_schema,
    find_risky_changes,
    read_schema,
)
from graphql_api.execution.manifests import ManifestDocument
from tests.check_schema import CHANGELOG, released_path
from tests.check_schema import main as check_main

OLD = """
directive @cost(weight: Int, unit: String) repeatable on FIELD_DEFINITION | OBJECT
directive @gone on OBJECT
interface Node { id: ID! }
union Hit = Book | Author
enum Format { PAPERBACK HARDCOVER }
enum Order { TITLE PRICE }
input Filter { text: String, format: Format, limit: Int = 10 }
input Key { id: ID }
type Author { name: String! }
type Book implements Node { id: ID!, title(length: Int = 80): String!, price: String, format: Format, by: Author }
type Shelf { name: String }
type Query { books(first: Int, order: Order, filter: Filter): [Book!]!, hit(key: Key): Hit, shelf: Shelf, node: Node }
"""

NEW = """
directive @cost(weight: String, size: Int!) on FIELD_DEFINITION
interface Node { id: ID! }
interface Named { name: String }
interface Priced { price: String }
union Hit = Book | Shelf
enum Format { PAPERBACK EBOOK }
enum Order { TITLE PRICE ADDED }
input Filter { format: Format, limit: Int = 20, language: String, currency: String! }
input Key { id: ID, slug: String }
input Author { name: String! }
type Book implements Priced { id: ID!, title(length: Int = 60): String, price: String, format: Format }
type Shelf implements Named & Node { id: ID!, name: String }
type Query {
  books(first: String, order: Order, filter: Filter, currency: String!, after: ID): [Book!]!
  hit(key: Key): Hit
  shelf: Shelf
  node(id: ID): Node
}
"""


def test_every_change_that_can_break_a_client_is_named_by_its_coordinate() -> None:
    changes = find_risky_changes(build_schema(OLD), build_schema(NEW))

    assert [(change.coordinate, change.description) for change in changes] == [
        ("@cost", "OBJECT was removed from @cost."),
        ("@cost", "Repeatable flag was removed from @cost."),
        ("@cost(size:)", "A required argument @cost(size:) was added."),
        ("@cost(unit:)", "Argument @cost(unit:) was removed."),
        ("@cost(weight:)", "Argument @cost(weight:) has changed type from Int to String."),
        ("@gone", "Directive @gone was removed."),
        ("Author", "Author changed from an Object type to an Input type."),
        ("Book", "Book no longer implements interface Node."),
        ("Book.by", "Field Book.by was removed."),
        ("Book.title", "Field Book.title changed type from String! to String."),
        ("Book.title(length:)", "Book.title(length:) has changed defaultValue from 80 to 60."),
        ("Filter.currency", "A required field Filter.currency was added."),
        ("Filter.limit", "Filter.limit has changed defaultValue from 10 to 20."),
        ("Filter.text", "Field Filter.text was removed."),
        ("Format.EBOOK", "Enum value Format.EBOOK was added."),
        ("Format.HARDCOVER", "Enum value Format.HARDCOVER was removed."),
        ("Hit", "Author was removed from union type Hit."),
        ("Hit", "Shelf was added to union type Hit."),
        ("Query.books(currency:)", "A required argument Query.books(currency:) was added."),
        ("Query.books(first:)", "Argument Query.books(first:) has changed type from Int to String."),
        ("Shelf", "Node added to interfaces implemented by Shelf."),
    ]


def test_the_changes_of_these_schemas_are_of_every_kind_but_a_removed_type_and_argument() -> None:
    """A kind that graphql-core adds must be decided upon."""
    kinds = {change.type for change in find_schema_changes(build_schema(OLD), build_schema(NEW))}

    assert {*BreakingChangeType, *DangerousChangeType} - kinds == {
        BreakingChangeType.TYPE_REMOVED,
        BreakingChangeType.ARG_REMOVED,
    }
    assert _find_coordinate("Author was removed.") == "Author"
    assert _find_coordinate("Argument Query.books(first:) was removed.") == "Query.books(first:)"


def test_new_types_fields_and_optional_inputs_break_nobody() -> None:
    old = "type Query { book(id: ID): Int }"
    new = "type Query { book(id: ID, slug: String): Int, shelf: Shelf } type Shelf { name: String }"

    assert find_risky_changes(build_schema(old), build_schema(new)) == []
    assert (
        check_schema(build_schema(old), build_schema(new)).report() == "No client is broken without notice."
    )


def test_the_changelog_names_a_change_under_its_first_heading() -> None:
    changelog = (
        "# Changelog\n\n## Unreleased\n\n- `Book.by` is gone, use `authors`.\n\n## 0.1.0\n\n- `Book.price`"
    )

    assert announced_coordinates(changelog) == {"Book.by", "authors"}
    assert announced_coordinates("## 0.1.0\n\n- `Book.price`") == set()


def test_a_change_that_the_changelog_does_not_name_and_a_broken_document_are_reported() -> None:
    documents = [
        ManifestDocument(Path("shop.json"), "prices", "{ books { title price } }"),
        ManifestDocument(Path("shop.json"), "authors", "{\n  books { by { name } } }"),
        ManifestDocument(Path("shop.json"), "never valid", "{ nothing }"),
        ManifestDocument(Path("shop.json"), "no document", "{"),
    ]
    old, new = OLD, OLD.replace(", by: Author", "").replace("title(length: Int = 80)", "title")
    changelog = "## Unreleased\n\n- `Book.title(length:)` is gone.\n"

    check = check_schema(build_schema(old), build_schema(new), changelog=changelog, documents=documents)

    assert check.report().splitlines() == [
        "Changes that can break a client, and are not under Unreleased in the changelog:",
        "  `Book.by`: Field Book.by was removed.",
        "Documents that are not valid any more:",
        "  shop.json: authors: Cannot query field 'by' on type 'Book'. (line 2, column 11)",
    ]
    assert [change.coordinate for change in check.announced] == ["Book.title(length:)"]


def run_check(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["schema", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_command_compares_the_schema_with_an_older_one(tmp_path: Path) -> None:
    printed = run_check()[1]
    older = printed.replace("  ADDED\n", "  ADDED\n\n  SHELF\n").replace(
        "type Query {", "type Query {\n  shop: String\n"
    )
    (tmp_path / "old.graphql").write_text(older, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("## Unreleased\n\n- `Query.shop` is gone.\n", encoding="utf-8")
    (tmp_path / "shop.json").write_text('{"name": "{ shop }", "books": "{ books { totalCount } }"}', "utf-8")
    check = ("--check", tmp_path / "old.graphql")

    assert run_check(*check) == (
        1,
        "Changes that can break a client, and are not under Unreleased in the changelog:\n"
        "  `BookOrderField.SHELF`: Enum value BookOrderField.SHELF was removed.\n"
        "  `Query.shop`: Field Query.shop was removed.\n",
    )
    assert run_check(
        *check, "--changelog", tmp_path / "CHANGELOG.md", "--manifest", tmp_path / "shop.json"
    ) == (
        1,
        "Changes that can break a client, and are not under Unreleased in the changelog:\n"
        "  `BookOrderField.SHELF`: Enum value BookOrderField.SHELF was removed.\n"
        "Documents that are not valid any more:\n"
        f"  {tmp_path}/shop.json: name: Cannot query field 'shop' on type 'Query'. (line 1, column 3)\n",
    )
    (tmp_path / "CHANGELOG.md").write_text(
        "## Unreleased\n\n- `Query.shop`, `BookOrderField.SHELF`\n", "utf-8"
    )
    assert run_check(*check, "--changelog", tmp_path / "CHANGELOG.md") == (
        0,
        "No client is broken without notice; the changelog names 2 changes that can.\n",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"type Query {", "Syntax Error: Expected Name, found <EOF>."),
        (b"type Query { a: Missing }", "Unknown type 'Missing'."),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)
def test_a_file_that_is_no_schema_is_an_error(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "old.graphql"
    path.write_bytes(content)

    assert run_check("--check", path) == (1, f"Error: {path}: the file is not a schema: {reason}\n")


def test_a_folder_is_no_schema(tmp_path: Path) -> None:
    status, output = run_check("--check", tmp_path)

    assert status == 2
    assert "is a directory" in output


@pytest.mark.parametrize("role", Role)
def test_the_released_schema_of_a_role_can_be_read(role: Role) -> None:
    assert "Book" in read_schema(released_path(role)).type_map


def test_the_schema_keeps_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    """After a change that breaks clients on purpose, name it in the changelog: `Book.price`."""
    assert check_main([]) == 0, capsys.readouterr().out


def test_a_breaking_change_that_is_not_told_fails_the_check(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in Role:
        text = released_path(role).read_text(encoding="utf-8")
        (tmp_path / released_path(role).name).write_text(
            text.replace("type Query {", "type Query {\n  shop: String\n").replace(
                "type BookEdge",
                "type BookEdge" if role is Role.PUBLIC else "type Gone { a: Int }\ntype BookEdge",
            ),
            encoding="utf-8",
        )
    (tmp_path / "stale.graphql").write_text("type Query { shop: String }", encoding="utf-8")
    (tmp_path / "shop.json").write_text('{"name": "{ shop }"}', encoding="utf-8")
    monkeypatch.setattr("tests.check_schema.RELEASED", tmp_path)
    monkeypatch.setattr("tests.check_schema.COMMITTED", tmp_path / "stale.graphql")

    assert check_main([str(tmp_path / "shop.json")]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Changes that can break a client, and are not under Unreleased in the changelog:",
        "  `Query.shop`: Field Query.shop was removed. (public, editor, manager)",
        "Documents that are not valid any more:",
        f"  {tmp_path}/shop.json: name: Cannot query field 'shop' on type 'Query'. (line 1, column 3)"
        " (public, editor, manager)",
        "  `Gone`: Gone was removed. (editor, manager)",
        "graphql_api/schema.graphql is stale: `bookstore schema > graphql_api/schema.graphql`.",
    ]


def test_a_release_writes_the_schemas_that_the_next_ones_are_compared_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.check_schema.RELEASED", tmp_path)

    assert check_main(["--release"]) == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "editor.graphql",
        "manager.graphql",
        "public.graphql",
    ]
    assert (
        find_risky_changes(read_schema(released_path(Role.PUBLIC)), read_schema(released_path(Role.MANAGER)))
        == []
    )


def test_the_changelog_has_a_place_for_changes_that_are_not_released() -> None:
    assert CHANGELOG.read_text(encoding="utf-8").startswith("# Changelog\n\n## Unreleased\n\n- ")
