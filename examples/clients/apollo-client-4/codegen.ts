import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: process.env.GRAPHQL_SCHEMA ?? 'http://127.0.0.1:8000/graphql',
  documents: 'operations/*.graphql',
  generates: {
    'generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: { useTypeImports: true, enumsAsTypes: true, defaultScalarType: 'string', scalars: { BookFilterJSON: 'object' } },
    },
  },
};

export default config;
