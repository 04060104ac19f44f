/** The search field: a combobox that suggests books, authors and categories while the reader types. */
import { execute } from '../client';
import { h } from '../dom';
import { SuggestDocument, type SuggestQuery } from '../gql/graphql';
import { navigate } from '../router';
import { authorUrl, bookUrl, categoryUrl, ROOT, searchUrl } from '../urls';
import { announce } from './live-region';

const TYPING_DELAY_MS = 120;

interface Suggestion {
  label: string;
  detail: string;
  href: string;
}

export class SearchBox {
  readonly element: HTMLFormElement;
  private readonly input = h('input', {
    id: 'search',
    type: 'search',
    name: 'q',
    role: 'combobox',
    placeholder: 'Title, author or ISBN',
    'aria-label': 'Search books',
    'aria-expanded': 'false',
    'aria-controls': 'suggestions',
    'aria-autocomplete': 'list',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    enterkeyhint: 'search',
    maxlength: 200,
  });
  private readonly list = h('div', { id: 'suggestions', role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
  private options: HTMLElement[] = [];
  private active = -1;
  private timer = 0;
  private running = new AbortController();

  constructor() {
    const button = h('button', { class: 'search-button', type: 'submit' }, 'Search');
    this.element = h('form', { class: 'search-box', role: 'search', action: `${ROOT}search` }, this.input, button, this.list);
    this.element.addEventListener('submit', (event) => {
      event.preventDefault();
      this.go(this.options[this.active]?.dataset['href'] ?? searchUrl(this.input.value.trim()));
    });
    this.input.addEventListener('input', () => this.suggestSoon());
    this.input.addEventListener('keydown', (event) => this.handleKey(event));
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.close();
    });
    // The field keeps the focus when an option is pressed.
    this.list.addEventListener('mousedown', (event) => event.preventDefault());
    this.list.addEventListener('click', (event) => {
      const option = event.target instanceof Element ? event.target.closest<HTMLElement>('[role=option]') : null;
      if (option?.dataset['href']) this.go(option.dataset['href']);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
      event.preventDefault();
      this.input.select();
      this.input.focus();
    });
  }

  /** Show the text of the page's own search. */
  setText(text: string): void {
    if (document.activeElement !== this.input || !this.input.value) this.input.value = text;
    this.close();
  }

  private go(href: string): void {
    this.close();
    navigate(href);
  }

  private handleKey(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step && !this.list.hidden) {
      event.preventDefault();
      const places = this.options.length + 1; // the field itself is one
      this.activate(((this.active + 1 + step + places) % places) - 1);
    } else if (step && this.input.value) {
      event.preventDefault();
      void this.suggest();
    } else if (event.key === 'Escape' && !this.list.hidden) {
      event.preventDefault();
      this.close();
    }
  }

  private suggestSoon(): void {
    clearTimeout(this.timer);
    this.running.abort();
    if (!this.input.value.trim()) this.close();
    else this.timer = window.setTimeout(() => void this.suggest(), TYPING_DELAY_MS);
  }

  private async suggest(): Promise<void> {
    this.running.abort();
    this.running = new AbortController();
    const { signal } = this.running;
    try {
      const { data } = await execute(SuggestDocument, { prefix: this.input.value.trim() }, signal);
      if (!signal.aborted) this.show(data.suggest);
    } catch {
      if (!signal.aborted) this.close(); // the field works without suggestions
    }
  }

  private show(suggest: SuggestQuery['suggest']): void {
    const groups: [string, Suggestion[]][] = [
      [
        'Books',
        suggest.books.map((book) => ({
          label: book.title,
          detail: book.authors.map(({ name }) => name).join(', '),
          href: bookUrl(book),
        })),
      ],
      ['Authors', suggest.authors.map((author) => ({ label: author.name, detail: '', href: authorUrl(author) }))],
      [
        'Categories',
        suggest.categories.map((category) => ({ label: category.name, detail: '', href: categoryUrl(category) })),
      ],
    ];
    this.list.replaceChildren(
      ...groups.filter(([, entries]) => entries.length).map(([name, entries]) => group(name, entries)),
    );
    this.options = [...this.list.querySelectorAll<HTMLElement>('[role=option]')];
    this.options.forEach((option, index) => (option.id = `suggestion-${index}`));
    this.activate(-1);
    this.list.hidden = !this.options.length;
    this.input.setAttribute('aria-expanded', String(!this.list.hidden));
    announce(this.options.length ? `${this.options.length} suggestions` : 'No suggestions');
  }

  private activate(index: number): void {
    this.active = index;
    this.options.forEach((option, place) => option.setAttribute('aria-selected', String(place === index)));
    const option = this.options[index];
    if (option) {
      this.input.setAttribute('aria-activedescendant', option.id);
      option.scrollIntoView({ block: 'nearest' });
    } else this.input.removeAttribute('aria-activedescendant');
  }

  private close(): void {
    clearTimeout(this.timer);
    this.running.abort();
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.options = [];
    this.activate(-1);
  }
}

function group(name: string, entries: Suggestion[]): HTMLElement {
  const id = `suggestions-${name.toLowerCase()}`;
  return h(
    'div',
    { role: 'group', 'aria-labelledby': id },
    h('div', { class: 'suggestion-group', id, role: 'presentation' }, name),
    entries.map(({ label, detail, href }) =>
      h(
        'div',
        { role: 'option', class: 'suggestion', 'aria-selected': 'false', 'data-href': href },
        h('span', { dir: 'auto' }, label),
        detail && h('span', { class: 'muted', dir: 'auto' }, ` ${detail}`),
      ),
    ),
  );
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
