// The built page against a server that runs nothing but its documents.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startWorld, until } from './harness.mjs';

let world;
let devices = [];
before(async () => { world = await startWorld(); });
after(() => world.stop());

const device = async (options) => {
  devices.push(await world.device(options));
  return devices.at(-1);
};

afterEach(async () => {
  const used = devices;
  devices = [];
  for (const { context } of used) await context.close();
  for (const { sent, faults } of used) {
    assert.deepEqual(faults, []);
    for (const operation of sent) {
      assert.match(operation.documentId, /^sha256:[0-9a-f]{64}$/);
      assert.equal(operation.query, undefined);
    }
  }
});

/* The device of somebody who nobody else is. */
let people = 0;
const newPerson = () => `emulator:person${people += 1}`;

async function signedIn(code = newPerson()) {
  const own = await device();
  const tab = await own.tab();
  await tab.signInWith(code);
  await tab.live();
  return { own, tab };
}

test('a person is chosen, stays signed in over a reload, and signs out', async () => {
  const own = await device();
  const tab = await own.tab();
  await tab.signedOut();
  await tab.signInAs('alice');
  assert.equal(await tab.page.evaluate(() => document.activeElement.id), 'account-title');
  await tab.page.reload();
  await tab.live();
  assert.equal(await tab.page.getByRole('listitem').count(), 1);
  await tab.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await tab.signedOut();
  await tab.page.getByText('You are signed out.').waitFor();
  await tab.page.reload();
  await tab.signedOut();
  assert.ok(own.sent.length >= 4);
});

test('an edit in one tab is seen in the other within a second', async () => {
  const { own, tab } = await signedIn();
  const other = await own.tab();
  await other.live();
  for (const nickname of ['Ada', '小明', 'Ada Lovelace']) {
    await tab.page.bringToFront();
    await tab.nickname.fill(nickname);
    const seen = until(async () => await other.nickname.inputValue() === nickname, nickname);
    await tab.saved();
    const took = await seen;
    assert.ok(took < 1000, `it took ${took} ms`);
    assert.match(await other.news.textContent(), new RegExp(`Changed elsewhere: nickname “${nickname}”`));
  }
  await other.locale.fill('zh-CN');
  await other.save();
  await until(async () => await tab.locale.inputValue() === 'zh-CN', 'the language');
  await other.locale.fill('');
  await other.save();
  await until(async () => await tab.locale.inputValue() === '', 'no language');
  assert.equal(await tab.nickname.inputValue(), 'Ada Lovelace');
  assert.equal(await tab.page.getByRole('heading', { level: 1 }).textContent(), 'Ada Lovelace');
});

test('what a person writes stays while somebody else saves', async () => {
  const { own, tab } = await signedIn();
  const other = await own.tab();
  await other.live();
  await other.nickname.fill('a draft');
  await tab.nickname.fill('saved');
  await tab.locale.fill('en');
  await tab.save();
  await until(async () => await other.locale.inputValue() === 'en', 'the language');
  assert.equal(await other.nickname.inputValue(), 'a draft');
  await other.page.getByText('It is “saved” now, changed elsewhere.').waitFor();
  await other.save();
  await until(async () => await tab.nickname.inputValue() === 'a draft', 'the draft');
});

test('errors of the form are at their fields', async () => {
  const { tab } = await signedIn();
  await tab.nickname.fill('x'.repeat(33));
  await tab.locale.fill('no language');
  await tab.save();
  await until(async () => await tab.locale.getAttribute('aria-invalid') === 'true', 'the error');
  assert.equal(await tab.nickname.getAttribute('aria-invalid'), 'true');
  assert.equal(await tab.page.evaluate(() => document.activeElement.id), 'nickname');
  assert.notEqual(await tab.page.locator('#nickname-note').textContent(), '');
  await tab.nickname.fill('short');
  await tab.locale.fill('fr');
  await tab.saved();
  assert.equal(await tab.nickname.getAttribute('aria-invalid'), null);
});

test('a device is signed out from another one, and its tabs notice', async () => {
  const code = newPerson();
  const { tab } = await signedIn(code);
  const { own, tab: there } = await signedIn(code);
  const second = await own.tab();
  await second.live();
  await tab.page.reload();
  await tab.live();
  assert.equal(await tab.page.getByRole('listitem').count(), 2);
  await tab.page.getByRole('button', { name: /^Sign out Chrome on/ }).click();
  await there.signedOut();
  await second.signedOut();
  await there.page.getByText('You were signed out from another device.').waitFor();
  await until(async () => await tab.page.getByRole('listitem').count() === 1, 'the list');
  assert.equal(await tab.page.evaluate(() => document.activeElement.id), 'devices-title');
});

test('signing out everywhere ends the sessions elsewhere, and in the other tab', async () => {
  const code = newPerson();
  const { own, tab } = await signedIn(code);
  const second = await own.tab();
  await second.live();
  const { tab: there } = await signedIn(code);
  await tab.page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await tab.signedOut();
  await second.signedOut();
  await there.signedOut();
  await there.page.getByText('You were signed out elsewhere.').waitFor();
  // who signs in again in one tab is signed in in the other
  await tab.signInWith(code);
  await tab.live();
  await second.live();
});

test('the other devices are signed out, and this one stays', async () => {
  const code = newPerson();
  const { tab: there } = await signedIn(code);
  const { tab } = await signedIn(code);
  await tab.page.getByRole('button', { name: 'Sign out the other devices' }).click();
  await there.signedOut();
  await until(async () => await tab.page.getByRole('listitem').count() === 1, 'the list');
  await tab.nickname.fill('still here');
  await tab.saved();
});

test('a page lives through a restart of the server', async () => {
  const code = newPerson();
  const { tab } = await signedIn(code);
  const { tab: there } = await signedIn(code);
  await world.stopServer();
  await tab.page.getByText('reconnecting…').waitFor();
  await world.startServer();
  await tab.live();
  await there.live();
  await there.nickname.fill('after the restart');
  await there.save();
  const took = await until(async () => await tab.nickname.inputValue() === 'after the restart', 'the edit');
  assert.ok(took < 2000, `it took ${took} ms`);
});

test('what happens while a page has no connection is there when it has one again', async () => {
  const code = newPerson();
  const { tab: there } = await signedIn(code);
  const own = await device();
  const sockets = await own.holdSockets();
  const tab = await own.tab();
  await tab.signInWith(code);
  await tab.live();
  await sockets.cut();
  await tab.page.getByText('reconnecting…').waitFor();
  await there.nickname.fill('meanwhile');
  await there.saved();
  assert.equal(await tab.nickname.inputValue(), '');
  sockets.letThrough();
  await tab.live();
  await until(async () => await tab.nickname.inputValue() === 'meanwhile', 'what was missed');
  await tab.news.getByText('Changed elsewhere: nickname “meanwhile”').waitFor();
});

test('while the server is away a save may be tried again', async () => {
  const { tab } = await signedIn();
  await world.stopServer();
  await tab.nickname.fill('patience');
  await tab.save();
  await tab.problem.getByText('That may pass.').waitFor();
  await world.startServer();
  await tab.problem.getByRole('button', { name: 'Try again' }).click();
  await tab.page.getByText('Saved.').waitFor();
  assert.equal(await tab.problem.textContent(), '');
});

test('a fault of the page is named with what finds it in the log', async () => {
  const { own, tab } = await signedIn();
  const extensions = { code: 'BAD_USER_INPUT', action: 'FIX', requestId: 'request-1' };
  await own.context.route('**/graphql', (route) => route.fulfill({ json: { errors: [{ message: 'No.', extensions }] } }));
  await tab.nickname.fill('anything');
  await tab.save();
  await tab.problem.getByText('request-1').waitFor();
  assert.equal(await tab.problem.getAttribute('data-action'), 'FIX');
  assert.equal(await tab.nickname.inputValue(), 'anything');
});

for (const [code, action, advice] of [
  ['emulator:error:40029', 'RELOGIN', 'Sign in again.'],
  ['emulator:error:40226', 'GIVE_UP', 'Trying again does not help.'],
  ['emulator:error:40013', 'OPERATOR', 'Tell the people who run it.'],
  ['emulator:error:45011', 'RETRY', 'That may pass.'],
]) {
  test(`a login that fails with ${action} says what to do`, async () => {
    const tab = await (await device()).tab();
    await tab.signInWith(code);
    await tab.problem.getByText(advice).waitFor();
    assert.equal(await tab.problem.getAttribute('data-action'), action);
    assert.equal(await tab.problem.getByRole('button').count(), action === 'RETRY' ? 1 : 0);
    await tab.signInWith(newPerson());
    await tab.live();
    assert.equal(await tab.problem.textContent(), '');
  });
}
