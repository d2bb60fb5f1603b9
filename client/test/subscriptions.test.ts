// One connection for all who listen, which nobody notices when it is lost.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Account, AccountError } from '../src/index.js';
import { startWorld, until, type World } from './harness.js';
import type { Phone } from './wx.js';

const EVENTS = `subscription { accountEvents { __typename
  ... on SessionEndedEvent { reason isCurrent }
  ... on ProfileChangedEvent { user { nickname } } } }`;
const RENAME = 'mutation ($name: String) { updateProfile(input: { nickname: $name }) { userErrors { code } } }';

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());
beforeEach(() => {
  world.proxy.seen.length = 0;
  world.proxy.fate = () => 'pass';
});

function listen(account: Account) {
  const heard = { names: [] as string[], reasons: [] as string[], errors: [] as AccountError[], completed: 0, stop: () => {} };
  heard.stop = account.subscribe<any>(EVENTS, undefined, {
    next: ({ accountEvents: { user, reason } }) => {
      if (user) heard.names.push(user.nickname);
      else heard.reasons.push(reason);
    },
    error: (error) => heard.errors.push(error),
    complete: () => { heard.completed += 1; },
  });
  return heard;
}

let names = 0;
/* Renames until it is heard: the server listens a moment after it took the operation. */
async function hears(account: Account, ...all: Array<ReturnType<typeof listen>>) {
  await until(async () => {
    const name = `name ${names += 1}`;
    await account.request(RENAME, { name });
    await sleep(100);
    return all.every((heard) => heard.names.includes(name));
  }, 'the event');
}

const another = (phone: Phone) => world.account(world.phone({ code: (phone as any).options.code }));
const socketsOf = (phone: Phone) => phone.sockets.size;

test('who listens hears of changes, by one connection, until they stop', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const [one, other] = [listen(account), listen(account)];
  await hears(account, one, other);
  const third = listen(account);
  await hears(account, one, other, third);
  assert.equal(socketsOf(phone), 1);
  other.stop();
  const before = other.names.length;
  await hears(account, one);
  assert.equal(other.names.length, before);
  one.stop();
  third.stop();
  await until(() => socketsOf(phone) === 0, 'the close');
  const later = listen(account);
  await hears(account, later);
  later.stop();
});

test('who leaves at once leaves no connection behind', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  listen(account).stop();
  await sleep(500);
  assert.equal(socketsOf(phone), 0);
  const heard = listen(account);
  heard.stop();
  heard.stop();
  const again = listen(account);
  await hears(account, again);
  assert.equal(heard.completed, 0);
  again.stop();
});

test('a connection that is cut is made again', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const heard = listen(account);
  await hears(account, heard);
  for (let cut = 0; cut < 2; cut++) {
    world.proxy.cutSockets();
    await hears(account, heard);
  }
  assert.deepEqual([heard.errors, heard.completed], [[], 0]);
  heard.stop();
});

test('a server that restarts is connected to again', async () => {
  // in true time, for the server takes its own
  const phone = world.phone({ speed: 4 });
  const account = world.account(phone);
  const heard = listen(account);
  await hears(account, heard);
  await world.restart();
  await hears(account, heard);
  assert.deepEqual([heard.errors, heard.completed], [[], 0]);
  heard.stop();
});

test('a connection that nothing comes from any more is given up for a new one', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const heard = listen(account);
  await hears(account, heard);
  const [old] = phone.sockets;
  // dead without a word
  old!.pause();
  await until(() => socketsOf(phone) > 0 && !phone.sockets.has(old!) || [...phone.sockets].some((socket) => socket !== old), 'another connection');
  await hears(account, heard);
  heard.stop();
});

test('a session that is ended elsewhere completes, tells why, and logs nobody in', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends: string[] = [];
  account.onSessionEnd(({ reason }) => ends.push(reason));
  const heard = listen(account);
  await hears(account, heard);
  await another(phone).logout('OTHERS');
  await until(() => heard.completed === 1, 'the end');
  assert.deepEqual(heard.reasons, ['LOGGED_OUT']);
  await until(() => ends.length > 0, 'the end of the session');
  assert.deepEqual(ends, ['LOGGED_OUT']);
  await sleep(300);
  assert.deepEqual([phone.logins, socketsOf(phone)], [1, 0]);
});

test('an own login that replaces the session goes unnoticed', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends: unknown[] = [];
  account.onSessionEnd((end) => ends.push(end));
  const heard = listen(account);
  await hears(account, heard);
  await account.login();
  await hears(account, heard);
  assert.deepEqual([heard.completed, heard.errors, ends], [0, [], []]);
  heard.stop();
});

test('the login of another page or tab that replaces the session goes unnoticed', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const ends: unknown[] = [];
  account.onSessionEnd((end) => ends.push(end));
  const heard = listen(account);
  await hears(account, heard);
  await world.account(phone).login();
  await hears(account, heard);
  assert.deepEqual([heard.completed, heard.errors, ends], [0, [], []]);
  heard.stop();
});

test('a logout completes', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const heard = listen(account);
  await hears(account, heard);
  const ends: unknown[] = [];
  account.onSessionEnd((end) => ends.push(end));
  await account.logout();
  assert.equal(heard.completed, 1);
  await until(() => socketsOf(phone) === 0, 'the close');
  assert.deepEqual(ends, []);
});

test('what the server refuses is an error of the one who asked for it', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const heard = listen(account);
  await hears(account, heard);
  const errors: AccountError[] = [];
  account.subscribe('subscription { nothing }', undefined, { next: () => {}, error: (error) => errors.push(error) });
  await until(() => errors.length > 0, 'the error');
  assert.deepEqual([errors[0]!.code, errors[0]!.action], ['GRAPHQL_VALIDATION_FAILED', 'FIX']);
  await hears(account, heard);
  heard.stop();
});

test('without a network it gives up after three tries more, and another subscription starts anew', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  await account.login();
  phone.isOffline = true;
  const heard = listen(account);
  const again: Array<ReturnType<typeof listen>> = [];
  const stop = account.subscribe(EVENTS, undefined, {
    next: () => {},
    error: () => {
      phone.isOffline = false;
      again.push(listen(account));
    },
  });
  await until(() => heard.errors.length > 0, 'the error');
  assert.deepEqual([heard.errors[0]!.code, heard.errors[0]!.action], ['NETWORK', 'RETRY']);
  await hears(account, again[0]!);
  again[0]!.stop();
  stop();
});

test('after the background it listens again', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  const heard = listen(account);
  await hears(account, heard);
  phone.hide();
  await sleep(600);
  assert.equal(socketsOf(phone), 0);
  phone.show();
  await hears(account, heard);
  heard.stop();
});

test('a token that expires is exchanged, and the connection made again, also where the clock hides it', async () => {
  const brief = await startWorld({ ACCESS_TOKEN_TTL: '3s' });
  try {
    for (const setBack of [0, 24 * 3_600_000]) {
      const phone = brief.phone({ speed: 1 });
      const account = brief.account(phone);
      const heard = listen(account);
      await until(() => socketsOf(phone) === 1, 'the connection');
      await sleep(500);
      phone.clockOff -= setBack;
      const before = brief.proxy.count('refreshSession');
      await until(() => brief.proxy.count('refreshSession') > before, 'the refresh');
      await hears(account, heard);
      assert.deepEqual([phone.logins, heard.errors], [1, []]);
      heard.stop();
    }
  } finally {
    await brief.stop();
  }
});
