/** Covers drawn from title and author: nothing is loaded from another server, and no book is without one. */
import { h, svg } from '../dom';

export interface CoverBook {
  title: string;
  language: string | null;
  authors: { name: string }[];
}

const PALETTES = 12;

/** Return a cover for the eye alone: the text beside it says the same. */
export function drawCover(book: CoverBook): HTMLElement {
  const seed = hash(book.title + (book.authors[0]?.name ?? ''));
  const [kind, draw] = KINDS[(seed >>> 8) % KINDS.length]!;
  const text = { lang: book.language, dir: 'auto' };
  return h(
    'div',
    { class: `cover cover-${kind} palette-${seed % PALETTES}`, 'aria-hidden': 'true' },
    svg('svg', { class: 'cover-art', viewBox: '0 0 120 180', preserveAspectRatio: 'none' }, draw(seed)),
    h(
      'div',
      { class: 'cover-text' },
      h('span', { class: `cover-title title-${titleSize(book.title, NARROW_KINDS.has(kind))}`, ...text }, book.title),
      h('span', { class: 'cover-author', dir: 'auto' }, book.authors[0]?.name),
    ),
  );
}

type Drawing = (seed: number) => SVGElement[];

const rect = (x: number, y: number, width: number, height: number, tone: string) =>
  svg('rect', { x, y, width, height, class: tone });
const circle = (cx: number, cy: number, r: number, tone: string) => svg('circle', { cx, cy, r, class: tone });

const KINDS: [name: string, draw: Drawing][] = [
  ['bands', () => [rect(0, 0, 120, 48, 'tone-1'), rect(0, 132, 120, 48, 'tone-1'), rect(0, 132, 120, 3, 'tone-2')]],
  ['frame', () => [rect(6, 6, 108, 168, 'line-1'), rect(9.5, 9.5, 101, 161, 'line-2')]],
  [
    'disc',
    (seed) => {
      const x = 30 + (seed % 61);
      return [circle(x, 145, 35, 'tone-1'), circle(x + (seed % 2 ? 20 : -20), 156, 16, 'tone-2')];
    },
  ],
  [
    'hills',
    (seed) => [
      svg('path', { class: 'tone-2', d: `M0 ${122 + (seed % 14)} Q40 ${94 + (seed % 20)} 120 130 V180 H0z` }),
      svg('path', { class: 'tone-1', d: `M0 152 Q70 ${108 + (seed % 24)} 120 148 V180 H0z` }),
    ],
  ],
  [
    'arches',
    () =>
      [42, 31, 20, 9].map((r, index) =>
        svg('path', {
          class: index % 2 ? 'tone-0' : 'tone-1',
          d: `M${60 - r} 180 V152 A${r} ${r} 0 0 1 ${60 + r} 152 V180z`,
        }),
      ),
  ],
  ['tiles', (seed) => Array.from({ length: 15 }, (_, index) => tile(index, seed))],
  [
    'stripes',
    (seed) =>
      Array.from({ length: 8 }, (_, index) => {
        const height = 18 + (((seed >>> index) * 37) % 54);
        return rect(index * 15, 180 - height, 15, height, index % 3 === seed % 3 ? 'tone-2' : 'tone-1');
      }),
  ],
];

/** Return a quarter of a disc in a square of 24, in one of four turns. */
function tile(index: number, seed: number): SVGElement {
  const [x, y] = [(index % 5) * 24, 108 + Math.floor(index / 5) * 24];
  const turn = (seed >>> (index * 2)) & 3;
  return svg('path', {
    class: (seed >>> index) & 1 ? 'tone-1' : 'tone-2',
    d: 'M0 0 H24 A24 24 0 0 1 0 24z',
    transform: `translate(${x} ${y}) rotate(${turn * 90} 12 12)`,
  });
}

/** The kinds whose titles have less room. */
const NARROW_KINDS = new Set(['bands', 'frame']);

/** Return a size from 1, large, to 6: the longest word fits the width, and the whole title its part of the cover. */
function titleSize(title: string, isNarrow: boolean): number {
  const longest = Math.max(...title.split(/[\s-]/).map(width));
  const total = width(title);
  const limits = [
    [7, 12],
    [9, 22],
    [11, 34],
    [13, 50],
    [15, 80],
  ] as const;
  const index = limits.findIndex(([word, all]) => longest <= word && total <= all);
  return index === -1 ? 6 : Math.min(6, index + (isNarrow ? 2 : 1));
}

/** Return the width of a text in letters of Latin: those of Chinese and Japanese are about twice as wide. */
const width = (text: string) => text.length + (text.match(/[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]/g)?.length ?? 0);

/** FNV-1a: the same book has the same cover everywhere. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}
