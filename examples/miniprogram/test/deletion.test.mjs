// Asking for the deletion, seeing when it comes, and cancelling it.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MiniProgram, fails, otherDevice, startWorld, until } from './harness.mjs';

let world;
let app;
before(async () => { world = await startWorld(); });
after(() => world.stop());
afterEach(() => app.stop());

const open = async (user) => {
  app = new MiniProgram(world, user).launch();
  app.open('deletion');
  await app.sees('注销前请确认');
};

test('a deletion is asked for with a fresh code, shown on both pages, and cancelled', async () => {
  await open('ann');
  await app.tap('申请注销');
  await app.sees('15天后注销');
  assert.equal(app.phone.logins, 2);
  assert.match(app.text(), /账号将于 \d{4}年\d+月\d+日删除/);
  app.open('account');
  await app.sees('注销，可以撤销');
  app.open('deletion');
  await app.tap('撤销注销');
  await app.sees('注销前请确认');
  assert.equal((await otherDevice(world, 'ann', 'a phone').me()).deletesAt, null);
});

test('nothing happens where the person does not confirm', async () => {
  await open('ben');
  app.answers = [false];
  await app.tap('申请注销');
  await app.idle();
  assert.match(app.text(), /注销前请确认/);
  assert.equal(app.phone.logins, 1);
});

test('the code of another person is refused in words', async () => {
  await open('cleo');
  app.fake = ({ data }) => (data.query.includes('deleteAccount')
    ? { data: { result: { deletesAt: null, userErrors: [{ code: 'WRONG_PERSON', message: 'no' }] } } } : null);
  await app.tap('申请注销');
  await until(() => app.toasts.length > 0, () => app.text());
  assert.deepEqual(app.toasts, ['当前微信不是这个账号的登录方式']);
});

test('a session that cannot be renewed offers the login', async () => {
  await open('dora');
  app.fake = ({ data }) => (data.query.includes('deleteAccount') ? fails('CODE_USED', 'RELOGIN') : null);
  const seen = [];
  app.module('utils/session').watch(({ status }) => seen.push(status));
  await app.tap('申请注销');
  await until(() => app.modals.length === 2, () => app.text());
  assert.deepEqual([app.modals[1].title, app.modals[1].confirmText], ['登录已失效，请重新登录', '重新登录']);
  await until(() => seen.includes('loading') && seen.at(-1) === 'ready', () => seen.join());
});
