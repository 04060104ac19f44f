"""The reference: complete, safe, by role, without a script, and each of its operations has an answer."""

import json
import re
from html.parser import HTMLParser
from typing import Any, cast
from urllib.parse import parse_qs

import httpx
import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    parse,
    validate,
)

from graphql_api.access.roles import Role
from graphql_api.http.reference.document import reference_document
from graphql_api.http.reference.operations import example_operation
from graphql_api.http.reference.page import ReferencePage
from graphql_api.http.reference.picture import draw_schema
from graphql_api.schema import schema_for
from tests.graphql_api.http.conftest import Shop
from tests.serving import BookstoreProcess

PATH = "/graphql/reference"
PUBLIC = build_schema(schema_for(Role.PUBLIC).as_str())
QUERY = cast("GraphQLObjectType", PUBLIC.query_type)


class Page(HTMLParser):
    """The ids, links, tags and elements without an end of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if tag not in {"meta", "link"}:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(str(values["id"]))
        if tag == "a":
            self.links.append(str(values["href"]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def render(role: Role = Role.PUBLIC, *, explorer: bool = True) -> str:
    return reference_document(explorer=explorer).build(role)


@pytest.mark.parametrize("role", Role)
def test_every_type_field_value_and_directive_has_its_place(role: Role) -> None:
    schema = schema_for(role)._schema
    page = Page(render(role))

    expected: set[str] = {"@cost", "@listSize"}
    for name, graphql_type in schema.type_map.items():
        if not is_introspection_type(graphql_type):
            members = getattr(graphql_type, "fields", getattr(graphql_type, "values", {}))
            expected |= {name, *(f"{name}.{member}" for member in members)}
    assert expected - set(page.ids) == set()
    assert len(page.ids) == len(set(page.ids))
    assert page.open == []


@pytest.mark.parametrize("role", Role)
def test_every_link_leads_somewhere(role: Role) -> None:
    page = Page(render(role))

    inner = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    outer = {link.partition("#")[0] for link in page.links if not link.startswith(("#", "https://"))}
    assert inner - set(page.ids) == set()
    assert outer == {"../graphql", "schema.graphql"}


def test_inputs_that_take_one_field_say_so() -> None:
    lookups = re.findall(r'<section id="(\w+)">(?:(?!</section>).)*Exactly one field', render(), re.DOTALL)

    assert {"AuthorLookup", "BookLookup", "CategoryLookup"} <= set(lookups)
    assert "BookFilter" not in lookups


def test_the_page_has_no_script_and_loads_nothing() -> None:
    text = render()

    assert Page(text).tags & {"script", "img", "iframe", "object", "use", "image"} == set()
    assert re.findall(r"""\s(?:on\w+|style|src)=|url\(|@import""", text) == []


def test_without_the_explorer_no_link_leads_to_it() -> None:
    page = Page(render(explorer=False))

    assert [link for link in page.links if link.startswith("../graphql")] == []


def test_what_a_role_may_not_use_is_not_in_its_page() -> None:
    assert "recentViews" not in render(Role.PUBLIC)
    assert "recentViews" in render(Role.EDITOR)
    assert "deleteBook" not in render(Role.EDITOR)
    assert "deleteBook" in render(Role.MANAGER)


TINY = '''
"""First `a < b`.

Second."""
schema { query: Query }
scalar Length @specifiedBy(url: "https://example.org/?a&b")
interface Node { id: ID! }
union Hit = Book | Shelf
type Query {
  "All of them."
  hits(
    "How many."
    first: Int! = 3
    text: String = "<b>"
  ): [Hit!]!
  one(by: Key!): Book
}
type Book implements Node {
  id: ID!
  length: Length
  old: Int @deprecated(reason: "Use `length`.")
  shelf: Shelf
}
type Shelf { books: [Book!]! }
input Key @oneOf { id: ID, text: String }
'''


def test_descriptions_defaults_deprecations_and_specifications_are_shown() -> None:
    text = ReferencePage(build_schema(TINY), explorer=False).render("")

    assert "<p>First <code>a &lt; b</code>.</p><p>Second.</p>" in text
    assert '<code>text: <a href="#String">String</a> = &quot;&lt;b&gt;&quot;</code>' in text
    assert '<code>first: <a href="#Int">Int</a>! = 3</code></dt><dd><p>How many.</p>' in text
    assert '<p class="deprecated">Deprecated. Use <code>length</code>.</p>' in text
    assert 'Specified by <a href="https://example.org/?a&amp;b" rel="noreferrer">' in text
    assert '<p class="links">Implements <a href="#Node">Node</a></p>' in text
    assert "Exactly one field must be given" in text
    assert (
        '<p class="links">Is one of <a href="#Book">Book</a>, <a href="#Shelf">Shelf</a></p>'
        '<p class="links">Used by <a href="#Query.hits">Query.hits</a></p>' in text
    )


def test_the_picture_shows_the_types_by_their_distance_from_the_query_type() -> None:
    text = TINY.replace("hits(", "shelves: ShelfConnection! hits(") + (
        "type ShelfConnection { nodes: [Shelf!]! edges: [ShelfEdge!]! pageInfo: PageInfo! facets: Facets! }"
        "type ShelfEdge { node: Shelf! } type PageInfo { endCursor: String } type Facets { size: Length, book: Book }"
    )
    picture = draw_schema(build_schema(text))

    places = re.findall(r'<a href="#(\w+)">.*?<rect x="(\d+)" y="(\d+)"', picture)
    assert places == [
        ("Query", "8", "8"),
        ("Shelf", "260", "8"),
        ("Facets", "260", "56"),
        ("Book", "260", "104"),
    ]
    assert "<title>Query – shelves, hits: Shelf; shelves: Facets; hits, one: Book</title>" in picture
    assert "<title>Facets – book: Book</title>" in picture


def fragment_of(text: str) -> dict[str, list[str]]:
    return parse_qs(text.removeprefix("#"), strict_parsing=True)


@pytest.mark.parametrize("name", QUERY.fields)
def test_the_operation_of_each_root_field_has_an_answer_on_the_sample(
    app_server: BookstoreProcess, name: str
) -> None:
    """A root field with a required argument needs a value in _VALUES that the sample has."""
    example = example_operation(PUBLIC, "query", name, QUERY.fields[name])
    variables = json.loads(example.variables)

    result = httpx.post(
        app_server.url, json={"query": example.text, "variables": variables}, timeout=60
    ).json()

    assert "errors" not in result, result
    assert has_content(result["data"][name]), result
    linked = fragment_of(example.to_fragment())
    assert linked == {"query": [example.text], "variables": [example.variables]}


def has_content(value: Any) -> bool:
    """Return whether a value is neither null nor an empty list, and whether some list in it has an item."""
    if isinstance(value, dict):
        inner = value["nodes"] if "nodes" in value else list(value.values())
        return any(has_content(each) for each in inner)
    if isinstance(value, list):
        return any(has_content(each) for each in value)
    return value is not None


def root_types(schema: GraphQLSchema) -> list[tuple[str, GraphQLObjectType]]:
    roots = [("query", schema.query_type), ("mutation", schema.mutation_type)]
    return [(operation, root) for operation, root in roots if root]


@pytest.mark.parametrize("schema", [build_schema(schema_for(Role.MANAGER).as_str()), build_schema(TINY)])
def test_every_operation_is_valid(schema: GraphQLSchema) -> None:
    for operation, root in root_types(schema):
        for name, field in root.fields.items():
            text = example_operation(schema, operation, name, field).text
            assert validate(schema, parse(text)) == [], text


async def test_the_page_is_that_of_the_clients_role(http: httpx.AsyncClient) -> None:
    response = await http.get(PATH, headers={"accept": "text/html"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text == render()
    assert response.headers["cache-control"] == "public, no-cache"
    policy = response.headers["content-security-policy"]
    assert re.sub(r"sha256-[\w+/=]+", "sha256-…", policy) == (
        "default-src 'none'; style-src 'sha256-…'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


async def test_without_introspection_there_is_no_reference(shop: Shop) -> None:
    async with shop(introspection=False) as client:
        response = await client.get(PATH)

    assert response.status_code == 404
    assert response.json()["errors"][0]["message"] == (
        "The reference is not served: this server runs with INTROSPECTION=false."
    )
