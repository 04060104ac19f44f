/** "How this was asked": the operation of the page, its variables, cost and time, and the way to GraphiQL. */
import type { Answer } from '../client';
import { h, type Child } from '../dom';
import { formatNumber } from '../format';
import { explorerUrl } from '../urls';

export class RequestPanel {
  readonly button = h('button', { class: 'ask-button', type: 'button', 'aria-haspopup': 'dialog', hidden: true });
  readonly dialog = h('dialog', { class: 'ask-panel', 'aria-labelledby': 'ask-title' });
  private answer: Answer<unknown> | null = null;

  constructor() {
    this.button.addEventListener('click', () => this.open());
    this.dialog.addEventListener('click', (event) => {
      if (event.target === this.dialog) this.dialog.close(); // the backdrop
    });
  }

  /** Show the answer that the page was made of; null hides the button. */
  setAnswer(answer: Answer<unknown> | null): void {
    this.answer = answer;
    this.dialog.close();
    this.button.hidden = !answer;
    if (!answer) return;
    this.button.replaceChildren(
      'How this was asked',
      h('span', { class: 'ask-facts' }, `${formatNumber(Math.round(answer.milliseconds))} ms`),
    );
  }

  private open(): void {
    if (!this.answer) return;
    this.dialog.replaceChildren(...panelContent(this.answer, () => this.dialog.close()));
    this.dialog.showModal();
  }
}

function panelContent(answer: Answer<unknown>, close: () => void): Node[] {
  const { request, cost } = answer;
  const closeButton = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close' }, '×');
  closeButton.addEventListener('click', close);
  const facts: [string, string][] = [
    ['Operation', request.name],
    ['Time', `${formatNumber(Math.round(answer.milliseconds))} ms`],
    ['Answer', `${formatNumber(Math.ceil(answer.bytes / 1_000))} kB`],
    ...(cost
      ? ([
          ['Cost requested', `${formatNumber(cost.requested)} rows`],
          ['Cost used', `${formatNumber(cost.actual)} rows`],
        ] as [string, string][])
      : []),
  ];
  const hasVariables = Object.keys(request.variables).length > 0;
  return [
    h('header', {}, h('h2', { id: 'ask-title' }, 'How this was asked'), closeButton),
    h('p', {}, 'This whole page is the answer to one GraphQL operation.'),
    h('dl', { class: 'ask-list' }, facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)))),
    h('div', { class: 'ask-actions' }, explorerLink(answer), copyButton(request.text)),
    h('h3', {}, 'Operation'),
    h('pre', { tabindex: 0, 'aria-label': 'Operation' }, h('code', {}, highlightDocument(request.text))),
    ...(hasVariables
      ? [
          h('h3', {}, 'Variables'),
          h(
            'pre',
            { tabindex: 0, 'aria-label': 'Variables' },
            h('code', {}, highlightDocument(JSON.stringify(request.variables, null, 2))),
          ),
        ]
      : []),
  ];
}

function explorerLink({ request }: Answer<unknown>): Child {
  if (document.documentElement.dataset['explorer'] !== 'on') return null;
  const href = explorerUrl(request.text, request.variables);
  return h('a', { class: 'button', href, target: '_blank', rel: 'noopener' }, 'Open in GraphiQL');
}

function copyButton(text: string): HTMLElement {
  const button = h('button', { class: 'button button-quiet', type: 'button' }, 'Copy the operation');
  button.addEventListener('click', () => {
    void navigator.clipboard.writeText(text).then(() => (button.textContent = 'Copied'));
  });
  return button;
}

const TOKENS = /("(?:[^"\\]|\\.)*")|(\$\w+)|\b(query|fragment|on|true|false|null)\b|\b([A-Z]\w*)\b|\b(\d[\d.]*)\b/g;
const KINDS = ['string', 'variable', 'keyword', 'type', 'number'];

/** Return a document, or JSON, with a span around each token that has a colour. */
function highlightDocument(text: string): Child[] {
  const parts: Child[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKENS)) {
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)]!;
    parts.push(text.slice(end, match.index), h('span', { class: `token-${kind}` }, match[0]));
    end = match.index + match[0].length;
  }
  return [...parts, text.slice(end)];
}
