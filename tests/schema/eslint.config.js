// The conventions of schema.graphql: the rules that the plugin recommends, and those for Relay. A rule that contradicts
// the contract is narrowed below, with the reason. Runs from the repository's root.
import graphql from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // only objects of `node(id)` have an id: not the outcome of a mutation, an event, a page of a list, or the server
      '@graphql-eslint/strict-id-in-types': ['error', {
        exceptions: {
          suffixes: ['Payload', 'Connection', 'Edge', 'Event'],
          types: ['PageInfo', 'ServerInfo', 'UserError'],
        },
      }],
      // `users(ids)` has the order of its ids, and user errors and identities are few: lists without pages or edges
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];
