import graphql from '@graphql-eslint/eslint-plugin';

const schema = 'graphql_api/schema.graphql';

/** The folders whose documents belong together: in each, the names of operations and fragments are unique. */
const clients = ['apollo-client-3', 'apollo-client-4', 'graphql-request', 'urql'];
const projects = Object.fromEntries(
  clients.map((name) => [name, { schema, documents: `examples/clients/${name}/**/*.graphql` }]),
);

export default [
  {
    files: ['**/*.graphql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { projects: { ...projects, default: { schema } } } },
    },
  },
  {
    files: [schema],
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      // Values, pages and counts belong to their parent.
      '@graphql-eslint/strict-id-in-types': 'off',
      // The directives of the specification have no description.
      '@graphql-eslint/require-description': ['error', { types: true, rootField: true }],
    },
  },
  { files: ['examples/clients/**/*.graphql'], rules: graphql.configs['flat/operations-recommended'].rules },
];
