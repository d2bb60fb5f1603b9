// Whatever asks, one login and one refresh are under way.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { failed, graphqlError, startWorld, type World } from './harness.js';
import type { Fate } from './proxy.js';

const HOUR_MS = 3_600_000;
const thirty = <T>(run: () => Promise<T>) => Promise.all(Array.from({ length: 30 }, run));
const expired = graphqlError({ code: 'UNAUTHENTICATED', action: 'RELOGIN', reason: 'EXPIRED' });

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());
beforeEach(() => {
  world.proxy.seen.length = 0;
  world.proxy.fate = () => 'pass';
});

test('thirty requests at the start make one login', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const users = await thirty(() => account.me());
  assert.equal(new Set(users.map(({ id }) => id)).size, 1);
  assert.equal(phone.logins, 1);
  assert.equal(world.proxy.count('login'), 1);
  assert.ok(phone.mostCalls <= 10);
});

test('thirty 401s make one refresh and no login', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.me();
  const { token } = world.proxy.seen.at(-1)!;
  world.proxy.fate = (passing) => (passing.token === token ? expired : 'pass');
  await thirty(() => account.me());
  assert.equal(world.proxy.count('refreshSession'), 1);
  assert.equal(world.proxy.count('login'), 1);
  // 1 at first, 30 that were refused, 30 again
  assert.equal(world.proxy.count('me'), 61);
});

test('a 401 that comes after another request has refreshed takes what that got', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.me();
  const { token } = world.proxy.seen.at(-1)!;
  let go = () => {};
  const gate = new Promise<void>((resolve) => { go = resolve; });
  const slow = 'query Slow { me { id } }';
  world.proxy.fate = async (passing): Promise<Fate> => {
    if (passing.token !== token || passing.field === 'refreshSession') return 'pass';
    if (passing.body.includes('Slow')) await gate;
    return expired;
  };
  const late = account.request(slow);
  await account.me();
  go();
  await late;
  assert.equal(world.proxy.count('refreshSession'), 1);
  assert.equal(phone.logins, 1);
});

test('a token that is due is exchanged before it is refused, once', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.me();
  phone.clockOff += 2 * HOUR_MS - 30_000;
  await thirty(() => account.me());
  assert.equal(world.proxy.count('refreshSession'), 1);
  assert.equal(world.proxy.count('me'), 31);
});

test('login(), refresh() and requests at the same time share their flights', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await Promise.all([account.login(), account.login(), account.me(), account.me()]);
  assert.equal(world.proxy.count('login'), 1);
  await Promise.all([account.refresh(), account.refresh(), account.me()]);
  assert.equal(world.proxy.count('refreshSession'), 1);
});

test('a login that fails fails all who wait, and the next call tries again', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  world.proxy.fate = ({ field }) => (field === 'login' ? graphqlError({ code: 'LOGIN_BLOCKED', action: 'GIVE_UP' }) : 'pass');
  const errors = await thirty(() => failed(account.me()));
  assert.ok(errors.every(({ code }) => code === 'LOGIN_BLOCKED'));
  assert.equal(world.proxy.count('login'), 1);
  world.proxy.fate = () => 'pass';
  assert.ok((await account.me()).id);
});

test('a refused refresh of thirty requests makes one login', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.me();
  const { token } = world.proxy.seen.at(-1)!;
  world.proxy.fate = (passing) => (passing.token === token || passing.field === 'refreshSession' ? expired : 'pass');
  await thirty(() => account.me());
  assert.equal(world.proxy.count('refreshSession'), 1);
  assert.equal(world.proxy.count('login'), 2);
});
