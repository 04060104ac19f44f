import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const ASSETS = 'graphql/assets';

/** Beside each file its gzip, so that the server never compresses one twice. */
const gzip: Plugin = {
  name: 'gzip',
  writeBundle({ dir }) {
    const folder = join(dir!, ASSETS);
    for (const name of readdirSync(folder)) {
      const packed = gzipSync(readFileSync(join(folder, name)), { level: constants.Z_BEST_COMPRESSION });
      writeFileSync(join(folder, `${name}.gz`), packed);
    }
  },
};

export default defineConfig({
  // Addresses relative to the page /graphql, so that it also works behind a proxy's path prefix.
  base: './',
  logLevel: 'warn',
  build: {
    assetsDir: ASSETS,
    license: { fileName: 'licenses.md' },
    target: 'es2022',
    modulePreload: { polyfill: false },
    // Monaco is one large chunk, loaded after the page.
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      // Hundreds of "use client" lines of libraries, which say nothing in a bundle.
      onLog(level, log, report) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  worker: { format: 'es' },
  plugins: [gzip],
});
