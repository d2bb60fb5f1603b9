// The same client on fetch, in Node as in a page.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import type * as Client from '../src/index.js';
import type * as Web from '../src/web.js';
import { codeOf, failed, startWorld, until, type World } from './harness.js';

const require = createRequire(import.meta.url);
const { createAccount, AccountError } = require('../dist/index.js') as typeof Client;
const { memoryStorage, webAdapter } = require('../dist/web.js') as typeof Web;

const PICTURE = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());

const adapterOf = (user: string, storage?: Client.Adapter['storage']) =>
  webAdapter({ login: () => codeOf(world.wechat(), user), WebSocket: WebSocket as never, storage });

test('both forms of the package have the same exports', async () => {
  for (const name of ['index', 'web']) {
    const esm = await import(new URL(`../dist/${name}.mjs`, import.meta.url).href);
    assert.deepEqual(Object.keys(require(`../dist/${name}.js`)).sort(), Object.keys(esm).sort());
  }
});

test('it logs in, keeps the session in its storage, uploads and listens', async () => {
  const storage = memoryStorage();
  const account = createAccount({ endpoint: world.proxy.url, adapter: adapterOf('web1', storage) });
  const { id } = await account.login();
  const next = createAccount({ endpoint: world.proxy.url, adapter: { ...adapterOf('web1', storage), login: () => Promise.reject(new Error('no login')) } });
  assert.equal((await next.me()).id, id);
  assert.match(await next.uploadAvatar(PICTURE), /^http/);
  let heard = 0;
  const stop = next.subscribe('subscription { accountEvents { __typename } }', undefined, { next: () => { heard += 1; } });
  await until(async () => {
    await next.request('mutation ($n: String) { updateProfile(input: { nickname: $n }) { user { id } } }', { n: `n${Date.now()}` });
    return heard > 0;
  }, 'the event');
  stop();
});

test('a page of the browser keeps the session in its localStorage', async () => {
  const values = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
  (globalThis as any).window = { localStorage };
  try {
    const account = createAccount({ endpoint: world.proxy.url, adapter: adapterOf('web2') });
    await account.login();
    assert.ok([...values.keys()].some((key) => key.includes(world.proxy.url)));
    await account.logout();
    assert.ok(![...values.keys()].some((key) => key.includes(world.proxy.url)));
  } finally {
    delete (globalThis as any).window;
  }
});

test('a dead address is NETWORK, and what is no JSON BAD_ANSWER', async () => {
  const adapter = adapterOf('web3');
  const fast = { ...adapter, login: async () => ({ code: 'x' }) };
  const error = await failed(createAccount({ endpoint: 'http://127.0.0.1:1', adapter: fast }).me());
  assert.ok(error instanceof AccountError);
  assert.deepEqual([error.code, error.action], ['NETWORK', 'RETRY']);
  world.proxy.fate = () => ({ status: 502, body: '<html>' });
  const page = await failed(createAccount({ endpoint: world.proxy.url, adapter: fast }).me());
  assert.equal(page.code, 'BAD_ANSWER');
  world.proxy.fate = () => 'pass';
});

test('an error of the adapter that is one of ours stays what it is', async () => {
  const cancelled = new AccountError({ code: 'CANCELLED', action: 'GIVE_UP', message: 'no' });
  const adapter = { ...adapterOf('web4'), login: () => Promise.reject(cancelled) };
  assert.equal(await failed(createAccount({ endpoint: world.proxy.url, adapter }).me()), cancelled);
});
