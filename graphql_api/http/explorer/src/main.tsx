// The explorer page: GraphiQL on the whole window, talking to the address it was loaded from.
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { examples } from './examples';
import { fetcher } from './fetcher';
import './page.css';

createRoot(document.getElementById('explorer')!).render(
  <GraphiQL fetcher={fetcher} defaultTabs={examples} inputValueDeprecation schemaDescription>
    <GraphiQL.Logo>Bookstore</GraphiQL.Logo>
  </GraphiQL>,
);
