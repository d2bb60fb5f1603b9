// The settings of the repository: devtools without an AppID, and the server's emulator.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MiniProgram, otherDevice, startWorld, until } from './harness.mjs';

let world;
let app;
before(async () => { world = await startWorld(); });
after(() => world.stop());
afterEach(() => app.stop());

const launch = (user) => {
  const emulator = { endpoint: world.wechat, user, phone: '+8613800005678' };
  app = new MiniProgram(world, 'nobody', { emulator, appNames: { wx0000000000000000: '本机模拟的小程序' } }).launch();
};

test('the emulator gives the codes, and WeChat is asked for none', async () => {
  launch('ann');
  app.open('identities');
  await app.sees('本机模拟的小程序');
  await app.submit({ code: 'emulator:ann2', appId: '' });
  await until(() => app.page.data.identities.length === 2, () => app.text());
  app.open('deletion');
  await app.tap('申请注销');
  await app.sees('天后注销');
  assert.equal(app.phone.logins, 0);
  const ids = [];
  for (const user of ['ann', 'ann2']) ids.push((await otherDevice(world, user, 'a tablet').me()).id);
  assert.deepEqual(ids, [app.page.data.session.user.id, app.page.data.session.user.id]);
});

test('the phone button gives the number of config.js, unless the person refuses', async () => {
  launch('ben');
  app.open('profile');
  await app.sees('手机号');
  const button = () => [...app.page.dom.querySelectorAll('wx-button')].at(-1);
  await app.send(button(), 'getphonenumber', { errMsg: 'getPhoneNumber:fail user deny' });
  await app.sees('没有授权');
  await app.send(button(), 'getphonenumber', { errMsg: 'getPhoneNumber:fail no permission' });
  await app.sees('138 **** 5678');
});

test('an emulator that is not there is a network that fails', async () => {
  launch('cleo');
  app.stop();
  app.config.emulator.endpoint = 'http://127.0.0.1:1';
  app.phone.storage.clear();
  app.launch().open('account');
  await app.sees('网络不可用');
});
