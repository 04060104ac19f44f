/** Light or dark: as the system says, until the reader chooses. */
import { h, svg } from './dom';

const KEY = 'theme';

const prefersDark = matchMedia('(prefers-color-scheme: dark)');

function currentTheme(): 'light' | 'dark' {
  const chosen = document.documentElement.dataset['theme'];
  if (chosen === 'light' || chosen === 'dark') return chosen;
  return prefersDark.matches ? 'dark' : 'light';
}

/** Apply the choice of an earlier visit. */
export function restoreTheme(): void {
  const chosen = localStorage.getItem(KEY);
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset['theme'] = chosen;
}

/** Return the button that changes to the other theme. */
export function themeButton(): HTMLElement {
  const button = h(
    'button',
    { class: 'icon-button', type: 'button', 'aria-label': 'Dark theme' },
    svg(
      'svg',
      { viewBox: '0 0 24 24', width: 20, height: 20, 'aria-hidden': 'true' },
      svg('circle', { cx: 12, cy: 12, r: 8.5, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.75 }),
      svg('path', { d: 'M12 3.5 a8.5 8.5 0 0 1 0 17z', fill: 'currentColor' }),
    ),
  );
  const showState = () => button.setAttribute('aria-pressed', String(currentTheme() === 'dark'));
  button.addEventListener('click', () => {
    const theme = currentTheme() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = theme;
    localStorage.setItem(KEY, theme);
    showState();
  });
  prefersDark.addEventListener('change', showState);
  showState();
  return button;
}
