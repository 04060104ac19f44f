/** What a screen reader reads out: the page that has come, the number of results. */
import { h } from '../dom';

export const liveRegion = h('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });

export function announce(text: string): void {
  liveRegion.textContent = text;
}
