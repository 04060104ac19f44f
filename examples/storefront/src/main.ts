/** The storefront: a frame that stays, and in it the page of the address. */
import { AnswerError, execute, type Answer } from './client';
import { h, svg } from './dom';
import { announce, liveRegion } from './parts/live-region';
import { RequestPanel } from './parts/request-panel';
import { SearchBox } from './parts/search-box';
import { badAddressView, failureView, notFoundView, skeleton } from './parts/states';
import { authorPage } from './pages/author';
import { bookPage } from './pages/book';
import { categoryPage } from './pages/category';
import { homePage } from './pages/home';
import { searchPage } from './pages/search';
import { seriesPage } from './pages/series';
import { startRouter, type Visit } from './router';
import { restoreTheme, themeButton } from './theme';
import { homeUrl, ROOT, searchUrl } from './urls';
import type { AnyPage, View } from './view';
import './style/base.css';
import './style/frame.css';
import './style/books.css';
import './style/cover.css';
import './style/lists.css';
import './style/panel.css';

const PAGES: AnyPage[] = [homePage, categoryPage, searchPage, bookPage, authorPage, seriesPage];
const SKELETON_DELAY_MS = 150;
const MAX_KEPT_ANSWERS = 30;

const main = h('main', { id: 'main', tabindex: -1 });
const searchBox = new SearchBox();
const panel = new RequestPanel();
/** Answers by address: back and forward show what was there, at its place. */
const keptAnswers = new Map<string, Answer<unknown>>();
let running = new AbortController();
let lastPath = '';

async function show(visit: Visit): Promise<void> {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  const { url } = visit;
  searchBox.setText(url.searchParams.get('q') ?? '');
  const found = findPage(url);
  if (!found) return showView(notFoundView(), visit, null);
  const [page, parts] = found;
  const kept = visit.by === 'history' ? keptAnswers.get(url.href) : undefined;
  if (kept) return showAnswer(page, kept, visit);
  const timer = window.setTimeout(() => showSkeleton(page, visit), SKELETON_DELAY_MS);
  main.setAttribute('aria-busy', 'true');
  try {
    const answer = await execute(page.document, page.readVariables(url, parts), signal);
    keepAnswer(url.href, answer);
    showAnswer(page, answer, visit);
  } catch (error) {
    if (signal.aborted) return;
    showView(failedView(error, visit), visit, null);
  } finally {
    clearTimeout(timer);
  }
}

/** Return the view for an operation that failed: a path or query that the API refuses is the address's fault. */
function failedView(error: unknown, visit: Visit): View {
  if (!(error instanceof AnswerError && error.isBadInput)) return failureView(error, () => void show(visit));
  return visit.url.search ? badAddressView(error.message, visit.url) : notFoundView();
}

function findPage(url: URL): [AnyPage, string[]] | null {
  const path = url.pathname.slice(ROOT.length).replace(/\/$/, '');
  for (const page of PAGES) {
    const match = page.path.exec(path);
    if (match) return [page, match.slice(1).map(decode)];
  }
  return null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone per cent sign
  }
}

function keepAnswer(href: string, answer: Answer<unknown>): void {
  keptAnswers.delete(href);
  keptAnswers.set(href, answer);
  const [oldest] = keptAnswers.keys();
  if (keptAnswers.size > MAX_KEPT_ANSWERS && oldest) keptAnswers.delete(oldest);
}

function showAnswer(page: AnyPage, answer: Answer<unknown>, visit: Visit): void {
  const view: View | null = page.render(answer.data, visit.url);
  if (view?.path && view.path !== visit.url.pathname) {
    history.replaceState(history.state, '', view.path + visit.url.search);
    visit.url.pathname = view.path;
  }
  showView(view ?? notFoundView(), visit, answer);
}

function showSkeleton(page: AnyPage, visit: Visit): void {
  if (visit.by === 'link' && lastPath === visit.url.pathname) return; // only the list of the page changes
  main.replaceChildren(skeleton(page.skeleton));
  scrollTo(0, 0);
}

function showView(view: View, visit: Visit, answer: Answer<unknown> | null): void {
  const focusedId = main.contains(document.activeElement) ? document.activeElement?.id : '';
  const isSamePath = lastPath === visit.url.pathname;
  lastPath = visit.url.pathname;
  main.removeAttribute('aria-busy');
  main.replaceChildren(h('div', { class: 'page' }, view.content));
  panel.setAnswer(answer);
  document.title = view.title === 'Bookstore' ? view.title : `${view.title} – Bookstore`;
  announce(view.announcement ?? view.title);
  if (visit.by === 'link') moveFocus(isSamePath, focusedId);
  if (visit.by !== 'link' || !isSamePath) scrollTo(0, visit.scroll);
}

/** Move the focus to the new page; within a list to where it was, or to the head of the list. */
function moveFocus(isSamePath: boolean, focusedId: string | undefined): void {
  const results = document.getElementById('results');
  const same = focusedId ? document.getElementById(focusedId) : null;
  if (isSamePath && same) same.focus({ preventScroll: true });
  else if (isSamePath && results) {
    results.focus({ preventScroll: true });
    if (results.getBoundingClientRect().top < 0) results.scrollIntoView();
  } else {
    const heading = main.querySelector('h1');
    heading?.setAttribute('tabindex', '-1');
    heading?.focus({ preventScroll: true });
  }
}

function header(): HTMLElement {
  const mark = svg(
    'svg',
    { viewBox: '0 0 32 32', width: 26, height: 26, 'aria-hidden': 'true' },
    svg('path', { class: 'brand-cover', d: 'M5 3h18a4 4 0 0 1 4 4v22H9a4 4 0 0 1-4-4z' }),
    svg('path', { class: 'brand-lines', d: 'M9 23h18v2H9zM10 9h11v2H10zm0 4h8v2h-8z' }),
  );
  return h(
    'header',
    { class: 'site-head' },
    h('a', { class: 'brand', href: homeUrl() }, mark, 'Bookstore'),
    searchBox.element,
    h(
      'nav',
      { class: 'site-nav', 'aria-label': 'Site' },
      h('a', { href: searchUrl('') }, 'All books'),
      themeButton(),
    ),
  );
}

function skipLink(): HTMLElement {
  const link = h('a', { class: 'skip-link', href: '#main' }, 'Skip to the content');
  link.addEventListener('click', (event) => {
    event.preventDefault();
    main.focus();
  });
  return link;
}

function footer(): HTMLElement {
  const hasExplorer = document.documentElement.dataset['explorer'] === 'on';
  return h(
    'footer',
    { class: 'site-foot' },
    h(
      'p',
      {},
      'An example storefront. Covers are drawn from titles. ',
      hasExplorer && h('a', { href: `${ROOT}graphql` }, 'Explore the API in GraphiQL'),
    ),
    panel.button,
  );
}

restoreTheme();
document.getElementById('app')!.replaceWith(skipLink(), header(), main, footer(), liveRegion, panel.dialog);
startRouter((visit) => void show(visit));
