// Picture, nickname and phone number.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MiniProgram, otherDevice, startWorld, until } from './harness.mjs';

let world;
let app;
before(async () => { world = await startWorld({ CONTENT_CHECK: 'enforce' }); });
after(() => world.stop());
afterEach(() => app.stop());

const open = async (user) => {
  app = new MiniProgram(world, user).launch();
  app.open('profile');
  await app.sees('手机号');
  return app;
};

const button = (text) => [...app.page.dom.querySelectorAll('wx-button')].find((each) => each.textContent.trim().startsWith(text));
const phoneEvent = (detail) => app.send(button('绑定') ?? button('更换'), 'getphonenumber', detail);

test('a nickname is saved from the form, and an empty one clears it', async () => {
  await open('ann');
  await app.submit({ nickname: ' 小安 ' });
  await until(() => app.toasts.length === 1, () => 'the word that it is saved');
  const other = otherDevice(world, 'ann', 'a tablet');
  assert.equal((await other.me()).nickname, '小安');
  assert.equal(app.page.data.nickname, '小安');
  await app.submit({ nickname: '' });
  await until(() => app.toasts.length === 2, () => 'the word that it is cleared');
  assert.equal((await other.me()).nickname, null);
});

test('a nickname that the server refuses has the reason below it, and typing takes it away', async () => {
  await open('ben');
  await app.submit({ nickname: 'risky 名字' });
  await app.sees('内容未通过审核，请换一个');
  await app.send(app.page.dom.querySelector('wx-input'), 'input', { value: 'r' });
  assert.doesNotMatch(app.text(), /未通过/);
  await app.submit({ nickname: '名'.repeat(33) });
  await app.sees('内容太长了');
  assert.deepEqual(app.toasts, []);
});

test('what WeChat says of the nickname is shown, and its time-out is not held against the person', async () => {
  await open('cleo');
  const input = app.page.dom.querySelector('wx-input');
  await app.send(input, 'nicknamereview', { pass: false, timeout: true });
  assert.doesNotMatch(app.text(), /未通过/);
  await app.send(input, 'nicknamereview', { pass: false, timeout: false });
  assert.match(app.text(), /昵称未通过微信审核/);
});

test('the picture that the person chose is uploaded, and none is when they chose nothing', async () => {
  await open('dora');
  await app.send(button('头像'), 'chooseavatar', { errMsg: 'chooseAvatar:fail cancel' });
  assert.deepEqual([app.page.data.busy, app.toasts], ['', []]);
  await app.send(button('头像'), 'chooseavatar', { avatarUrl: 'wxfile://tmp_1.png' });
  assert.match(app.text(), /正在上传/);
  await until(() => app.toasts.includes('头像已更新'), () => app.toasts.join());
  assert.match(app.page.data.session.user.avatarUrl, /^http.*\/media\//);
});

test('a phone number is bound, shown in part, and unbound after a question', async () => {
  await open('emil');
  await phoneEvent({ code: 'emulator:+8613800001234', errMsg: 'getPhoneNumber:ok' });
  await app.sees('138 **** 1234');
  app.answers = [false, true];
  await app.tap('解绑');
  await app.idle();
  assert.match(app.text(), /138/);
  await app.tap('解绑');
  await app.sees('还没有绑定');
});

test('every way in which phones word a refusal sends nothing and is no error', async () => {
  await open('fay');
  for (const errMsg of ['getPhoneNumber:fail user deny', 'getPhoneNumber:fail:user deny', 'getPhoneNumber:fail user cancel']) {
    await phoneEvent({ errMsg });
    assert.match(app.text(), /没有授权，手机号未改变/, errMsg);
  }
  const words = [
    [{ errMsg: 'getPhoneNumber:fail no permission' }, /还不能获取手机号/],
    [{ errMsg: 'getPhoneNumber:fail', errno: 1400001 }, /次数已用完/],
    [{ errMsg: 'getPhoneNumber:fail api scope is not declared in the privacy agreement', errno: 112 }, /隐私保护指引/],
  ];
  for (const [detail, expected] of words) {
    await phoneEvent(detail);
    assert.match(app.text(), expected);
  }
  assert.deepEqual([app.toasts, app.modals], [[], []]);
});

test('a number of somebody else, and a code that is wrong, have the reason below', async () => {
  await otherDevice(world, 'owner', 'a phone').bindPhone({ detail: { code: 'emulator:+8613800009999' } });
  await open('gus');
  await phoneEvent({ code: 'emulator:+8613800009999' });
  await app.sees('已经绑定了其他账号');
  await phoneEvent({ code: 'emulator:error:40029' });
  await app.sees('请重新点击按钮');
});

test('a change on another device does not touch what the person types', async () => {
  await open('hal');
  await app.submit({ nickname: 'Hal' });
  await until(() => app.toasts.length === 1, () => 'the nickname');
  app.page.setData({ nickname: 'Half typed' });
  app.module('utils/session').update({ avatarUrl: 'https://example.com/a.png' });
  assert.equal(app.page.data.nickname, 'Half typed');
});
