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
        // A scalar of the API is a string in JSON, such as a date or a price.
        defaultScalarType: 'string',
        scalars: { BookFilterJSON: 'Record<string, unknown>' },
      },
    },
  },
};

export default config;
