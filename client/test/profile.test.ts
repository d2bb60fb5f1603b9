// Pictures and phone numbers.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { failed, startWorld, type World } from './harness.js';

let world: World;
before(async () => { world = await startWorld(); });
after(() => world.stop());
beforeEach(() => {
  world.proxy.seen.length = 0;
  world.proxy.fate = () => 'pass';
});

const start = () => {
  const phone = world.phone();
  return { phone, account: world.account(phone) };
};

test('a picture is uploaded, and its address is that of the user', async () => {
  const { account } = start();
  const address = await account.uploadAvatar('wxfile://tmp_1.png');
  assert.match(address, /^http/);
  assert.equal((await account.me()).avatarUrl?.split('/').pop(), address.split('/').pop());
});

test('an upload with a token that is refused is sent again with another', async () => {
  const { account, phone } = start();
  await account.login();
  const { token } = JSON.parse(JSON.parse([...phone.storage].find(([key]) => key.includes('http'))![1]));
  const body = JSON.stringify({ error: { code: 'UNAUTHENTICATED', action: 'RELOGIN', reason: 'EXPIRED', message: 'no', requestId: 'r' } });
  world.proxy.fate = (passing) => (passing.token === token ? { status: 401, type: 'application/json', body } : 'pass');
  assert.match(await account.uploadAvatar('wxfile://tmp_1.png'), /^http/);
  assert.deepEqual([world.proxy.count('refreshSession'), phone.logins], [1, 1]);
});

test('a refused upload has the error of the server', async () => {
  const { account } = start();
  await account.login();
  const body = JSON.stringify({ error: { code: 'PAYLOAD_TOO_LARGE', action: 'FIX', message: 'too large', requestId: 'r' } });
  world.proxy.fate = () => ({ status: 413, type: 'application/json', body });
  const error = await failed(account.uploadAvatar('wxfile://tmp_1.png'));
  assert.deepEqual([error.code, error.action, error.message, error.requestId], ['PAYLOAD_TOO_LARGE', 'FIX', 'too large', 'r']);
});

test('a phone number is bound', async () => {
  const { account } = start();
  const user = await account.bindPhone({ detail: { code: 'emulator:+8613800000001', errMsg: 'getPhoneNumber:ok' } });
  assert.equal(user.phoneNumber, '+8613800000001');
  assert.equal((await account.me()).phoneNumber, '+8613800000001');
});

test('who says no has CANCELLED, and nothing is sent', async () => {
  const { account } = start();
  const error = await failed(account.bindPhone({ detail: { errMsg: 'getPhoneNumber:fail user deny' } }));
  assert.deepEqual([error.code, error.action, error.message], ['CANCELLED', 'GIVE_UP', 'getPhoneNumber:fail user deny']);
  assert.equal(world.proxy.seen.length, 0);
});

test('a number that is taken, or a code that is wrong, is an error with the code of the form', async () => {
  await start().account.bindPhone({ detail: { code: 'emulator:+8613800000002' } });
  const taken = await failed(start().account.bindPhone({ detail: { code: 'emulator:+8613800000002' } }));
  assert.deepEqual([taken.code, taken.action], ['PHONE_TAKEN', 'FIX']);
  assert.match(taken.message, /\w/);
  const invalid = await failed(start().account.bindPhone({ detail: { code: 'emulator:error:40029' } }));
  assert.equal(invalid.code, 'INVALID_PHONE_CODE');
});

test('an answer without what was asked for is BAD_ANSWER', async () => {
  const { account } = start();
  await account.login();
  for (const data of [{}, { it: null }, { it: 0 }, { it: '' }, []]) {
    world.proxy.fate = () => ({ status: 200, type: 'application/json', body: JSON.stringify({ data }) });
    const error = await failed(account.bindPhone({ detail: { code: 'x' } }));
    assert.equal(error.code, 'BAD_ANSWER', JSON.stringify(data));
  }
});

test('a server that runs registered documents alone takes those of the client, with its manifest', async () => {
  const manifest = join(import.meta.dirname, '../dist/documents.json');
  const strict = await startWorld({ TRUSTED_DOCUMENTS: manifest });
  try {
    const account = strict.account(strict.phone());
    await account.me();
    await account.refresh();
    await account.bindPhone({ detail: { code: 'emulator:+8613800000003' } });
    await account.logout('OTHERS');
    assert.equal((await failed(account.request('{ serverInfo { version } }'))).action, 'FIX');
  } finally {
    await strict.stop();
  }
});
