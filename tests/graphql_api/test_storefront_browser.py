"""The storefront in real Chromium, by clicks and by keyboard, against the real app with the sample catalog.

SCREENSHOTS=.github pytest tests/graphql_api/test_storefront_browser.py takes the README's picture (storefront.png).
"""

import json
import os
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Request, Route, async_playwright, expect

from benchmarks.storefront_operations import PROJECT
from graphql_api.http import explorer_page
from graphql_api.http.storefront_page import DIST
from tests.serving import run_server
from tests.waiting import GUARD, until

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
AXE = PROJECT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
PAGES = {
    "HomePage": "/",
    "CategoryPage": "/categories/fiction",
    "SearchPage": "/search?q=jane+austn",
    "BookPage": "",  # see book_path
    "AuthorPage": "/authors/jane-austen",
    "SeriesPage": "/series/les-rougon-macquart",
}

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
    pytest.mark.skipif(
        not (DIST / "index.html").is_file(),
        reason="The storefront is not built: Node 20.19 or newer, then `make storefront`",
    ),
]


class Server(Protocol):
    """The running app."""

    @property
    def url(self) -> str: ...


@dataclass(slots=True)
class Storefront:
    """A page of the storefront, the operations that it has sent, and what went wrong."""

    page: Page
    root: str
    operations: list[str] = field(default_factory=list[str])
    origins: set[str] = field(default_factory=set[str])
    problems: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self._record_request(request))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on(
            "requestfailed", lambda request: self.problems.append(f"{request.url}: {request.failure}")
        )
        self.page.on("console", lambda message: self._record_message(message.type, message.text))

    def _record_request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.origins.add("://".join(urlsplit(request.url)[:2]))
        if request.method == "POST":
            self.operations.append(json.loads(request.post_data or "{}")["operationName"])

    def _record_message(self, level: str, text: str) -> None:
        if level in {"error", "warning"}:
            self.problems.append(f"{level}: {text}")

    async def open(self, path: str, heading: str | None = None) -> None:
        """Load an address, and wait for its page."""
        await self.page.goto(self.root + path)
        await self.wait_for_page(heading)

    async def wait_for_page(self, heading: str | None = None) -> None:
        headline = self.page.locator("main:not([aria-busy]) h1")
        await expect(headline).to_have_count(1)
        if heading:
            await expect(headline).to_have_text(heading)

    @property
    def path(self) -> str:
        parts = urlsplit(self.page.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    async def titles(self, region: str | None = None) -> list[str]:
        """Return the titles of the books in a region, or on the page."""
        part = self.page.get_by_role("region", name=region) if region else self.page
        return await part.locator(".book-card h3").all_inner_texts()

    async def focused_text(self) -> str:
        return await self.page.evaluate("document.activeElement.innerText || document.activeElement.id")

    def status(self) -> Any:
        """Return the region that a screen reader reads out."""
        return self.page.get_by_role("status")


@pytest.fixture(scope="module")
async def browser() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        expect.set_options(timeout=GUARD * 1_000)
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=SWITCHES, timeout=GUARD * 1_000
        )
        yield browser
        await browser.close()


@pytest.fixture
def root(app_server: Server) -> str:
    """Return the origin of the running app."""
    return app_server.url.removesuffix("/graphql")


@pytest.fixture
async def shop(browser: Browser, root: str) -> AsyncGenerator[Storefront]:
    context = await browser.new_context(viewport=DESKTOP, color_scheme="light")  # pyright: ignore[reportArgumentType]
    page = await context.new_page()
    page.set_default_timeout(GUARD * 1_000)
    yield Storefront(page, root)
    await context.close()


async def book_path(shop: Storefront) -> str:
    response = await shop.page.request.post(
        f"{shop.root}/graphql", data={"query": "{ book(by: { isbn: 9786900000968 }) { slug } }"}
    )
    return f"/books/{(await response.json())['data']['book']['slug']}"


async def test_the_home_page_has_categories_popular_and_new_books(shop: Storefront, root: str) -> None:
    await shop.open("/", "Every book, one question away")

    categories = await shop.page.locator(".category-list a").all_inner_texts()
    assert [text.split("\n") for text in categories[:2]] == [["Fiction", "82"], ["Poetry", "24"]]
    assert len(categories) == 11
    popular, added = [await shop.titles(name) for name in ("Popular books", "New on our shelves")]
    assert (len(popular), len(added)) == (12, 6)
    assert popular[:2] == ["Hamlet", "El ingenioso hidalgo don Quijote de la Mancha"]
    await expect(shop.page.locator(".lead")).to_contain_text("169 books by 162 authors in 20 languages.")
    assert shop.operations == ["HomePage"]
    assert (shop.problems, shop.origins) == ([], {root})
    await take_screenshot(shop.page, "storefront")


async def test_every_page_is_shown_where_only_trusted_documents_run(
    browser: Browser, tmp_path: Path, sample_dsn: str
) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"Titles": "query Titles { books { nodes { title } } }"}))
    settings = {"TRUSTED_DOCUMENTS": str(own), "TRUSTED_DOCUMENTS_MODE": "enforce"}
    with run_server(tmp_path, DATABASE_URL=sample_dsn, **settings) as server:
        page = await browser.new_page()
        page.set_default_timeout(GUARD * 1_000)
        shop = Storefront(page, server.url.removesuffix("/graphql"))
        await shop.open("/")
        await page.get_by_role("region", name="Popular books").locator("a", has_text="Hamlet").first.click()
        await shop.wait_for_page("Hamlet")
        for name in ("CategoryPage", "SearchPage", "AuthorPage", "SeriesPage"):
            await shop.open(PAGES[name])
        await page.get_by_role("combobox", name="Search").fill("jane")
        await expect(page.get_by_role("option").first).to_be_visible()
        await page.close()

    assert set(shop.operations) == {*PAGES, "Suggest"}
    assert shop.problems == []


async def test_a_category_is_filtered_sorted_and_paged_and_back_restores_each_step(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/")
    await page.locator(".category-list").get_by_role("link", name="Fiction").click()
    await shop.wait_for_page("Fiction")
    await expect(page.get_by_role("heading", name="82 books")).to_be_visible()
    first_page = await shop.titles()

    await page.locator(".facet").get_by_role("link", name="French").click()
    await expect(page.get_by_role("heading", name="13 books")).to_be_visible()
    assert shop.path == "/categories/fiction?language.eq=fr"
    assert await page.locator(".facet [aria-current]").all_inner_texts() == ["French\n13"]
    await page.get_by_role("link", name="Remove French").click()
    await expect(page.get_by_role("heading", name="82 books")).to_be_visible()

    await page.get_by_role("link", name="Next page").click()
    await expect(page.get_by_role("link", name="Previous page")).to_be_visible()
    second_page = await shop.titles()
    await page.get_by_role("link", name="Previous page").click()
    await expect(page.get_by_role("link", name="Previous page")).to_have_count(0)
    again = await shop.titles()

    await page.get_by_label("Sort by").select_option("Title")
    await expect(page.locator(".book-card h3").first).to_have_text("Adventures of Huckleberry Finn")
    sent = list(shop.operations)
    await page.go_back()
    await expect(page.locator(".book-card h3").first).to_have_text(first_page[0])

    assert (len(first_page), len(second_page), again) == (24, 24, first_page)
    assert set(first_page) & set(second_page) == set()
    assert shop.operations == sent == ["HomePage", *["CategoryPage"] * 6]
    assert shop.problems == []


async def test_a_subcategory_has_a_breadcrumb_that_leads_back(shop: Storefront) -> None:
    await shop.open("/categories/fiction")
    await shop.page.get_by_role("navigation", name="Categories in Fiction").get_by_text("Novels").click()
    await shop.wait_for_page("Novels")

    breadcrumb = shop.page.get_by_role("navigation", name="Breadcrumb")
    assert await breadcrumb.get_by_role("link").all_inner_texts() == ["Home", "Fiction", "Novels"]
    await breadcrumb.get_by_role("link", name="Fiction").click()
    await shop.wait_for_page("Fiction")
    assert shop.path == "/categories/fiction"


async def test_back_and_forward_restore_the_scroll_position_without_an_operation(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/categories/fiction", "Fiction")
    link = page.locator(".book-link").nth(20)
    title = await link.locator("h3").inner_text()
    await link.scroll_into_view_if_needed()
    before = await page.evaluate("scrollY")

    await link.click()
    await shop.wait_for_page(title)
    at_the_book = await page.evaluate("scrollY")
    await page.go_back()
    await shop.wait_for_page("Fiction")
    after = await page.evaluate("scrollY")
    await page.go_forward()
    await shop.wait_for_page(title)

    assert (at_the_book, after) == (0, before)
    assert before > 0
    assert shop.operations == ["CategoryPage", "BookPage"]


async def test_a_search_with_a_typo_is_corrected_and_marks_the_titles(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/search?q=jane+austn", "Search: jane austn")
    await expect(page.locator(".correction")).to_have_text("Showing results for Jane Austen")
    assert await shop.titles() == ["Pride and Prejudice", "Emma", "Persuasion", "Sense and Sensibility"]
    await expect(shop.status()).to_have_text("4 books found for Jane Austen")
    assert await page.input_value("#search") == "jane austn"

    await page.fill("#search", "great expectatons")
    await page.get_by_role("button", name="Search").click()
    await shop.wait_for_page("Search: great expectatons")

    assert await page.locator("h3 mark").all_inner_texts() == ["Great", "Expectations"]
    assert await page.title() == "Search: great expectatons – Bookstore"


async def test_a_search_without_books_says_so(shop: Storefront) -> None:
    await shop.open("/search?q=qqqqzzzz")

    await expect(shop.page.locator(".nothing")).to_have_text(
        "No book matches. Try fewer words, or remove a filter."
    )
    await expect(shop.page.get_by_role("heading", name="0 books")).to_be_visible()


async def test_suggestions_are_chosen_by_keyboard(shop: Storefront) -> None:
    page = shop.page
    search = page.get_by_role("combobox", name="Search books")
    await shop.open("/")

    await page.keyboard.press("/")
    await page.keyboard.type("shakes")
    options = page.get_by_role("option")
    await expect(options).to_have_text(
        ["Tales from Shakespeare Charles Lamb, Mary Lamb", "William Shakespeare"]
    )
    await expect(search).to_have_attribute("aria-expanded", "true")
    await expect(shop.status()).to_have_text("2 suggestions")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await expect(search).to_have_attribute("aria-activedescendant", "suggestion-1")
    await page.keyboard.press("Enter")

    await shop.wait_for_page("William Shakespeare")
    assert shop.path == "/authors/william-shakespeare"
    await expect(search).to_have_attribute("aria-expanded", "false")
    assert shop.operations[-1] == "AuthorPage"
    assert set(shop.operations) == {"HomePage", "Suggest", "AuthorPage"}


async def test_the_keys_of_the_search_field_wrap_around_close_and_search(shop: Storefront) -> None:
    page = shop.page
    search = page.get_by_role("combobox", name="Search books")
    await shop.open("/")

    await search.press_sequentially("emm")
    await expect(page.get_by_role("option").first).to_be_visible()
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_role("option").last).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("[aria-selected=true]")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("listbox")).to_have_count(0)
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("option").first).to_be_visible()
    await page.keyboard.press("Enter")

    await shop.wait_for_page("Search: emm")
    assert shop.path == "/search?q=emm"


async def test_a_suggestion_is_chosen_by_a_click(shop: Storefront) -> None:
    await shop.open("/")
    await shop.page.get_by_role("combobox", name="Search books").press_sequentially("poet")

    await shop.page.get_by_role("option", name="Poetry").click()

    await shop.wait_for_page("Poetry")
    assert shop.path == "/categories/poetry"


async def test_a_book_shows_its_facts_and_more_by_the_author(shop: Storefront) -> None:
    page = shop.page
    await shop.open(await book_path(shop), "Pride and Prejudice")

    facts = dict(text.split("\n") for text in await page.locator(".facts > div").all_inner_texts())
    assert facts["ISBN"] == "9786900000968"
    assert (facts["Published"], facts["Language"]) == ("January 28, 1813", "English")
    breadcrumb = page.get_by_role("navigation", name="Breadcrumb").get_by_role("link")
    assert await breadcrumb.all_inner_texts() == ["Home", "Fiction", "Novels", "Love and marriage"]
    related = page.get_by_role("region", name="Related books")
    assert await related.locator("h3").count() == 6
    more = page.get_by_role("region", name="More by Jane Austen")
    assert await more.locator("h3").all_inner_texts() == ["Emma", "Persuasion", "Sense and Sensibility"]
    await page.locator(".book-text").get_by_role("link", name="Jane Austen").click()

    await shop.wait_for_page("Jane Austen")
    assert await page.locator(".timeline-year").all_inner_texts() == [
        "1811\naged 36",
        "1813\naged 38",
        "1815\naged 40",
        "1817\naged 42",
    ]
    assert shop.operations == ["BookPage", "AuthorPage"]


async def test_a_series_has_its_books_in_order_and_each_book_leads_back_to_it(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/series/les-rougon-macquart", "Les Rougon-Macquart")

    assert await page.locator(".position").all_inner_texts() == ["7", "9", "13"]
    assert await shop.titles() == ["L'Assommoir", "Nana", "Germinal"]
    await page.get_by_role("link", name="Nana").click()
    await shop.wait_for_page("Nana")
    await expect(page.locator(".series")).to_have_text("Book 9 in Les Rougon-Macquart")
    await page.get_by_role("link", name="Les Rougon-Macquart").click()

    await shop.wait_for_page("Les Rougon-Macquart")
    assert shop.operations == ["SeriesPage", "BookPage", "SeriesPage"]


async def test_an_address_with_a_former_slug_becomes_the_present_one(shop: Storefront) -> None:
    path = await book_path(shop)
    number = path.rpartition("-")[2]

    await shop.open(f"/books/an-older-title-{number}?from=letter", "Pride and Prejudice")

    assert shop.path == f"{path}?from=letter"
    assert shop.operations == ["BookPage"]


async def test_each_page_is_one_operation_also_after_a_reload(shop: Storefront) -> None:
    sent: dict[str, list[str]] = {}
    for name, path in {**PAGES, "BookPage": await book_path(shop)}.items():
        await shop.open(path)
        await shop.page.reload()
        await shop.wait_for_page()
        sent[name] = shop.operations.copy()
        shop.operations.clear()

    assert sent == {name: [name, name] for name in PAGES}
    assert shop.problems == []


async def test_the_panel_shows_the_operation_its_cost_and_opens_it_in_graphiql(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/categories/poetry", "Poetry")
    await page.get_by_role("button", name="How this was asked").click()
    panel = page.get_by_role("dialog", name="How this was asked")

    facts = dict(text.split("\n") for text in await panel.locator(".ask-list > div").all_inner_texts())
    assert list(facts) == ["Operation", "Time", "Answer", "Cost requested", "Cost used"]
    assert facts["Operation"] == "CategoryPage"
    await expect(panel.get_by_label("Operation", exact=True)).to_contain_text("query CategoryPage(")
    await expect(panel.get_by_label("Variables")).to_contain_text('"path": "poetry"')
    if (explorer_page.DIST / "index.html").is_file():
        async with page.expect_popup() as popup:
            await panel.get_by_role("link", name="Open in GraphiQL").click()
        explorer = await popup.value
        await expect(explorer.locator(".graphiql-tab").first).to_contain_text("CategoryPage")
        await until(lambda: explorer.evaluate("window.__MONACO?.editor.getModels().length === 4"))
        await explorer.get_by_role("button", name="Execute query").click()
        await expect(explorer.locator(".graphiql-response .view-lines")).to_contain_text("Poetry")
        await explorer.close()

    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    assert await shop.focused_text() == await page.locator(".ask-button").inner_text()


async def test_the_keyboard_reaches_the_content_and_the_focus_follows_the_page(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/")

    await page.keyboard.press("Tab")
    assert await shop.focused_text() == "Skip to the content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await shop.focused_text() == "jane austn"
    await page.keyboard.press("Enter")
    await shop.wait_for_page("Search: jane austn")
    assert await shop.focused_text() == "Search: jane austn"

    await page.locator("#facet-decades-0").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Remove 1810s")).to_be_visible()
    assert await page.evaluate("document.activeElement.id") == "facet-decades-0"
    await expect(shop.status()).to_have_text("4 books found for Jane Austen")


async def test_it_works_below_another_path(shop: Storefront) -> None:
    async def strip_path(route: Route) -> None:
        url = route.request.url.replace("/shop/", "/")
        await route.fulfill(response=await route.fetch(url=url))

    await shop.page.route("**/shop/**", strip_path)
    await shop.open("/shop/categories/fiction", "Fiction")
    await shop.page.get_by_role("navigation", name="Categories in Fiction").get_by_text("Novels").click()
    await shop.wait_for_page("Novels")

    assert shop.path == "/shop/categories/fiction/novels"
    assert shop.operations == ["CategoryPage", "CategoryPage"]
    assert shop.problems == []


async def test_an_unknown_page_book_author_or_category_is_not_found(shop: Storefront) -> None:
    for path in (
        "/shelves",
        "/books/nothing",
        "/authors/no-one",
        "/categories/no/such",
    ):
        await shop.open(path, "This page is not on our shelves")
        assert await shop.page.title() == "Page not found – Bookstore"
        await expect(shop.page.get_by_role("link", name="Back to the home page")).to_be_visible()


async def test_an_address_with_wrong_values_says_what_is_wrong(shop: Storefront) -> None:
    for wrong, right, heading in (
        ("/categories/fiction?after=nothing", "/categories/fiction", "Fiction"),
        ("/search?q=jane&after=nothing", "/search?q=jane", "Search: jane"),
    ):
        await shop.open(wrong, "This address has a mistake")
        await expect(shop.page.get_by_role("alert")).to_contain_text("after is not a valid cursor.")

        await shop.page.get_by_role("link", name="Show the page from its start").click()

        await shop.wait_for_page(heading)
        assert shop.path == right
    assert shop.problems == []


async def test_a_server_that_is_away_is_reported_and_tried_again(shop: Storefront) -> None:
    page = shop.page
    await shop.open("/")
    await page.route("**/graphql", lambda route: route.abort())
    await page.locator(".category-list").get_by_role("link", name="Drama").click()
    await shop.wait_for_page("The bookstore does not answer")
    await expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")

    await page.unroute("**/graphql")
    await page.get_by_role("button", name="Try again").click()

    await shop.wait_for_page("Drama")
    assert shop.path == "/categories/drama"


async def test_the_message_of_a_refusal_is_shown(shop: Storefront) -> None:
    refusal = {"errors": [{"message": "The catalog is unavailable.", "extensions": {"code": "UNAVAILABLE"}}]}
    await shop.page.route("**/graphql", lambda route: route.fulfill(status=503, body=json.dumps(refusal)))

    await shop.open("/", "The bookstore does not answer")

    await expect(shop.page.get_by_role("alert")).to_contain_text("The catalog is unavailable.")


async def test_a_slow_answer_shows_a_skeleton(shop: Storefront) -> None:
    held: list[Route] = []
    await shop.page.route("**/graphql", lambda route: held.append(route))

    await shop.page.goto(f"{shop.root}/categories/fiction")
    await expect(shop.page.locator("main[aria-busy] .skeleton")).to_be_visible()
    await held[0].continue_()

    await shop.wait_for_page("Fiction")
    await expect(shop.page.locator(".skeleton")).to_have_count(0)


async def test_the_theme_follows_the_system_until_it_is_chosen_and_is_kept(shop: Storefront) -> None:
    page = shop.page
    background = "getComputedStyle(document.body).backgroundColor"
    await shop.open("/")
    light = await page.evaluate(background)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(background)

    await page.get_by_role("button", name="Dark theme").click()
    chosen = await page.evaluate(background)
    await page.reload()
    await shop.wait_for_page()

    assert (light, dark, chosen) == ("rgb(253, 253, 251)", "rgb(18, 19, 22)", light)
    assert await page.evaluate(background) == light
    await expect(page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "false")


async def test_on_a_phone_no_page_scrolls_sideways(shop: Storefront) -> None:
    await shop.page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    widths: dict[str, int] = {}
    for name, path in {**PAGES, "BookPage": await book_path(shop)}.items():
        await shop.open(path)
        widths[name] = await shop.page.evaluate("document.documentElement.scrollWidth")
    await shop.open("/categories/fiction")
    is_open = await shop.page.locator(".facets").evaluate("details => details.open")

    assert widths == dict.fromkeys(PAGES, 360)
    assert is_open is False


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: `make storefront`")
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_no_violation(shop: Storefront, theme: Any, viewport: Any) -> None:
    page = shop.page
    await page.set_viewport_size(viewport)
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    violations: dict[str, list[str]] = {}
    for name, path in {**PAGES, "BookPage": await book_path(shop), "Lost": "/lost"}.items():
        await shop.open(path)
        violations[name] = await run_axe(page)
    await shop.open("/categories/fiction?language.eq=en&rating.gte=4&rating.lt=5")
    violations["chosen filters"] = await run_axe(page)
    await page.get_by_role("button", name="How this was asked").click()
    violations["panel"] = await run_axe(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("combobox", name="Search books").press_sequentially("po")
    await expect(page.get_by_role("option").first).to_be_visible()
    violations["suggestions"] = await run_axe(page)

    assert violations == {name: [] for name in violations}


async def run_axe(page: Page) -> list[str]:
    """Return the violations that axe-core finds: the rule and the first element of each."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    result = await page.evaluate("axe.run()")
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in result["violations"]]


async def take_screenshot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png")
