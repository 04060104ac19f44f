import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { defineConfig, runnerImport, type Plugin } from 'vite';
import { readText } from './src/document-text.ts';

const ASSETS = 'assets';

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

/** The manifest of the operations, by the SHA-256 of their texts. With it a server trusts the texts that are sent. */
const manifest: Plugin = {
  name: 'manifest',
  async writeBundle({ dir }) {
    const { module } = await runnerImport<Record<string, unknown>>('./src/gql/graphql.ts');
    const texts = Object.keys(module)
      .filter((name) => name.endsWith('Document'))
      .map((name) => readText(String(module[name])));
    const entries = texts.map((text) => [createHash('sha256').update(text).digest('hex'), text]);
    writeFileSync(join(dir!, 'documents.json'), JSON.stringify(Object.fromEntries(entries), null, 2) + '\n');
  },
};

export default defineConfig({
  // Addresses relative to the page, which the server changes for deeper pages.
  base: './',
  logLevel: 'warn',
  build: {
    // Beside the module that serves it, so that the wheel contains it.
    outDir: '../../graphql_api/http/storefront/dist',
    emptyOutDir: true,
    assetsDir: ASSETS,
    assetsInlineLimit: 0,
    target: 'es2022',
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/graphql': 'http://127.0.0.1:8000' } },
  plugins: [gzip, manifest],
});
