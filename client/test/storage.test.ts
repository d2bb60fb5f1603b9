// Storage that is full, cleared or shared; clocks that are wrong.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { SessionEnd } from '../src/index.js';
import { graphqlError, startWorld, type World } from './harness.js';

const DAY_MS = 24 * 3_600_000;

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());
beforeEach(() => {
  world.proxy.seen.length = 0;
  world.proxy.fate = () => 'pass';
});

const deviceOf = (body: string) => JSON.parse(body).variables.d.id;

test('the next start goes on with the session, without a login', async () => {
  const phone = world.phone();
  const { id } = await world.account(phone).login();
  assert.equal((await world.account(phone).me()).id, id);
  assert.equal(phone.logins, 1);
});

test('the id of the device is made once, and stays over logouts and starts', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  await account.logout();
  await account.login();
  await world.account(phone).login();
  const ids = world.proxy.seen.filter(({ field }) => field === 'login').map(({ body }) => deviceOf(body));
  assert.deepEqual([ids.length, new Set(ids).size], [3, 1]);
  assert.ok(ids[0].length >= 16 && ids[0].length <= 64);
});

test('with a full storage the session lives for this run, and the next start logs in without theft', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends: SessionEnd[] = [];
  account.onSessionEnd((end) => ends.push(end));
  await account.login();
  phone.isStorageFull = true;
  await account.refresh();
  await account.me();
  await account.refresh();
  await account.me();
  assert.equal(phone.logins, 1);
  const next = world.account(phone);
  next.onSessionEnd((end) => ends.push(end));
  await next.me();
  assert.equal(phone.logins, 2);
  assert.deepEqual(ends, []);
});

test('a storage that was full from the first is lived without', async () => {
  const phone = world.phone();
  phone.isStorageFull = true;
  const account = world.account(phone);
  await account.me();
  await account.refresh();
  await account.me();
  assert.equal(phone.logins, 1);
  assert.ok(deviceOf(world.proxy.seen[0]!.body));
});

test('a storage that is cleared in between is written again', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  phone.storage.clear();
  await account.me();
  await account.refresh();
  await account.me();
  assert.equal(phone.logins, 1);
  await world.account(phone).me();
  assert.equal(phone.logins, 1);
});

for (const junk of ['nonsense', '{"token":1}', 'null', '5', '"text"', '[]', '{"token":"x","refresh":"y","due":9e15,"sid":"z"}']) {
  test(`${junk} in the storage ends in a login`, async () => {
    const phone = world.phone();
    await world.account(phone).login();
    for (const key of phone.storage.keys()) if (key.includes('http')) phone.storage.set(key, JSON.stringify(junk));
    assert.ok((await world.account(phone).me()).id);
    assert.equal(phone.logins, 2);
  });
}

test('two starts at once on one storage end with one session that both use', async () => {
  const phone = world.phone();
  const [one, other] = [world.account(phone), world.account(phone)];
  await Promise.all([one.me(), other.me()]);
  await one.me();
  await other.me();
  const { logins } = phone;
  world.proxy.seen.length = 0;
  await one.me();
  await other.me();
  assert.equal(phone.logins, logins);
  assert.equal(new Set(world.proxy.seen.map(({ token }) => token)).size, 1);
});

test('what one page or tab refreshed, the other uses, and no session ends', async () => {
  const phone = world.phone();
  const [one, other] = [world.account(phone), world.account(phone)];
  const ends: SessionEnd[] = [];
  for (const account of [one, other]) account.onSessionEnd((end) => ends.push(end));
  await one.login();
  await other.me();
  for (let round = 0; round < 3; round++) {
    await Promise.all([one.refresh(), other.refresh()]);
    await Promise.all([one.me(), other.me()]);
    await one.refresh();
    await one.me();
    await other.me();
  }
  assert.equal(phone.logins, 1);
  assert.deepEqual(ends, []);
});

test('two pages of one app share everything', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const page = () => Promise.all([account.me(), account.request('{ serverInfo { version } }'), account.me()]);
  await Promise.all([page(), page()]);
  assert.equal(phone.logins, 1);
});

test('tokens of one server are not sent to another', async () => {
  const phone = world.phone();
  const { createAccount } = phone.launch();
  await createAccount({ endpoint: world.proxy.url }).login();
  world.proxy.seen.length = 0;
  await createAccount({ endpoint: world.proxy.url.replace('127.0.0.1', 'localhost') }).me();
  assert.equal(phone.logins, 2);
});

for (const [name, clockOff] of [['a day fast', DAY_MS], ['a day slow', -DAY_MS], ['of 1970', -Date.now()]] as const) {
  test(`a clock that is ${name} makes no needless refresh, and no token expires`, async () => {
    const phone = world.phone({ clockOff });
    const account = world.account(phone);
    await account.me();
    await account.me();
    await world.account(phone).me();
    assert.deepEqual([phone.logins, world.proxy.count('refreshSession')], [1, 0]);
    phone.clockOff += 2 * 3_600_000 - 30_000;
    await account.me();
    await account.me();
    assert.equal(world.proxy.count('refreshSession'), 1);
  });
}

test('a clock that is set while the app runs costs one refresh at most', async () => {
  for (const jump of [DAY_MS, -DAY_MS]) {
    const phone = world.phone();
    const account = world.account(phone);
    await account.me();
    world.proxy.seen.length = 0;
    phone.clockOff += jump;
    await account.me();
    await account.me();
    assert.ok(world.proxy.count('refreshSession') <= 1);
    assert.equal(phone.logins, 1);
  }
});

test('a clock set back hides that a token expired: the server says so, and it is exchanged', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.me();
  const { token } = world.proxy.seen.at(-1)!;
  phone.clockOff -= DAY_MS;
  world.proxy.fate = (passing) => (passing.token === token ? graphqlError({ code: 'UNAUTHENTICATED', action: 'RELOGIN', reason: 'EXPIRED' }) : 'pass');
  await account.me();
  assert.deepEqual([phone.logins, world.proxy.count('refreshSession')], [1, 1]);
});
