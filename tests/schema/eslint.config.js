// The conventions schema.graphql must keep: those the plugin recommends, and Relay's. Where a rule contradicts our
// contract it is narrowed below, with the reason. Run it from the repository's root.
import graphql from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // only what can be asked for again by `node(id)` has an id: not the outcome of a mutation, an event, a page of a
      // list, or the one server there is
      '@graphql-eslint/strict-id-in-types': ['error', {
        exceptions: { suffixes: ['Payload', 'Connection', 'Edge', 'Event'], types: ['PageInfo', 'ServerInfo', 'UserError'] },
      }],
      // `users(ids)` answers in the order of its ids, and user errors and identities are few: no pages, so no edges
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];
