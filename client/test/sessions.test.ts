// The end of a session: elsewhere, by theft, by an operator, by the person.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, SessionEnd } from '../src/index.js';
import { failed, startWorld, until, type World } from './harness.js';
import type { Fate } from './proxy.js';

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());
beforeEach(() => {
  world.proxy.seen.length = 0;
  world.proxy.fate = () => 'pass';
});

const post = async (query: string, variables: unknown, token = '') => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const answer = await fetch(`${world.url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return ((await answer.json()) as { data: any }).data;
};

const watch = (account: Account) => {
  const ends: SessionEnd[] = [];
  account.onSessionEnd((end) => ends.push(end));
  return () => ends.map(({ reason }) => reason);
};

const stored = (phone: { storage: Map<string, string> }) => {
  const text = [...phone.storage].find(([key]) => key.startsWith('miniaccount http'))?.[1];
  return text && JSON.parse(JSON.parse(text));
};

test('a refresh token that was stolen and used ends the session, and the client logs in again', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends = watch(account);
  const { id } = await account.login();
  const stolen = stored(phone).refresh;
  await account.refresh();
  await account.me();
  // the thief is too late, and gives themselves away; for ten seconds it could be a tab that raced
  await sleep(10_500);
  await post('mutation ($t: String!) { refreshSession(refreshToken: $t) { token } }', { t: stolen });
  assert.equal((await account.me()).id, id);
  await until(() => ends().length > 0, 'the end of the session');
  assert.deepEqual(ends(), ['REUSED']);
  assert.equal(phone.logins, 2);
});

test('a suspended account gets ACCOUNT_SUSPENDED, and the end of the session is told once', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends = watch(account);
  const { id } = await account.login();
  await world.admin('suspend', id);
  await sleep(1000);
  const errors = await Promise.all(Array.from({ length: 10 }, () => failed(account.me())));
  assert.ok(errors.every(({ code, action }) => code === 'ACCOUNT_SUSPENDED' && action === 'GIVE_UP'));
  await until(() => ends().length > 0, 'the end of the session');
  assert.deepEqual(ends(), ['SUSPENDED']);
  assert.equal(phone.logins, 1);
  await world.admin('reinstate', id);
  await until(async () => account.me().then(() => true, () => false), 'the account');
});

test('a session that is revoked elsewhere ends once for thirty requests', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends = watch(account);
  await account.login();
  await account.request('mutation { logout { endedSessions } }');
  await Promise.all(Array.from({ length: 30 }, () => account.me()));
  assert.deepEqual(ends(), ['LOGGED_OUT']);
  assert.equal(phone.logins, 2);
});

test('the own logout is no end that is told, and the next call logs in', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends = watch(account);
  await account.login();
  const { token } = stored(phone);
  await account.logout();
  assert.equal(stored(phone), undefined);
  assert.equal(await post('{ me { id } }', {}, token).then(({ me }) => me), null);
  await account.me();
  assert.equal(phone.logins, 2);
  assert.deepEqual(ends(), []);
});

test('a logout without a network forgets the tokens all the same', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  phone.isOffline = true;
  await account.logout();
  assert.equal(stored(phone), undefined);
  await account.logout();
  phone.isOffline = false;
  await account.login();
  phone.isOffline = true;
  assert.equal((await failed(account.logout('ALL'))).code, 'NETWORK');
  assert.equal(stored(phone), undefined);
});

test('a logout with a token that has expired ends the session at the server', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  const { refresh } = stored(phone);
  phone.clockOff += 3 * 3_600_000;
  await account.logout();
  assert.equal(stored(phone), undefined);
  assert.equal(await post('mutation ($t: String!) { refreshSession(refreshToken: $t) { token } }', { t: refresh }), null);
});

test('what is on its way across a logout does not log in again', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  let go = () => {};
  const gate = new Promise<void>((resolve) => { go = resolve; });
  world.proxy.fate = async ({ field }): Promise<Fate> => {
    if (field === 'me') await gate;
    return 'pass';
  };
  const asked = failed(account.me());
  await until(() => world.proxy.count('me') === 1, 'the request');
  await account.logout();
  go();
  assert.equal((await asked).code, 'UNAUTHENTICATED');
  assert.equal(phone.logins, 1);
  assert.equal(stored(phone), undefined);
});

test('a refresh that comes back after a logout is not saved', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  let go = () => {};
  const gate = new Promise<void>((resolve) => { go = resolve; });
  world.proxy.fate = async ({ field }): Promise<Fate> => {
    if (field === 'refreshSession') await gate;
    return 'pass';
  };
  const refreshed = account.refresh().catch(() => {});
  await until(() => world.proxy.count('refreshSession') === 1, 'the refresh');
  await account.logout();
  go();
  await refreshed;
  assert.equal(stored(phone), undefined);
});

test('logout of the others leaves this session, and of all ends both', async () => {
  const user = await world.phone();
  const code = (user as any).options.code;
  const [one, other] = [world.phone({ code }), world.phone({ code })];
  const [here, there] = [world.account(one), world.account(other)];
  await here.login();
  await there.login();
  const ends = watch(there);
  await here.logout('OTHERS');
  assert.equal(one.logins, 1);
  await here.me();
  await there.me();
  await until(() => ends().length > 0, 'the end');
  assert.deepEqual(ends(), ['LOGGED_OUT']);
  await here.logout('ALL');
  await there.me();
  await until(() => ends().length > 1, 'the next end');
});
