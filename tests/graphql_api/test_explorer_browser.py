"""The explorer page in real Chromium, against the real app with the sample catalog.

SCREENSHOTS=.github pytest tests/graphql_api/test_explorer_browser.py takes the README's pictures
(graphiql.png: the first example and its result, graphiql-docs.png: the documentation of Book).
"""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, FloatRect, Page, Route, async_playwright, expect

from graphql_api.http.explorer_page import DIST
from tests.graphql_api.test_explorer import EXAMPLES, OPENED
from tests.waiting import GUARD

CHROMIUM = shutil.which("chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The whole text of the response pane. The page renders only the visible lines.
RESPONSE = "__MONACO.editor.getModels().find(model => model.uri.path.endsWith('response.json')).getValue()"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.skipif(
        not (DIST / "index.html").is_file(),
        reason="GraphiQL is not built: Node 20.19 or newer, then `make explorer`",
    ),
]


class Server(Protocol):
    """The running app."""

    @property
    def url(self) -> str: ...


@dataclass(slots=True)
class Explorer:
    """The page in a browser, and its origins, failed requests and console messages."""

    page: Page
    origins: set[str] = field(default_factory=set[str])
    failures: list[str] = field(default_factory=list[str])
    console_messages: list[str] = field(default_factory=list[str])

    async def open(self, url: str) -> None:
        """Load the page and wait until its four editors are visible."""
        page = self.page
        page.on("request", lambda request: self.origins.add(origin_of(request.url)))
        page.on("requestfailed", lambda request: self.failures.append(f"{request.url}: {request.failure}"))
        page.on(
            "response",
            lambda response: self.failures.append(str(response)) if response.status >= 400 else None,
        )
        page.on("pageerror", lambda error: self.console_messages.append(str(error)))
        page.on("console", lambda message: self._record_console_message(message.type, message.text))
        await page.goto(url)
        await self.wait_for_editors()

    def _record_console_message(self, level: str, text: str) -> None:
        if level in {"error", "warning"}:
            self.console_messages.append(f"{level}: {text}")

    async def run(self) -> Any:
        """Press the run button and return the result in the response pane."""
        await self.page.get_by_role("button", name="Execute query").click()
        await expect(self.page.locator(".graphiql-response .view-line").first).to_contain_text("{")
        return json.loads(await self.text_of("response.json"))

    async def text_of(self, editor: str) -> str:
        """Return the whole text of an editor. The page renders only the visible lines."""
        return await self.page.evaluate(
            "name => __MONACO.editor.getModels().find(model => model.uri.path.endsWith(name)).getValue()",
            editor,
        )

    async def tab_names(self) -> list[str]:
        return await self.page.locator(".graphiql-tab").all_inner_texts()

    async def wait_for_operation(self, name: str) -> None:
        """Wait until the operation is in the editor and stored.

        GraphiQL stores the text and reads the operation's name from it in one step, a moment later.
        """
        await self.page.wait_for_function(
            "name => (localStorage.getItem('graphiql:query') ?? '').includes(`query ${name}`)"
            " && __MONACO.editor.getModels().some(model => model.uri.path.endsWith('operation.graphql')"
            " && model.getValue() === localStorage.getItem('graphiql:query'))",
            arg=name,
        )

    async def reload(self) -> None:
        """Load the page again and wait until its editors are visible."""
        await self.page.reload()
        await self.wait_for_editors()

    async def wait_for_editors(self) -> None:
        await expect(self.page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
        await self.page.wait_for_function("__MONACO.editor.getModels().length === 4")

    async def take_screenshot(self, name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            await self.page.mouse.move(900, 790)
            await self.page.wait_for_timeout(500)  # animations of drawers and tooltips
            await self.page.screenshot(path=Path(folder) / f"{name}.png")


def origin_of(url: str) -> str:
    return "data:" if url.startswith("data:") else "://".join(urlsplit(url)[:2])


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        expect.set_options(timeout=GUARD * 1_000)
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=SWITCHES, timeout=GUARD * 1_000
        )
        yield browser
        await browser.close()


@pytest.fixture
def url(app_server: Server) -> str:
    """Return the URL of the running app."""
    return app_server.url


@pytest.fixture
async def explorer(browser: Browser, url: str) -> AsyncIterator[Explorer]:
    page = await browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(GUARD * 1_000)
    explorer = Explorer(page)
    await explorer.open(url)
    yield explorer
    await page.close()


async def test_the_page_loads_without_failed_requests_or_console_messages(
    explorer: Explorer, url: str
) -> None:
    await explorer.page.wait_for_load_state("networkidle")  # workers, fonts and the schema included

    assert await explorer.page.title() == "Bookstore – GraphiQL"
    assert await explorer.tab_names() == OPENED
    assert explorer.failures == []
    assert explorer.console_messages == []
    assert explorer.origins - {"data:"} == {origin_of(url)}


async def test_the_first_example_shows_ten_books(explorer: Explorer) -> None:
    result = await explorer.run()

    books = result["data"]["books"]["nodes"]
    shown = explorer.page.locator(".graphiql-response .view-lines")
    assert list(result) == ["data"]
    assert len(books) == 10
    await expect(shown).to_contain_text(books[0]["title"].split()[0])
    await expect(shown).to_contain_text(books[0]["authors"][0]["name"].split()[0])
    assert explorer.console_messages == []
    await explorer.take_screenshot("graphiql")


async def test_every_example_has_an_answer_that_is_not_empty(explorer: Explorer) -> None:
    page = explorer.page
    results: dict[str, Any] = {}
    await page.get_by_role("button", name="Show Examples").click()
    for entry in await page.locator(".panel-list button").all():
        name = await entry.locator("strong").inner_text()
        await entry.click()
        await explorer.wait_for_operation(name)
        results[name] = await explorer.run()

    assert len(results) == len(EXAMPLES)
    assert await explorer.tab_names() == list(results)
    assert {name: result.get("errors") for name, result in results.items()} == dict.fromkeys(results)
    assert [name for name, result in results.items() if is_empty(result["data"])] == []
    assert explorer.failures == []
    assert explorer.console_messages == []


def is_empty(data: dict[str, Any]) -> bool:
    """Return whether a root field is null, or whether each of its lists is empty."""
    for value in data.values():
        lists = [each for each in value.values() if isinstance(each, list)] if value else []
        if value is None or (lists and not any(lists)):
            return True
    return False


async def test_the_examples_can_be_searched_and_opened_by_keyboard(explorer: Explorer) -> None:
    page = explorer.page
    await page.get_by_role("button", name="Show Examples").focus()
    await page.keyboard.press("Enter")
    search = page.get_by_role("searchbox", name="Search the examples")
    await search.focus()
    await page.keyboard.type("first SUBTREE")
    names = page.locator(".panel-list strong")
    await expect(names).to_have_text(["Category"])

    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("narrowed")
    await expect(names).to_have_text(["Facets"])
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await explorer.wait_for_operation("Facets")
    first = await explorer.tab_names()
    await page.keyboard.press("Enter")

    assert first == [*OPENED, "Facets"]
    assert await explorer.tab_names() == first
    await search.fill("nothing like it")
    await expect(page.get_by_role("status").filter(has_text="No example has these words.")).to_be_visible()
    await search.fill("")
    await explorer.take_screenshot("graphiql-examples")


async def test_an_operation_is_run_by_keyboard(explorer: Explorer) -> None:
    await explorer.page.locator(".graphiql-query-editor .view-line").first.click()

    await explorer.page.keyboard.press("Control+Enter")

    await expect(explorer.page.locator(".graphiql-response .view-lines")).to_contain_text("totalCount")


async def test_a_type_in_the_picture_opens_its_documentation(explorer: Explorer) -> None:
    page = explorer.page
    await page.get_by_role("button", name="Show Picture of the schema").click()
    picture = page.locator(".picture-frame svg")
    await expect(picture.locator("text").first).to_have_text("Query")
    await explorer.take_screenshot("graphiql-picture")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("button", name="Show Picture of the schema").click()

    await picture.get_by_text("Author", exact=True).click()

    await expect(page.locator(".graphiql-doc-explorer .graphiql-doc-explorer-title")).to_have_text("Author")
    assert explorer.failures == []
    assert explorer.console_messages == []


async def test_the_reference_is_linked_and_its_operations_open_with_their_variables(
    explorer: Explorer,
) -> None:
    page = explorer.page
    await page.get_by_role("link", name="Reference").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Bookstore GraphQL API")
    await explorer.take_screenshot("reference")

    await page.locator('[id="Query.author"]').get_by_role("link", name="Open in GraphiQL").click()
    await explorer.wait_for_editors()
    result = await explorer.run()

    assert result["data"]["author"]["name"] == "Jane Austen"
    assert json.loads(await explorer.text_of("variables.json")) == {"by": {"slug": "jane-austen"}}
    assert explorer.console_messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_reference_fits_a_phone_in_both_schemes(
    browser: Browser, url: str, scheme: Literal["light", "dark"]
) -> None:
    page = await browser.new_page(viewport={"width": 375, "height": 812}, color_scheme=scheme)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    await page.goto(f"{url}/reference#Book")

    await expect(page.locator("section:target h3")).to_have_text("Bookobject")
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 27, 38)"}[scheme]
    assert messages == []
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"reference-phone-{scheme}.png")
    await page.close()


async def test_tabs_are_kept_over_a_reload(explorer: Explorer) -> None:
    page = explorer.page
    await page.locator(".graphiql-tab").filter(has_text="Paging").click()
    await explorer.wait_for_operation("Paging")
    await page.locator(".graphiql-query-editor .view-line").first.click()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("query Mine { __typename }")
    await page.wait_for_function(
        "text => [localStorage.getItem('graphiql:query'),"
        " JSON.parse(localStorage.getItem('graphiql:tabState')).tabs[3].query].every(each => each === text)",
        arg=await explorer.text_of("operation.graphql"),
    )
    names = await explorer.tab_names()

    await explorer.reload()

    assert names == ["Books", "Category", "Author", "Mine", "Search"]
    assert await explorer.tab_names() == names
    assert "query Mine" in await explorer.text_of("operation.graphql")


@pytest.mark.parametrize("kept", [False, True])
async def test_a_key_in_the_headers_is_kept_only_if_the_user_wants(explorer: Explorer, *, kept: bool) -> None:
    page = explorer.page
    if kept:
        await page.get_by_role("button", name="Open settings dialog").click()
        await page.locator("#enable-persist-headers").click()
        await page.keyboard.press("Escape")
    sent: list[str | None] = []
    page.on("request", lambda request: sent.append(request.headers.get("x-shop")))
    await page.get_by_role("button", name="Headers").click()
    await page.locator(".graphiql-editor-tool .view-line").last.click()
    await page.keyboard.insert_text('{"X-Shop": "secret-key"}')
    await page.wait_for_function(
        "() => __MONACO.editor.getModels().some(model => model.getValue().includes('secret-key'))"
    )
    await explorer.run()
    await page.wait_for_function("() => (localStorage.getItem('graphiql:queries') ?? '').includes('Books')")
    if kept:
        await page.wait_for_function(
            "() => (localStorage.getItem('graphiql:headers') ?? '').includes('secret-key')"
        )
    stored = await page.evaluate("() => JSON.stringify(localStorage)")
    await explorer.reload()

    assert ("secret-key" in stored) is kept
    assert "secret-key" in sent
    assert ("secret-key" in await explorer.text_of("request-headers.json")) is kept
    assert "secret" not in page.url


async def test_dark_mode_follows_the_system(browser: Browser, url: str) -> None:
    page = await browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    explorer = Explorer(page)
    await explorer.open(url)
    await explorer.run()
    await page.get_by_role("button", name="Show Examples").click()

    background = "getComputedStyle(document.querySelector('.graphiql-container')).backgroundColor"
    channels = await page.evaluate(f"{background}.match(/\\d+/g).slice(0, 3).map(Number)")

    assert max(channels) < 80
    assert explorer.console_messages == []
    await explorer.take_screenshot("graphiql-dark")
    await page.close()


async def test_the_documentation_of_book_shows_every_field(explorer: Explorer) -> None:
    page = explorer.page
    response = await page.request.post(
        page.url, data={"query": '{ __type(name: "Book") { description fields { name description } } }'}
    )
    book = (await response.json())["data"]["__type"]

    await explorer.run()
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await page.locator(".graphiql-doc-explorer").get_by_text("Book", exact=True).click()

    docs = page.locator(".graphiql-doc-explorer")
    await expect(docs.locator(".graphiql-doc-explorer-title")).to_have_text("Book")
    await expect(docs).to_contain_text(book["description"])
    assert await docs.locator(".graphiql-doc-explorer-field-name").all_inner_texts() == [
        field["name"] for field in book["fields"]
    ]
    assert explorer.console_messages == []
    await explorer.take_screenshot("graphiql-docs")


async def test_stopping_a_query_cancels_its_request(explorer: Explorer) -> None:
    request_sent = asyncio.Event()
    request_failed = asyncio.Event()

    async def never_answer(_: Route) -> None:
        request_sent.set()

    await explorer.page.route("**/graphql", never_answer)
    explorer.page.on("requestfailed", lambda _: request_failed.set())
    await explorer.page.get_by_role("button", name="Execute query").click()
    await asyncio.wait_for(request_sent.wait(), GUARD)

    await explorer.page.get_by_role("button", name="Stop query").click()

    await asyncio.wait_for(request_failed.wait(), GUARD)
    assert [failure.split(": ")[-1] for failure in explorer.failures] == ["net::ERR_ABORTED"]


async def test_a_response_that_is_not_json_is_shown_as_text(explorer: Explorer) -> None:
    await explorer.page.route("**/graphql", lambda route: route.fulfill(status=502, body="The proxy is lost"))

    result = await explorer.run()

    assert result == {"errors": [{"message": "502 Bad Gateway: The proxy is lost"}]}


async def test_on_a_phone_the_panes_are_above_each_other(browser: Browser, url: str) -> None:
    page = await browser.new_page(viewport={"width": 375, "height": 812})
    explorer = Explorer(page)
    await explorer.open(url)

    await explorer.run()
    editors, response = [await box_of(page, f".graphiql-{name}") for name in ("editors", "response")]
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    plugin, title, search, sessions = [
        await box_of(page, f".graphiql-{name}")
        for name in ("plugin", "doc-explorer-title", "doc-explorer-search", "sessions")
    ]

    assert min(editors["width"], response["width"], plugin["width"]) > 300
    assert editors["y"] + editors["height"] <= response["y"]
    assert response["y"] + response["height"] <= 812
    assert plugin["y"] + plugin["height"] <= sessions["y"]
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    assert title["x"] + await width_of_text(page, ".graphiql-doc-explorer-title") <= search["x"]
    assert explorer.console_messages == []
    await explorer.take_screenshot("graphiql-phone")
    await page.close()


async def box_of(page: Page, selector: str) -> FloatRect:
    box = await page.locator(selector).first.bounding_box()
    assert box is not None
    return box


async def width_of_text(page: Page, selector: str) -> float:
    """Return the width of the text itself; its element may be wider."""
    return await page.evaluate(
        "selector => { const range = document.createRange();"
        " range.selectNodeContents(document.querySelector(selector));"
        " return range.getBoundingClientRect().width }",
        selector,
    )
