// The explorer page: GraphiQL on the whole window, talking to the address it was loaded from.
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import { examples, OPENED_EXAMPLES } from './examples';
import { EXAMPLES_PLUGIN } from './examples-panel';
import { fetcher } from './fetcher';
import { readLinkedOperation } from './linked';
import './page.css';
import { PICTURE_PLUGIN } from './picture-panel';
import { storage } from './storage';

const linked = readLinkedOperation();
const opened = examples.slice(0, OPENED_EXAMPLES).map(({ query }) => ({ query }));
const plugins = [HISTORY_PLUGIN, EXAMPLES_PLUGIN, PICTURE_PLUGIN];

createRoot(document.getElementById('explorer')!).render(
  <GraphiQL
    fetcher={fetcher}
    defaultTabs={linked ? [linked, ...opened] : opened}
    initialQuery={linked?.query}
    initialVariables={linked?.variables ?? undefined}
    plugins={plugins}
    storage={storage}
    inputValueDeprecation
    schemaDescription
  >
    <GraphiQL.Logo>
      <span className="logo-text">Bookstore</span>{' '}
      <a className="reference-link" href={`${window.location.pathname}/reference`}>
        Reference
      </a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
