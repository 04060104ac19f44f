/** Navigation without loading the document: links, back and forward, scroll positions. */
import { ROOT } from './urls';

export interface Visit {
  url: URL;
  /** How the reader came: by loading the document, by a link, or back and forward. */
  by: 'load' | 'link' | 'history';
  /** The scroll position to restore. */
  scroll: number;
}

type Listener = (visit: Visit) => void;

let listener: Listener = () => {};

/** Call the listener with each visit from now on, the present one first. */
export function startRouter(onVisit: Listener): void {
  listener = onVisit;
  history.scrollRestoration = 'manual';
  document.addEventListener('click', followLink);
  addEventListener('popstate', () => listener({ url: new URL(location.href), by: 'history', scroll: savedScroll() }));
  addEventListener('pagehide', saveScroll);
  addEventListener('scrollend', saveScroll);
  listener({ url: new URL(location.href), by: 'load', scroll: savedScroll() });
}

/** Go to an address of the storefront. */
export function navigate(href: string): void {
  const url = new URL(href, location.href);
  saveScroll();
  if (url.href !== location.href) history.pushState(null, '', url);
  listener({ url, by: 'link', scroll: 0 });
}

function saveScroll(): void {
  history.replaceState({ scroll: scrollY }, '');
}

function savedScroll(): number {
  const state = history.state as { scroll?: number } | null;
  return state?.scroll ?? 0;
}

function followLink(event: MouseEvent): void {
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (event.defaultPrevented || !isPlain || !link || link.target) return;
  const url = new URL(link.href);
  if (url.origin !== location.origin || !isPage(url.pathname)) return;
  event.preventDefault();
  navigate(url.href);
}

/** Return whether a path is the storefront's own, and not the API's. */
function isPage(path: string): boolean {
  return path.startsWith(ROOT) && !/^graphql(\/|$)/.test(path.slice(ROOT.length));
}
