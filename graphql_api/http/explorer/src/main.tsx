// The explorer page: GraphiQL on the whole window, talking to the address it was loaded from.
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { examples } from './examples';
import { fetcher } from './fetcher';
import { readLinkedOperation } from './linked';
import './page.css';

const linked = readLinkedOperation();

createRoot(document.getElementById('explorer')!).render(
  <GraphiQL
    fetcher={fetcher}
    defaultTabs={linked ? [linked, ...examples] : examples}
    initialQuery={linked?.query}
    initialVariables={linked?.variables ?? undefined}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>Bookstore</GraphiQL.Logo>
  </GraphiQL>,
);
