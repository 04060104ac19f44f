import type { CodegenConfig } from '@graphql-codegen/cli';

/** The types of the operations, made from the schema and src/operations. Documents stay texts: no parser is loaded. */
const config: CodegenConfig = {
  schema: '../../graphql_api/schema.graphql',
  documents: 'src/operations/*.graphql',
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        enumsAsTypes: true,
        useTypeImports: true,
        strictScalars: true,
        scalars: { Date: 'string', Decimal: 'string', ISBN: 'string' },
      },
    },
  },
};

export default config;
