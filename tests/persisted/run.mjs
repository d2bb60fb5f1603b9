// Sends hashes in place of documents with client libraries. Usage: node run.mjs BINARY
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as apollo4 from '@apollo/client';
import { createPersistedQueryLink as link4 } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange, gql } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import apollo3 from 'apollo-client-3/core/core.cjs';
import links3 from 'apollo-client-3/link/persisted-queries/persisted-queries.cjs';
import { startServer } from '../server.mjs';

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node run.mjs BINARY');

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const queries = ['query Version { serverInfo { version } }', 'query Time { serverInfo { time } }'];

/* A fetch that records each request: with a hash, with a text, or both. */
function recorder() {
  const sent = [];
  const fetch = async (url, options = {}) => {
    const method = options.method ?? 'GET';
    const parameters = method === 'GET' ? Object.fromEntries(new URL(url).searchParams) : JSON.parse(options.body);
    let { extensions } = parameters;
    if (typeof extensions === 'string') extensions = JSON.parse(extensions);
    const response = await globalThis.fetch(url, options);
    const what = [extensions?.persistedQuery && 'hash', parameters.query && 'text'].filter(Boolean).join('+');
    sent.push(`${method} ${what} ${response.status}`);
    return response;
  };
  return { fetch, sent };
}

function apollo({ ApolloClient, HttpLink, InMemoryCache, gql }, createLink, useGET) {
  return (uri, fetch) => {
    const persisted = createLink({ sha256, useGETForHashedQueries: useGET });
    const link = persisted.concat(new HttpLink({ uri, fetch }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    return async (query) => (await client.query({ query: gql(query), fetchPolicy: 'no-cache' })).data;
  };
}

function urql(preferGet) {
  return (url, fetch) => {
    const persisted = persistedExchange({
      generateHash: async (query) => sha256(query),
      preferGetForPersistedQueries: preferGet,
    });
    const client = new Client({ url, fetch, exchanges: [persisted, fetchExchange], preferGetMethod: false });
    return async (query) => {
      const { data, error } = await client.query(gql(query), {}).toPromise();
      if (error) throw error;
      return data;
    };
  };
}

const clients = {
  'Apollo Client 4 by POST': apollo(apollo4, link4, false),
  'Apollo Client 4 by GET': apollo(apollo4, link4, true),
  'Apollo Client 3 by POST': apollo(apollo3, links3.createPersistedQueryLink, false),
  'Apollo Client 3 by GET': apollo(apollo3, links3.createPersistedQueryLink, true),
  'urql by POST': urql(false),
  'urql by GET': urql(true),
};

const folder = await mkdtemp(join(tmpdir(), 'persisted-'));
const server = await startServer(binary, folder, { env: { LOG: 'warn' } });
try {
  for (const [name, make] of Object.entries(clients)) {
    const { fetch, sent } = recorder();
    const query = make(`${server.url}/graphql`, fetch);
    const [first, second] = [await query(queries[0]), await query(queries[1])];
    assert.ok(first.serverInfo.version && second.serverInfo.time, name);
    // the first request has only the hash; all later ones have the text
    assert.equal(sent.length, 3, `${name}: ${sent.join(', ')}`);
    assert.match(sent[0], name.endsWith('GET') ? /^GET hash / : /^POST hash /, name);
    assert.ok(sent.slice(1).every((it) => it.includes('text 200')), `${name}: ${sent.join(', ')}`);
    console.log(`persisted: ${name}: ${sent.join(', ')}`);
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}
process.exit(0);
