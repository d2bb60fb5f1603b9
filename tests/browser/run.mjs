// Tests the explorer's pages in headless Chromium. Usage: node run.mjs BINARY [--without-graphiql]
// The option is for a binary without GraphiQL's files, in which /graphiql is the small page.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { startServer } from '../server.mjs';
import { tryGraphiql, trySmallPage } from './pages.mjs';

const OFFLINE = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/* Records errors, violations of the content security policy, and requests to other origins. */
async function watch(page, server) {
  const violations = [];
  page.on('console', (message) => message.type() === 'error' && violations.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => violations.push(`script: ${error}`));
  await page.exposeFunction('recordViolation', (what) => violations.push(`policy: ${what}`));
  await page.addInitScript(() => document.addEventListener(
    'securitypolicyviolation',
    (event) => window.recordViolation(`${event.violatedDirective} ${event.blockedURI}`),
  ));
  await page.route(
    (url) => url.origin !== server && url.protocol !== 'data:',
    (route) => {
      violations.push(`request: ${route.request().url()}`);
      return route.abort();
    },
  );
  return violations;
}

async function visit(browser, server, folder, { name, path, attempt, ...context }) {
  const page = await (await browser.newContext({ locale: 'en-US', ...context })).newPage();
  page.setDefaultTimeout(20_000);
  const violations = await watch(page, server);
  const screenshot = (step) => page.screenshot({ path: join(folder, `${name}-${step}.png`) });
  try {
    const response = await page.goto(`${server}${path}`);
    const policy = response.headers()['content-security-policy'];
    assert.match(policy, /default-src 'none'; script-src 'self';/, `${path} has the policy ${policy}`);
    await attempt(page, screenshot);
  } finally {
    await screenshot('me');
  }
  assert.deepEqual(violations, [], `${name} has violations`);
  console.log(`browser: ${name}: log in, use the token, me`);
  await page.context().close();
}

const [binary, flag] = process.argv.slice(2);
assert.ok(binary, 'usage: node run.mjs BINARY [--without-graphiql]');
const wide = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true };
const small = { path: '/graphiql/small', attempt: trySmallPage };
const graphiql = { path: '/graphiql', attempt: flag === '--without-graphiql' ? trySmallPage : tryGraphiql };

const folder = await mkdtemp(join(tmpdir(), 'explorer-'));
const server = await startServer(binary, folder);
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = await chromium.launch({ executablePath, args: OFFLINE });
try {
  await visit(browser, server.url, folder, { name: 'graphiql', ...graphiql, ...wide });
  await visit(browser, server.url, folder, { name: 'graphiql-dark', ...graphiql, ...wide, colorScheme: 'dark' });
  await visit(browser, server.url, folder, { name: 'graphiql-chinese', ...graphiql, ...wide, locale: 'zh-CN' });
  await visit(browser, server.url, folder, { name: 'small', ...small, ...wide });
  await visit(browser, server.url, folder, { name: 'small-phone', ...small, ...phone, locale: 'zh-CN' });
} finally {
  await browser.close();
  await server.stop();
  await rm(join(folder, 'server'), { recursive: true, force: true });
  console.log(`browser: screenshots are in ${folder}`);
}
