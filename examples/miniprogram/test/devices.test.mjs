// The list of devices, and signing out on them.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MiniProgram, fails, otherDevice, startWorld, until } from './harness.mjs';

let world;
let app;
before(async () => { world = await startWorld({ SESSIONS_PER_USER: '50' }); });
after(() => world.stop());
afterEach(() => app.stop());

const open = async (user, names) => {
  const devices = [];
  for (const name of names) {
    devices.push(otherDevice(world, user, name));
    await devices.at(-1).login();
  }
  app = new MiniProgram(world, user).launch();
  app.open('devices');
  await app.sees('登录了您的账号');
  return devices;
};

const signOutButtons = () => [...app.page.dom.querySelectorAll('wx-button')].filter((each) => each.textContent === '退出');

test('one device alone has nothing to sign out', async () => {
  await open('ann', []);
  assert.match(app.text(), /共 1 台设备.*Apple iPhone 15 ?本机.*没有其他设备登录/);
  assert.equal(signOutButtons().length, 0);
});

test('one of the others is signed out after a question', async () => {
  const [tablet, laptop] = await open('ben', ['平板', '笔记本']);
  assert.match(app.text(), /共 3 台设备/);
  const list = app.page.data.devices;
  assert.deepEqual(list.map(({ name }) => name), ['Apple iPhone 15', '笔记本', '平板']);
  app.answers = [false, true];
  await app.send(signOutButtons()[1], 'tap');
  await app.idle();
  assert.match(app.modals[0].content, /平板/);
  await app.send(signOutButtons()[1], 'tap');
  await app.sees('共 2 台设备');
  assert.doesNotMatch(app.text(), /平板/);
  const ends = [];
  tablet.onSessionEnd(({ reason }) => ends.push(reason));
  await tablet.me();
  await until(() => ends.length > 0, () => 'the end of the session');
  assert.deepEqual(ends, ['REVOKED']);
  await laptop.me();
});

test('all the others are signed out at once', async () => {
  await open('cleo', ['平板', '笔记本']);
  await app.tap('退出其他所有设备');
  await app.sees('共 1 台设备');
  assert.deepEqual(app.toasts, ['其他设备已退出']);
});

test('a device that has gone meanwhile is no longer there afterwards', async () => {
  const [tablet] = await open('dora', ['平板']);
  await tablet.logout();
  await app.send(signOutButtons()[0], 'tap');
  await app.sees('共 1 台设备');
  assert.deepEqual(app.toasts, ['它已经不存在了，请刷新后查看']);
});

test('a long list comes in pages', async () => {
  await open('emil', Array.from({ length: 24 }, (_, number) => `设备${number}`));
  assert.equal(app.page.data.devices.length, 20);
  assert.match(app.text(), /上滑查看更多/);
  await app.page.instance.onReachBottom();
  assert.equal(app.page.data.devices.length, 25);
  await app.page.instance.onReachBottom();
  assert.equal(new Set(app.page.data.devices.map(({ id }) => id)).size, 25);
});

test('a list that fails can be tried again, and one that is there stays', async () => {
  app = new MiniProgram(world, 'fay').launch();
  app.fake = ({ data }) => (data.query.includes('sessions(first') ? fails('OVERLOADED', 'RETRY', { retryAfter: 60 }) : null);
  app.open('devices');
  await app.sees('服务暂时繁忙，请 60 秒后再试');
  app.fake = null;
  await app.tap('再试一次');
  await app.sees('共 1 台设备');
  app.fake = () => fails('FORBIDDEN', 'GIVE_UP');
  await app.page.instance.onPullDownRefresh();
  assert.deepEqual(app.modals.map(({ title, content }) => [title, content]), [['您没有权限进行此操作', '编号 r1']]);
  assert.match(app.text(), /共 1 台设备/);
});
