// What an answer leads to: lost ones, those of something in between, and the server's errors.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { failed, graphqlError, startWorld, type World } from './harness.js';
import { HTML } from './proxy.js';
import type { PhoneOptions } from './wx.js';

const ME = '{ me { id } }';
const html = (status: number) => ({ status, body: HTML });
const json = (body: unknown, status = 200) => ({ status, body: JSON.stringify(body), type: 'application/json' });

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());
beforeEach(() => {
  world.proxy.seen.length = 0;
  world.proxy.fate = () => 'pass';
});

const signedIn = async (options: Partial<PhoneOptions> = {}) => {
  const phone = world.phone(options);
  const account = world.account(phone);
  await account.login();
  world.proxy.seen.length = 0;
  return { phone, account };
};

test('a page with 502 is tried again, and passes the third time', async () => {
  const { account } = await signedIn();
  world.proxy.fate = ({ count }) => (count < 3 ? html(502) : 'pass');
  assert.ok((await account.me()).id);
  assert.equal(world.proxy.count('me'), 3);
});

test('a used code of wx.login in a request logs nobody in, and is sent once', async () => {
  const { phone, account } = await signedIn();
  const document = 'mutation($code: String!) { linkIdentity(code: $code) { user { id } } }';
  const error = await failed(account.request(document, { code: 'emulator:error:40029' }));
  assert.match(error.code, /CODE/);
  assert.deepEqual([error.action, phone.logins, world.proxy.count('linkIdentity')], ['RELOGIN', 1, 1]);
});

const NOT_OURS = {
  'a page with 502': html(502),
  'a page with 200': html(200),
  'an empty 404': { status: 404, body: '' },
  'an empty 200': { status: 200, body: '' },
  'half of an answer': { status: 200, body: '{"data":{"me":', type: 'application/json' },
  null: json(null),
  'a number': json(5),
  'a text': json('ok'),
  'a list': json([]),
  'an empty object': json({}),
  "a gateway's error": json({ timestamp: 1, status: 502, error: 'Bad Gateway', path: '/graphql' }, 502),
  "a gateway's code": json({ code: 'RATE_LIMITED', message: 'slow down' }, 429),
  'errors that are no list': json({ errors: 'no' }),
  'no errors in the list': json({ errors: [] }),
  'an error that is nothing': json({ errors: [null] }),
  'an error without a code': json({ errors: [{ message: 'no' }], data: null }),
  'an error that is a text': json({ error: { message: 'no' } }, 500),
  "a gateway's error with a code": json({ error: { code: 'RATE_LIMITED', message: 'slow down' } }, 429),
  'an error without an action': json({ errors: [{ message: 'no', extensions: { code: 'FORBIDDEN' } }] }),
  'no data': json({ data: null }),
  'data that is a text': json({ data: 'no' }),
};

for (const [name, answer] of Object.entries(NOT_OURS)) {
  test(`${name} is BAD_ANSWER after three tries, for each call`, async () => {
    const { account, phone } = await signedIn({ speed: 50 });
    world.proxy.fate = () => answer;
    const calls = { me: () => account.me(), request: () => account.request(ME), upload: () => account.uploadAvatar('wxfile://1'), login: () => account.login() };
    for (const [call, run] of Object.entries(calls)) {
      const before = world.proxy.seen.length;
      const error = await failed(run());
      assert.deepEqual([error.code, error.action], ['BAD_ANSWER', 'RETRY'], call);
      assert.equal(world.proxy.seen.length - before, 3, call);
    }
    assert.equal(phone.logins, 4);
  });
}

test('a lost answer is asked for again', async () => {
  const { account } = await signedIn();
  world.proxy.fate = ({ count }) => (count === 1 ? 'lose' : 'pass');
  assert.ok((await account.me()).id);
});

test('the lost answer of a refresh is asked for again, and the session goes on', async () => {
  const { account, phone } = await signedIn();
  const ends: unknown[] = [];
  account.onSessionEnd((end) => ends.push(end));
  world.proxy.fate = ({ field, count }) => (field === 'refreshSession' && count < 3 ? 'lose' : 'pass');
  await account.refresh();
  await account.me();
  await account.refresh();
  assert.equal(world.proxy.count('refreshSession'), 4);
  assert.deepEqual([phone.logins, ends.length], [1, 0]);
});

test('a refresh whose answer is lost for good is repeated by the next start', async () => {
  const { account, phone } = await signedIn();
  world.proxy.fate = ({ field }) => (field === 'refreshSession' ? 'lose' : 'pass');
  assert.equal((await failed(account.refresh())).code, 'NETWORK');
  world.proxy.fate = () => 'pass';
  const again = world.account(phone);
  await again.refresh();
  await again.me();
  assert.equal(phone.logins, 1);
});

test('a login whose answer is lost takes a new code', async () => {
  const phone = world.phone();
  const account = world.account(phone);
  world.proxy.fate = ({ field, count }) => (field === 'login' && count === 1 ? 'lose' : 'pass');
  assert.ok((await account.login()).id);
  const codes = world.proxy.seen.map(({ body }) => JSON.parse(body).variables.c);
  assert.equal(new Set(codes).size, 2);
  assert.equal(phone.logins, 2);
});

test('where WeChat is down each try of a login takes a new code, three in all', async () => {
  let given = 0;
  const phone = world.phone({ code: async () => `emulator:reply:${['html', 'empty', '500'][given++ % 3]}` });
  const error = await failed(world.account(phone).login());
  assert.deepEqual([error.code, error.action], ['PROVIDER_UNAVAILABLE', 'RETRY']);
  assert.equal(world.proxy.count('login'), 3);
  assert.equal(phone.logins, 3);
  assert.ok(error.requestId);
  assert.ok(error.retryAfter! > 0);
});

test('a refused code is replaced once', async () => {
  const phone = world.phone({ code: async () => 'emulator:error:40029' });
  const error = await failed(world.account(phone).me());
  assert.deepEqual([error.code, error.action, phone.logins], ['INVALID_CODE', 'RELOGIN', 2]);
});

test('a login that WeChat blocks is not repeated', async () => {
  const phone = world.phone({ code: async () => 'emulator:error:40226' });
  const error = await failed(world.account(phone).me());
  assert.deepEqual([error.code, error.action, phone.logins], ['LOGIN_BLOCKED', 'GIVE_UP', 1]);
});

test('RETRY waits for as long as it says', async () => {
  const { account } = await signedIn();
  const times: number[] = [];
  world.proxy.fate = ({ count }) => {
    times.push(Date.now());
    return count === 1 ? graphqlError({ code: 'OVERLOADED', action: 'RETRY', retryAfter: 8 }) : 'pass';
  };
  await account.me();
  const waited = (times[1]! - times[0]!) * 20;
  assert.ok(waited >= 8000, `${waited} ms`);
});

test('a retryAfter over ten seconds is the caller\'s', async () => {
  const { account } = await signedIn();
  world.proxy.fate = () => graphqlError({ code: 'RATE_LIMITED', action: 'RETRY', retryAfter: 11 });
  const error = await failed(account.me());
  assert.deepEqual([error.code, error.retryAfter], ['RATE_LIMITED', 11]);
  assert.equal(world.proxy.count('me'), 1);
});

test('a server that always says RELOGIN is asked three times, with one login', async () => {
  const { account, phone } = await signedIn();
  world.proxy.fate = ({ field }) => (field === 'me' ? graphqlError({ code: 'UNAUTHENTICATED', action: 'RELOGIN', reason: 'INVALID' }) : 'pass');
  const error = await failed(account.me());
  assert.equal(error.code, 'UNAUTHENTICATED');
  assert.equal(world.proxy.count('me'), 3);
  assert.equal(world.proxy.count('login'), 1);
  assert.equal(phone.logins, 2);
});

test('RELOGIN that is not about the session logs in and repeats once', async () => {
  const { account } = await signedIn();
  world.proxy.fate = ({ field }) => (field === 'me' ? graphqlError({ code: 'SESSION_KEY_STALE', action: 'RELOGIN' }) : 'pass');
  assert.equal((await failed(account.me())).code, 'SESSION_KEY_STALE');
  assert.equal(world.proxy.count('me'), 2);
  assert.equal(world.proxy.count('login'), 1);
  assert.equal(world.proxy.count('refreshSession'), 0);
});

test('FIX is not repeated, and has what there is of the data', async () => {
  const { account } = await signedIn();
  const error = await failed(account.request('{ nothing }'));
  assert.deepEqual([error.code, error.action], ['GRAPHQL_VALIDATION_FAILED', 'FIX']);
  assert.equal(world.proxy.seen.length, 1);
  const id = 'x'.repeat(10);
  world.proxy.fate = () => graphqlError({ code: 'FORBIDDEN', action: 'GIVE_UP' }, { me: { id }, user: null });
  const partial = await failed(account.request('{ me { id } user(id: "x") { metadata } }'));
  assert.deepEqual(JSON.parse(JSON.stringify(partial.data)), { me: { id }, user: null });
});

test('errors are instances of AccountError, with the message of the server', async () => {
  const phone = world.phone({ code: async () => 'emulator:error:40226' });
  const { createAccount, AccountError } = phone.launch();
  const error = await failed(createAccount({ endpoint: world.proxy.url }).me());
  assert.ok(error instanceof AccountError);
  assert.match(error.message, /\w/);
});

test('without a network it is NETWORK, of wx.login as well', async () => {
  const { account, phone } = await signedIn();
  phone.isOffline = true;
  for (const call of [() => account.me(), () => account.login(), () => account.refresh(), () => account.uploadAvatar('wxfile://1')]) {
    const error = await failed(call());
    assert.deepEqual([error.code, error.action], ['NETWORK', 'RETRY']);
    assert.match(error.message, /fail/);
  }
  phone.isOffline = false;
  assert.ok((await account.me()).id);
});

test('a server that does not answer is NETWORK after the time-out', async () => {
  const { account } = await signedIn({ timeoutSpeed: 20 });
  world.proxy.fate = ({ count }) => (count === 1 ? 'hang' : 'pass');
  assert.ok((await account.me()).id);
  world.proxy.fate = () => 'hang';
  const error = await failed(account.me());
  assert.equal(error.code, 'NETWORK');
  assert.match(error.message, /timeout/);
});

for (const standsStill of [true, false]) {
  test(`what is interrupted goes on when the app is back${standsStill ? '' : ', also where it did not stand still'}`, async () => {
    const { account, phone } = await signedIn();
    world.proxy.fate = ({ count }) => (count === 1 ? 'hang' : 'pass');
    const asked = account.me();
    phone.hide({ standsStill });
    // five seconds until it is interrupted; without standing still the tries last for six more
    await sleep((standsStill ? 60_000 : 10_000) / 20);
    phone.show();
    assert.ok((await asked).id);
  });
}

test('a server that restarts loses nobody', async () => {
  const { account, phone } = await signedIn();
  await world.restart();
  assert.ok((await account.me()).id);
  await account.refresh();
  assert.equal(phone.logins, 1);
});
