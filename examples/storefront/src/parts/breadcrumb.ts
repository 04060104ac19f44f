/** The way from the home page to a category. */
import { h } from '../dom';
import { categoryUrl, homeUrl } from '../urls';

interface Step {
  name: string;
  path: string;
}

/** Return links to the home page and to the categories; the last one is the page itself if `isHere`. */
export function breadcrumb(steps: Step[], { isHere }: { isHere: boolean }): HTMLElement {
  return h(
    'nav',
    { class: 'breadcrumb', 'aria-label': 'Breadcrumb' },
    h(
      'ol',
      { role: 'list' },
      h('li', {}, h('a', { href: homeUrl() }, 'Home')),
      steps.map((step, index) =>
        h(
          'li',
          {},
          h(
            'a',
            { href: categoryUrl(step), 'aria-current': isHere && index === steps.length - 1 ? 'page' : null },
            step.name,
          ),
        ),
      ),
    ),
  );
}
