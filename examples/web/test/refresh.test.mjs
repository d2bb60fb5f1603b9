// Tokens that expire while the page is open.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorld, until } from './harness.mjs';
import manifest from '../src/generated/persisted-documents.json' with { type: 'json' };

let world;
before(async () => { world = await startWorld('production', { ACCESS_TOKEN_TTL: '5s' }); });
after(() => world.stop());

test('two tabs stay signed in and live when their token expires', async () => {
  const own = await world.device();
  const [tab, other] = [await own.tab(), await own.tab()];
  await tab.signInWith('emulator:carol');
  await tab.live();
  await other.live();
  await sleep(11_000);
  for (const [here, there] of [[tab, other], [other, tab]]) {
    const nickname = `carol ${Date.now()}`;
    await here.nickname.fill(nickname);
    await here.saved();
    await until(async () => await there.nickname.inputValue() === nickname, 'the edit');
  }
  const [refresh] = Object.entries(manifest).find(([, text]) => text.includes('refreshSession'));
  assert.ok(own.sent.some(({ documentId }) => documentId === refresh));
  assert.deepEqual(own.faults, []);
});
