/** What a bundler does for the examples: directories as modules, Relay's artifacts, and its `graphql` tags in JSX. */
import { readFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.endsWith('.graphql')) return nextResolve(`${specifier}.ts`, context);
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_UNSUPPORTED_DIR_IMPORT') throw error;
      return nextResolve(`${specifier}/index.js`, context);
    }
  },
  load(url, context, nextLoad) {
    if (!url.endsWith('.tsx')) return nextLoad(url, context);
    const filename = fileURLToPath(url);
    const babel = createRequire(url)('@babel/core');
    const { code } = babel.transformSync(readFileSync(filename, 'utf8'), { filename, cwd: dirname(filename) });
    return { format: 'module', source: code, shortCircuit: true };
  },
});
