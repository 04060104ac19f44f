// The picture of the reference page, on the whole window. A type in it opens its documentation.
import { DOC_EXPLORER_PLUGIN, useDocExplorerActions } from '@graphiql/plugin-doc-explorer';
import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { type MouseEvent, useEffect, useRef, useState } from 'react';

const REFERENCE = `${window.location.pathname}/reference`;

/** Return the picture, which the server draws for its reference page. */
async function loadPicture(): Promise<SVGElement> {
  const response = await fetch(REFERENCE, { headers: { accept: 'text/html' } });
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const picture = page.querySelector('svg');
  if (!picture) throw new Error(`The reference has no picture (status ${response.status}).`);
  return picture;
}

function PicturePanel() {
  const dialog = useRef<HTMLDialogElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const [failure, setFailure] = useState('');
  const schema = useGraphiQL((state) => state.schema);
  const { setVisiblePlugin } = useGraphiQLActions();
  const { push, reset } = useDocExplorerActions();

  useEffect(() => {
    dialog.current?.showModal();
    loadPicture().then(
      (picture) => frame.current?.replaceChildren(picture),
      (reason: Error) => setFailure(reason.message),
    );
  }, []);

  const openType = (event: MouseEvent) => {
    const link = (event.target as Element).closest('a');
    if (!link) return;
    event.preventDefault();
    const name = link.getAttribute('href')!.slice(1);
    const def = schema?.getType(name);
    if (!def) return;
    reset();
    push({ name, def });
    setVisiblePlugin(DOC_EXPLORER_PLUGIN);
  };

  return (
    <dialog className="picture" aria-label="Picture of the schema" ref={dialog} onClose={() => setVisiblePlugin(null)}>
      <header>
        <div className="graphiql-doc-explorer-title">Picture of the schema</div>
        <form method="dialog">
          <button type="submit" aria-label="Close the picture">
            ✕
          </button>
        </form>
      </header>
      <p>
        A type opens its documentation. The <a href={REFERENCE}>reference</a> has all types on one page, with an
        operation for each field of <code>Query</code>.
      </p>
      <div className="picture-frame" ref={frame} onClick={openType} />
      <p role="status">{failure}</p>
    </dialog>
  );
}

const Icon = () => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <rect x="3" y="9" width="6" height="6" rx="1" />
    <rect x="15" y="3" width="6" height="6" rx="1" />
    <rect x="15" y="15" width="6" height="6" rx="1" />
    <path d="M9 12h3V6h3M12 12v6h3" />
  </svg>
);

export const PICTURE_PLUGIN: GraphiQLPlugin = {
  title: 'Picture of the schema',
  icon: Icon,
  content: PicturePanel,
};
