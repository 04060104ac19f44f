import { StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { RelayEnvironmentProvider } from 'react-relay';

import { CategoryPage } from './CategoryPage.tsx';
import { createEnvironment } from './environment.ts';

export function renderShop(container: HTMLElement, url: string, path: string) {
  const root = createRoot(container);
  root.render(
    <StrictMode>
      <RelayEnvironmentProvider environment={createEnvironment(url)}>
        <Suspense fallback={<p>Loading</p>}>
          <CategoryPage path={path} />
        </Suspense>
      </RelayEnvironmentProvider>
    </StrictMode>,
  );
  return root;
}
