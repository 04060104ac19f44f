// What GraphiQL keeps in the browser. Its history has the headers of each request, which may hold a key: they are left
// out unless "Persist headers" is on in its settings.
import type { GraphiQLProps } from 'graphiql';

type Storage = NonNullable<GraphiQLProps['storage']>;

const HISTORY_KEYS = ['graphiql:queries', 'graphiql:favorites'];
const PERSIST_HEADERS_KEY = 'graphiql:shouldPersistHeaders';

const withoutHeaders = (history: string) =>
  JSON.stringify(JSON.parse(history), (key, value) => (key === 'headers' ? undefined : value));

function write(key: string, value: string) {
  const persists = localStorage.getItem(PERSIST_HEADERS_KEY) === 'true';
  localStorage.setItem(key, HISTORY_KEYS.includes(key) && !persists ? withoutHeaders(value) : value);
  if (key !== PERSIST_HEADERS_KEY || value === 'true') return;
  for (const historyKey of HISTORY_KEYS) {
    const history = localStorage.getItem(historyKey);
    if (history) localStorage.setItem(historyKey, withoutHeaders(history));
  }
}

export const storage: Storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: write,
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => localStorage.clear(),
  get length() {
    return localStorage.length;
  },
};
