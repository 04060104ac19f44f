/** Facets: values that narrow a list, with their counts. A value says which filter it means, so one part draws all. */
import { h, type Child } from '../dom';
import { formatNumber } from '../format';
import type { FacetPanelFragment } from '../gql/graphql';
import { filterParameters, FIRST_PAGE } from '../list-state';
import { withParameters } from '../urls';

type Facet = FacetPanelFragment;
type Value = Facet['values'][number];

const SHOWN = 8;

/** Return the panel of facets. It is closed on a phone, where it would hide the books. */
export function facetPanel(facets: Facet[], url: URL): HTMLElement {
  const chosen = new Set(filterNames(url).map(fieldOf)).size;
  return h(
    'details',
    { class: 'facets', open: matchMedia('(min-width: 56rem)').matches },
    h('summary', {}, 'Filter', chosen > 0 && h('span', { class: 'badge' }, chosen)),
    h('div', { class: 'facet-list' }, facets.map((facet) => facetGroup(facet, url))),
  );
}

function facetGroup({ field, label, values }: Facet, url: URL): Child {
  if (!values.length) return null;
  const id = `facet-${field.toLowerCase()}`;
  const links = values.map((value, index) => facetLink(value, `${id}-${index}`, url));
  const hidesChosen = values.findIndex((value) => isChosen(value, url)) >= SHOWN;
  return h(
    'section',
    { class: 'facet' },
    h('h2', { id }, label),
    h('ul', { role: 'list', 'aria-labelledby': id }, links.slice(0, SHOWN)),
    links.length > SHOWN &&
      h(
        'details',
        { class: 'facet-more', open: hidesChosen },
        h('summary', {}, `${links.length - SHOWN} more`),
        h('ul', { role: 'list', 'aria-labelledby': id }, links.slice(SHOWN)),
      ),
  );
}

function facetLink(value: Value, id: string, url: URL): HTMLElement {
  const chosen = isChosen(value, url);
  return h(
    'li',
    {},
    h(
      'a',
      { id, href: chosen ? without(value, url) : withValue(value, url), 'aria-current': chosen ? 'true' : null },
      h('span', { dir: 'auto' }, value.label),
      h('span', { class: 'count' }, formatNumber(value.count)),
    ),
  );
}

/** Return the chosen values, each as a link that removes it. */
export function chosenFilters(facets: Facet[], url: URL): Child {
  const chosen = facets.flatMap(({ values }) => values.filter((value) => isChosen(value, url)));
  if (!filterNames(url).length) return null;
  const nothing = Object.fromEntries(filterNames(url).map((name) => [name, null]));
  return h(
    'ul',
    { class: 'chosen', role: 'list', 'aria-label': 'Chosen filters' },
    chosen.map((value) =>
      h(
        'li',
        {},
        h(
          'a',
          { href: without(value, url) },
          h('span', { class: 'visually-hidden' }, 'Remove '),
          h('span', { dir: 'auto' }, value.label),
          h('span', { class: 'cross', 'aria-hidden': 'true' }, '×'),
        ),
      ),
    ),
    chosen.length !== 1 &&
      h('li', {}, h('a', { class: 'clear', href: withParameters(url, { ...FIRST_PAGE, ...nothing }) }, 'Clear all')),
  );
}

const filterNames = (url: URL) => [...url.searchParams.keys()].filter((name) => name.includes('.'));
const fieldOf = (name: string) => name.split('.', 1)[0]!;

function isChosen({ filter }: Value, url: URL): boolean {
  return filterParameters(filter).every(([name, value]) => url.searchParams.get(name) === value);
}

/** Return the address of the list without the fields that a value sets. */
function without({ filter }: Value, url: URL, parameters: Record<string, string> = {}): string {
  const gone = filterNames(url).filter((name) => fieldOf(name) in filter);
  return withParameters(url, { ...FIRST_PAGE, ...Object.fromEntries(gone.map((name) => [name, null])), ...parameters });
}

/** Return the address of the list with the filter of a value in the place of the same fields. */
const withValue = (value: Value, url: URL) => without(value, url, Object.fromEntries(filterParameters(value.filter)));
