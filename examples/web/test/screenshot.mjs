// Takes docs/images/web.png, 900 px wide: an edit on one device, seen on another in dark.
// Usage: MINIACCOUNT_BIN=… node screenshot.mjs
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startWorld, until } from './harness.mjs';

const WINDOW = { width: 450, height: 690 };
const folder = join(import.meta.dirname, '../../../docs/images');

const world = await startWorld();
try {
  const tabs = [];
  for (const colorScheme of ['light', 'dark']) {
    const tab = await (await world.device({ viewport: WINDOW, colorScheme })).tab();
    await tab.signInAs('alice');
    tabs.push(tab);
  }
  const [here, there] = tabs;
  await here.page.reload();
  await here.live();
  await here.nickname.fill('Alice 小爱');
  await here.locale.fill('zh-CN');
  await here.saved();
  await until(async () => await there.nickname.inputValue() === 'Alice 小爱', 'the edit');
  const pictures = await Promise.all(tabs.map(({ page }) => page.screenshot()));
  const { page } = await (await world.device({ viewport: { ...WINDOW, width: 2 * WINDOW.width } })).tab();
  const images = pictures.map((picture) => `<img src="data:image/png;base64,${picture.toString('base64')}">`);
  await page.setContent(`<body style="margin:0;display:flex">${images.join('')}</body>`);
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  const picture = await page.screenshot();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'web.png'), picture);
  console.log(`web: docs/images/web.png has ${picture.length} bytes`);
} finally {
  await world.stop();
}
