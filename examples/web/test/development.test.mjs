// Vite's server for development, in front of a server with its default settings.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startWorld, until } from './harness.mjs';

let world;
before(async () => { world = await startWorld('development'); });
after(() => world.stop());

test('the page in development sends texts, and none but those of the manifest', async () => {
  const { default: manifest } = await import('../src/generated/persisted-documents.json', { with: { type: 'json' } });
  const own = await world.device();
  const tab = await own.tab();
  const other = await own.tab();
  await tab.signInAs('alice');
  await other.live();
  await tab.nickname.fill('Alice');
  await tab.saved();
  await until(async () => await other.nickname.inputValue() === 'Alice', 'the edit');
  // the emulator's alice has one code, and a code that comes again within ten seconds is the same login
  await tab.page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await other.signedOut();
  await tab.signInAs('bob');
  assert.equal(await tab.nickname.inputValue(), '');
  const texts = new Set(Object.values(manifest));
  assert.ok(own.sent.every(({ query, documentId }) => texts.has(query) && documentId === undefined));
  assert.deepEqual(own.faults, []);
});
