// The panel "Examples": all examples with a search field; a click opens one in a tab.
import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useState } from 'react';
import { type Example, examples } from './examples';

function matches(example: Example, text: string): boolean {
  const searched = `${example.name} ${example.query}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => searched.includes(word));
}

function ExamplesPanel() {
  const [text, setText] = useState('');
  const tabs = useGraphiQL((state) => state.tabs);
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const { addTab, changeTab } = useGraphiQLActions();
  const found = examples.filter((example) => matches(example, text));

  const open = (example: Example) => {
    const index = tabs.findIndex((tab) => tab.query?.trim() === example.query);
    if (index >= 0) return changeTab(index);
    addTab();
    queryEditor?.setValue(`${example.query}\n`);
  };

  return (
    <section className="panel" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <input
        type="search"
        className="panel-search"
        placeholder="Search the examples"
        aria-label="Search the examples"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <ul className="panel-list">
        {found.map((example) => (
          <li key={example.name}>
            <button type="button" onClick={() => open(example)}>
              <strong>{example.name}</strong>
              <span>{example.about}</span>
            </button>
          </li>
        ))}
      </ul>
      <p role="status">{found.length === 0 ? 'No example has these words.' : ''}</p>
    </section>
  );
}

const Icon = () => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <path d="M5 4h11l3 3v13H5zM8 10h8M8 13.5h8M8 17h5" />
  </svg>
);

export const EXAMPLES_PLUGIN: GraphiQLPlugin = { title: 'Examples', icon: Icon, content: ExamplesPanel };
