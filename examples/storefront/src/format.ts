/** Values as a reader expects them. */
import type { BookAvailability, BookFormat, ContributorRole } from './gql/graphql';

const numbers = new Intl.NumberFormat('en');
const languageNames = new Intl.DisplayNames('en', { type: 'language' });

export const formatNumber = (value: number) => numbers.format(value);

export const formatCount = (count: number, noun: string, isCapped = false) =>
  `${formatNumber(count)}${isCapped ? '+' : ''} ${noun}${count === 1 ? '' : 's'}`;

export function formatPrice({ amount, currencyCode }: { amount: string; currencyCode: string }): string {
  const decimals = amount.split('.')[1]?.length ?? 0;
  const style = { style: 'currency', currency: currencyCode, minimumFractionDigits: decimals } as const;
  return new Intl.NumberFormat('en', style).format(Number(amount));
}

export function formatLanguage(tag: string): string {
  try {
    return languageNames.of(tag) ?? tag;
  } catch {
    return tag; // a valid tag that the browser does not know
  }
}

/** Return a year as it is written: −800 is 800 BC. */
export const formatYear = (year: number) => (year < 0 ? `${-year} BC` : String(year));

export function formatLife(birth: number | null, death: number | null): string {
  if (birth !== null && death !== null) {
    return birth < 0 && death < 0 ? `${-birth}–${-death} BC` : `${formatYear(birth)}–${formatYear(death)}`;
  }
  if (birth !== null) return `born ${formatYear(birth)}`;
  return death === null ? '' : `died ${formatYear(death)}`;
}

export function formatDate(date: string): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number);
  const at = new Date(Date.UTC(2000, month - 1, day));
  at.setUTCFullYear(year);
  return new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' }).format(at);
}

export const joinNames = (names: string[]) => new Intl.ListFormat('en').format(names);

const FORMATS: Record<BookFormat, string> = {
  HARDCOVER: 'Hardcover',
  PAPERBACK: 'Paperback',
  MASS_MARKET_PAPERBACK: 'Mass-market paperback',
  BOARD_BOOK: 'Board book',
  SPIRAL_BOUND: 'Spiral-bound',
  LOOSE_LEAF: 'Loose leaf',
  PAMPHLET: 'Pamphlet',
  EBOOK: 'E-book',
  AUDIOBOOK: 'Audiobook',
  MAP: 'Map',
  BOX_SET: 'Box set',
  OTHER: 'Other',
};

export const formatBookFormat = (format: BookFormat) => FORMATS[format];

const ROLES: Record<ContributorRole, string> = {
  AUTHOR: 'Author',
  EDITOR: 'Editor',
  TRANSLATOR: 'Translator',
  ILLUSTRATOR: 'Illustrator',
  INTRODUCTION: 'Introduction',
  NARRATOR: 'Narrator',
  CONTRIBUTOR: 'Contributor',
};

export const formatRole = (role: ContributorRole) => ROLES[role];

const AVAILABILITIES: Record<BookAvailability, string> = {
  IN_STOCK: 'In stock',
  PRE_ORDER: 'Not yet published',
  OUT_OF_STOCK: 'Out of stock',
  NOT_FOR_SALE: 'Not for sale',
};

export const formatAvailability = (availability: BookAvailability) => AVAILABILITIES[availability];
