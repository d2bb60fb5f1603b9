// Signing in silently, signing out, and what ends a session from elsewhere.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, test } from 'node:test';
import { MiniProgram, fails, otherDevice, startWorld, until } from './harness.mjs';

let world;
let app;
before(async () => { world = await startWorld(); });
after(() => world.stop());
afterEach(() => app.stop());

const launch = (user) => {
  app = new MiniProgram(world, user).launch();
  app.open('account');
  return app;
};

test('the start logs in silently, with one login, and the next one reuses the session', async () => {
  launch('ann');
  assert.match(app.text(), /正在加载/);
  await app.sees('设置昵称和头像');
  app.launch().open('account');
  await app.sees('设置昵称和头像');
  assert.equal(app.phone.logins, 1);
  assert.deepEqual([app.modals, app.toasts], [[], []]);
});

test('each row opens its page', async () => {
  launch('ben');
  await app.sees('登录设备');
  for (const row of ['我', '登录设备', '登录方式', '注销账号']) await app.tap(row);
  assert.deepEqual(app.opened.map((url) => url.split('/').pop()), ['profile', 'devices', 'identities', 'deletion']);
  await app.tap('隐私保护指引');
  await until(() => app.toasts.length === 1, () => 'the word on the missing contract');
});

test('signing out asks first, and the next start stays signed out until the person logs in', async () => {
  launch('cleo');
  await app.sees('退出登录');
  app.answers = [false];
  await app.tap('退出登录');
  await app.sees('登录设备');
  await app.tap('退出登录');
  await app.sees('您已退出登录');
  app.launch().open('account');
  await app.sees('您已退出登录');
  assert.equal(app.phone.logins, 1);
  await app.tap('登录');
  await app.sees('设置昵称和头像');
  assert.equal(app.phone.logins, 2);
});

test('a device that is signed out from another one says so at once, and logs in only when asked', async () => {
  launch('dora');
  await app.sees('登录设备');
  await until(() => app.phone.sockets.size === 1, () => 'the subscription');
  const other = otherDevice(world, 'dora', 'a tablet');
  await until(async () => {
    await other.logout('OTHERS');
    return app.text().includes('退出这台设备') || app.text().includes('已在其他设备上退出登录');
  }, () => app.text());
  await app.tap('登录');
  await app.sees('登录设备');
});

test('a device that was signed out while it was away does not log in silently', async () => {
  launch('emil');
  await app.sees('登录设备');
  app.stop();
  const other = otherDevice(world, 'emil', 'a tablet');
  await other.logout('OTHERS');
  app.launch().open('account');
  await app.sees('其他设备上退出');
  const { me } = await other.request('{ me { sessions(first: 5) { totalCount } } }');
  assert.deepEqual([me.sessions.totalCount, app.phone.logins], [1, 1]);
});

test('a profile that changes on another device changes here', async () => {
  launch('fay');
  await app.sees('设置昵称和头像');
  const other = otherDevice(world, 'fay', 'a tablet');
  let count = 0;
  await until(async () => {
    await other.request('mutation ($n: String) { updateProfile(input: { nickname: $n }) { userErrors { code } } }', { n: `Fay${count += 1}` });
    return /Fay\d/.test(app.text());
  }, () => app.text());
});

test('without a network the page says so, and trying again works', async () => {
  app = new MiniProgram(world, 'gus');
  app.phone.isOffline = true;
  app.launch().open('account');
  await app.sees('网络不可用，请检查网络后再试');
  app.phone.isOffline = false;
  await app.tap('再试一次');
  await app.sees('设置昵称和头像');
});

test('each action of an error has its own way on', async () => {
  app = new MiniProgram(world, 'hal');
  const shown = async (body) => {
    app.fake = () => body;
    app.launch().open('account');
    await until(() => !app.text().includes('正在加载'), () => app.text());
    return app.text();
  };
  assert.match(await shown(fails('RATE_LIMITED', 'RETRY', { retryAfter: 30 })), /操作太频繁了，请 30 秒后再试编号 r1再试一次/);
  assert.match(await shown(fails('LOGIN_BLOCKED', 'GIVE_UP')), /微信拦截了这次登录.*再试一次/);
  assert.match(await shown(fails('INVALID_CODE', 'RELOGIN')), /登录已失效，请重新登录.*重新登录/);
  assert.match(await shown(fails('PROVIDER_MISCONFIGURED', 'OPERATOR')), /服务设置有误，请联系客服/);
  assert.match(await shown(fails('GRAPHQL_VALIDATION_FAILED', 'FIX')), /请更新小程序.*GRAPHQL_VALIDATION_FAILED/);
  app.fake = null;
  await app.tap('再试一次');
  await app.sees('登录设备');
});

test('a suspended account says so', async () => {
  launch('ida');
  await app.sees('登录设备');
  const { id } = app.page.data.session.user;
  execFileSync(world.binary, ['admin', 'suspend', id], { cwd: world.cwd, env: { LOG: 'warn' } });
  await app.sees('账号已被停用');
  await app.tap('登录');
  await app.sees('再试一次');
  assert.match(app.text(), /账号已被停用/);
});

test('pulling down asks again', async () => {
  launch('jo');
  await app.sees('设置昵称和头像');
  app.stop();
  app.launch().open('account');
  await app.sees('设置昵称和头像');
  await otherDevice(world, 'jo', 'a tablet').request('mutation { updateProfile(input: { nickname: "Jo" }) { userErrors { code } } }');
  await app.page.instance.onPullDownRefresh();
  assert.match(app.text(), /^JJo|Jo/);
});
