// Linking by code, merging two accounts, and unlinking.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MiniProgram, codeOf, otherDevice, startWorld, until } from './harness.mjs';

let world;
let app;
before(async () => { world = await startWorld(); });
after(() => world.stop());
afterEach(() => app.stop());

const open = async (user) => {
  app = new MiniProgram(world, user).launch();
  app.open('identities');
  await app.sees('进入当前账号');
};

const link = (code, appId = '') => app.submit({ code, appId });
const unlinkButtons = () => [...app.page.dom.querySelectorAll('wx-button')].filter((each) => each.textContent === '解除');
const count = () => app.page.data.identities.length;

test('an identity without an account is linked by its code, and both log in to this one', async () => {
  await open('ann');
  await link(` ${await codeOf(world, 'ann2')} `);
  await until(() => count() === 2, () => app.text());
  assert.deepEqual(app.toasts, ['已关联']);
  const { id } = app.page.data.session.user;
  assert.equal((await otherDevice(world, 'ann2', 'a phone').login()).id, id);
});

test('a code that is empty, wrong, used or of an unknown mini program has the reason below it', async () => {
  await open('ben');
  await link('  ');
  await app.sees('请填写登录码');
  await link('nonsense');
  await app.sees('登录码无效、已过期或已经用过');
  const used = await codeOf(world, 'ben2');
  await link(used);
  await until(() => count() === 2, () => app.text());
  await link(used);
  await app.sees('登录码无效、已过期或已经用过');
  await link(await codeOf(world, 'ben3'), 'wxffffffffffffffff');
  await app.sees('服务器不认识这个 AppID');
  assert.equal(count(), 2);
});

test('an identity with an account of its own is merged after two questions', async () => {
  await otherDevice(world, 'cleo2', 'a phone').request('mutation { updateProfile(input: { nickname: "Cleo" }) { userErrors { code } } }');
  await open('cleo');
  const before = app.page.data.session.user.id;
  await link(await codeOf(world, 'cleo2'));
  await app.sees('把两个账号合并');
  assert.ok(!JSON.stringify(app.page.data).includes(app.page.instance.ticket), 'the ticket is not in the page');
  await app.tap('暂不合并');
  await app.sees('关联另一个微信或小程序');
  await link(await codeOf(world, 'cleo2'));
  await app.sees('把两个账号合并');
  await app.tap('合并账号');
  await until(() => app.toasts.includes('已合并') && count() === 2, () => app.text());
  // the other account was the older one, and this device is signed in to it now
  assert.notEqual(app.page.data.session.user.id, before);
  assert.equal(app.page.data.session.user.nickname, 'Cleo');
  assert.deepEqual([app.modals.length, app.toasts], [1, ['已合并']]);
});

test('the younger account becomes this one where this is the older', async () => {
  await open('dora');
  const { id } = app.page.data.session.user;
  await otherDevice(world, 'dora2', 'a phone').login();
  await link(await codeOf(world, 'dora2'));
  await app.sees('把两个账号合并');
  await app.tap('合并账号');
  await until(() => app.toasts.includes('已合并') && count() === 2, () => app.text());
  assert.equal(app.page.data.session.user.id, id);
});

test('an identity is unlinked after a question, and the last one cannot be', async () => {
  await open('emil');
  await link(await codeOf(world, 'emil2'));
  await until(() => count() === 2, () => app.text());
  app.answers = [false, true];
  await app.send(unlinkButtons()[1], 'tap');
  await app.idle();
  assert.equal(count(), 2);
  await app.send(unlinkButtons()[1], 'tap');
  await until(() => count() === 1, () => app.text());
  assert.doesNotMatch(app.text(), /解除/);
});

test('unlinking the identity that logged in here signs out, and makes no account by itself', async () => {
  await open('fay');
  await link(await codeOf(world, 'fay2'));
  await until(() => count() === 2, () => app.text());
  await app.send(unlinkButtons()[0], 'tap');
  await app.sees('已解除关联，再次登录会创建新账号');
  assert.equal(app.phone.logins, 1);
  assert.equal((await otherDevice(world, 'fay2', 'a phone').request('{ me { identities { id } } }')).me.identities.length, 1);
});

test('the own code is shown, copied, and good for the other side', async () => {
  await open('gus');
  await app.tap('获取');
  await until(() => app.copied.length === 1, () => app.text());
  assert.ok(app.text().includes(app.copied[0]));
  const other = otherDevice(world, 'gus2', 'a phone');
  const { linkIdentity } = await other.request('mutation ($code: String!) { linkIdentity(code: $code) { userErrors { code } } }', { code: app.copied[0] });
  assert.deepEqual(linkIdentity.userErrors, [{ code: 'IDENTITY_TAKEN' }]);
});
