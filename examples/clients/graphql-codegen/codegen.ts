import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: process.env.GRAPHQL_SCHEMA ?? 'http://127.0.0.1:8000/graphql',
  documents: 'pages.ts',
  importExtension: '.ts',
  generates: {
    'generated/': {
      preset: 'client',
      presetConfig: { persistedDocuments: { hashAlgorithm: 'sha256' } },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        defaultScalarType: 'string',
        scalars: { BookFilterJSON: 'BookFilter' },
        useTypeImports: true,
      },
    },
  },
};

export default config;
