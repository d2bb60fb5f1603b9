// Subscribes with graphql-ws and with a WebSocket alone. Usage: node run.mjs BINARY
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { startServers } from './servers.mjs';

// one scenario waits until the token expires; the others take less time
const TOKEN_LIFE_S = 10;
const BOUND_MS = 1000;
const EVENTS = `subscription { accountEvents { __typename
  ... on SessionEndedEvent { sessionId reason isCurrent }
  ... on ProfileChangedEvent { user { nickname } } } }`;

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node run.mjs BINARY');

async function graphql(server, query, variables, token) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  const body = JSON.stringify({ query, variables });
  const response = await fetch(`${server.url}/graphql`, { method: 'POST', headers, body });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

const login = async (server, code) => {
  const query = 'mutation ($code: String!) { login(code: $code) { token refreshToken session { id } } }';
  return (await graphql(server, query, { code })).login;
};
const rename = (server, token, name) => {
  const query = 'mutation ($name: String) { updateProfile(input: { nickname: $name }) { userErrors { code } } }';
  return graphql(server, query, { name }, token);
};

const address = (server) => `${server.url.replace('http', 'ws')}/graphql`;
const within = (promise, milliseconds, what) => Promise.race([
  promise,
  sleep(milliseconds, undefined, { ref: false }).then(() => assert.fail(`${what} took more than ${milliseconds} ms`)),
]);

/* A client of graphql-ws with a subscription. */
function listen(server, connectionParams, options = {}) {
  const fixed = { url: address(server), webSocketImpl: WebSocket, retryAttempts: 0 };
  const client = createClient({ ...fixed, connectionParams, ...options });
  return { client, events: client.iterate({ query: EVENTS }) };
}

const nextName = async (events) => (await events.next()).value.data.accountEvents.user?.nickname;

/* Waits until the first read of a new subscription is done. */
const settle = () => sleep(300);

async function graphqlWs([here, there]) {
  const { token } = await login(here, 'emulator:alice');
  const { client, events } = listen(there, { authorization: `Bearer ${token}` });
  const next = nextName(events);
  await settle();
  await rename(here, token, 'Alice');
  assert.equal(await within(next, BOUND_MS, 'the event'), 'Alice');
  const again = nextName(events);
  await rename(there, token, '爱丽丝');
  assert.equal(await within(again, BOUND_MS, 'the next event'), '爱丽丝');
  await client.dispose();
}

/* wx.connectSocket: its options are url, protocols and header; it sends and receives texts. */
function connectSocket({ url, protocols, header }) {
  const socket = new WebSocket(url, protocols, { headers: header });
  const received = [];
  let wake = () => {};
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  socket.on('message', (data, isBinary) => {
    assert.equal(isBinary, false, 'wx.connectSocket receives only texts');
    received.push(JSON.parse(data));
    wake();
  });
  const next = async () => {
    while (received.length === 0) await new Promise((resolve) => { wake = resolve; });
    return received.shift();
  };
  const send = (message) => socket.send(JSON.stringify(message));
  return { opened: once(socket, 'open'), closed, next, send, protocol: () => socket.protocol };
}

async function bareSocket(servers) {
  const [here, there] = servers;
  const [phone, desk] = [await login(here, 'emulator:bob'), await login(there, 'emulator:bob')];
  const header = { Authorization: `Bearer ${phone.token}` };
  const socket = connectSocket({ url: address(there), protocols: ['graphql-transport-ws'], header });
  await socket.opened;
  assert.equal(socket.protocol(), 'graphql-transport-ws');
  socket.send({ type: 'connection_init' });
  assert.deepEqual(await socket.next(), { type: 'connection_ack' });
  socket.send({ type: 'subscribe', id: '1', payload: { query: EVENTS } });
  socket.send({ type: 'ping' });
  assert.deepEqual(await socket.next(), { type: 'pong' });
  await settle();
  const revoke = 'mutation ($id: ID!) { revokeSession(sessionId: $id) { session { id } } }';
  await graphql(here, revoke, { id: phone.session.id }, desk.token);
  const event = await within(socket.next(), BOUND_MS, 'the end of the session');
  const ended = { __typename: 'SessionEndedEvent', sessionId: phone.session.id, reason: 'REVOKED', isCurrent: true };
  assert.deepEqual(event, { type: 'next', id: '1', payload: { data: { accountEvents: ended } } });
  assert.deepEqual(await socket.next(), { type: 'complete', id: '1' });
  assert.deepEqual(await within(socket.closed, BOUND_MS, 'the close'), { code: 4401, reason: 'Unauthorized: REVOKED' });
}

async function badToken([here]) {
  const { client, events } = listen(here, { authorization: 'Bearer nonsense' });
  await assert.rejects(events.next(), (close) => close.code === 4403 && close.reason === 'Forbidden: INVALID');
  await client.dispose();
}

async function notASubscription([here]) {
  const { token } = await login(here, 'emulator:carol');
  const { client } = listen(here, { token });
  const answers = client.iterate({ query: '{ me { id } }' });
  await assert.rejects(answers.next(), ([error]) => error.extensions.code === 'BAD_REQUEST');
  await client.dispose();
}

/* The connection is closed when the token expires; graphql-ws connects again with the next token. */
async function refresh([here, there]) {
  let session = await login(here, 'emulator:dave');
  let connections = 0;
  const connectionParams = async () => {
    connections += 1;
    if (connections > 1) {
      const query = 'mutation ($token: String!) { refreshSession(refreshToken: $token) { token refreshToken } }';
      session = (await graphql(here, query, { token: session.refreshToken })).refreshSession;
    }
    return { authorization: `Bearer ${session.token}` };
  };
  const options = { retryAttempts: 3, shouldRetry: (close) => close.code === 4403 };
  const { client, events } = listen(there, connectionParams, options);
  const next = nextName(events);
  while (connections < 2) await sleep(100);
  await settle();
  await sleep(BOUND_MS);
  await rename(here, session.token, 'Dave');
  assert.equal(await within(next, BOUND_MS, 'the event'), 'Dave');
  assert.equal(connections, 2);
  await client.dispose();
}

async function shutdown([here, there]) {
  const { token } = await login(here, 'emulator:erin');
  const socket = connectSocket({ url: address(there), protocols: ['graphql-transport-ws'] });
  await socket.opened;
  socket.send({ type: 'connection_init', payload: { token } });
  await socket.next();
  const stopped = there.stop();
  assert.deepEqual(await within(socket.closed, BOUND_MS, 'the close'), { code: 1001, reason: 'Going away' });
  await within(stopped, 5 * BOUND_MS, 'the stop');
}

const { servers, stop } = await startServers(binary, { ACCESS_TOKEN_TTL: `${TOKEN_LIFE_S}s` });
try {
  for (const scenario of [graphqlWs, bareSocket, badToken, notASubscription, refresh, shutdown]) {
    await within(scenario(servers), 3 * TOKEN_LIFE_S * 1000, scenario.name);
    console.log(`subscriptions: ${scenario.name}`);
  }
} finally {
  await stop();
}
process.exit(0);
