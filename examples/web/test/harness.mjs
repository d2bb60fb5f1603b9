// A server with its emulator, the built page in front of it, and browsers without a network.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { createServer, preview } from 'vite';
import { startServer } from '../../../tests/server.mjs';

const binary = resolve(process.env.MINIACCOUNT_BIN ?? assert.fail('MINIACCOUNT_BIN is the path of the server'));
const root = join(import.meta.dirname, '..');

const OFFLINE = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/* Only the documents of the manifest run, and each login has a session of its own, however soon it follows another. */
const PRODUCTION = {
  TRUSTED_DOCUMENTS: join(root, 'src/generated/persisted-documents.json'),
  LOGIN_REPEAT_WINDOW: 'off',
  LOGIN_RATE_LIMIT: 'off',
};

const freePort = () => new Promise((found) => {
  const socket = createSocket().listen(0, '127.0.0.1', () => {
    const { port } = socket.address();
    socket.close(() => found(port));
  });
});

async function servePage(mode) {
  const where = { host: '127.0.0.1', port: await freePort(), strictPort: true };
  const common = { root, logLevel: 'silent' };
  if (mode === 'production') return preview({ ...common, preview: where });
  return (await createServer({ ...common, server: where })).listen();
}

/**
 * A world in `production`, with the built page, or in `development`, with Vite's server, and a server with its default
 * settings, which takes any document.
 */
export async function startWorld(mode = 'production', settings = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'web-'));
  const env = { LOG: 'error', ...(mode === 'production' && PRODUCTION), ...settings };
  let server = await startServer(binary, folder, { env });
  process.env.MINIACCOUNT_URL = server.url;
  const site = await servePage(mode);
  const url = site.resolvedUrls.local[0];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: OFFLINE });
  return {
    url,
    stopServer: () => server.stop(),
    /* the same address, database and keys */
    async startServer() {
      const database = `sqlite://${join(folder, 'server/miniaccount.db')}?mode=rwc`;
      const address = { LISTEN: new URL(server.url).host, DATABASE_URL: database };
      server = await startServer(binary, folder, { name: `server${Date.now()}`, env: { ...env, ...address } });
    },
    /** A browser of its own; its tabs share what a page stores. */
    device: (options = {}) => startDevice(browser, url, options),
    async stop() {
      await browser.close();
      await site.close();
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function startDevice(browser, url, options) {
  const context = await browser.newContext({ locale: 'en-US', ...options });
  context.setDefaultTimeout(15_000);
  /* what the pages send by HTTP and over sockets, and what they must not do */
  const sent = [];
  const faults = [];
  return {
    context, sent, faults,
    async tab() {
      const page = await context.newPage();
      page.on('pageerror', (error) => faults.push(`script: ${error}`));
      page.on('console', (message) => {
        // Chromium tells of answers that are errors, and of servers that are away
        if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text())) faults.push(message.text());
      });
      page.on('request', (request) => {
        if (new URL(request.url()).pathname === '/graphql') sent.push(request.postDataJSON());
      });
      page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
        const message = parse(payload);
        if (message?.type === 'subscribe') sent.push(message.payload);
      }));
      await page.goto(url);
      return tabOf(page);
    },
    /** From now on, sockets that pages open can be cut, and then get no further than here until they are let through. */
    async holdSockets() {
      const held = [];
      let cut = () => {};
      let isOpen = true;
      await context.routeWebSocket(/\/graphql$/, (socket) => {
        const connect = () => {
          const server = socket.connectToServer();
          cut = () => Promise.all([socket.close({ code: 1001 }), server.close()]);
        };
        if (isOpen) connect();
        else held.push(connect);
      });
      return {
        cut() {
          isOpen = false;
          return cut();
        },
        letThrough() {
          isOpen = true;
          held.splice(0).forEach((connect) => connect());
        },
      };
    },
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Vite's own
  }
}

/* What a person does and sees in a tab. */
function tabOf(page) {
  const news = page.locator('#news');
  const problem = page.getByRole('alert');
  return {
    page, news, problem,
    nickname: page.getByLabel('Nickname'),
    locale: page.getByLabel('Language'),
    save: () => page.getByRole('button', { name: 'Save' }).click(),
    async saved() {
      // Chromium draws the tab in front, and Playwright clicks what is drawn
      await page.bringToFront();
      const answer = page.waitForResponse((response) => response.request().postDataJSON()?.variables?.input);
      await page.getByRole('button', { name: 'Save' }).click();
      await answer;
      await news.getByText('Saved.').waitFor();
    },
    live: () => page.locator('#connection.live').waitFor(),
    signedOut: () => page.getByRole('heading', { name: 'Sign in' }).waitFor(),
    signedIn: () => page.getByRole('heading', { name: 'Devices' }).waitFor(),
    async signInAs(name) {
      await page.getByRole('button', { name }).click();
      await page.locator('#connection.live').waitFor();
    },
    async signInWith(code) {
      await page.getByLabel('Or with a code').fill(code);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    },
  };
}

/** Waits until something is as it should be, and answers how many milliseconds that took. */
export async function until(holds, what, patience = 15_000) {
  const since = Date.now();
  while (!await holds()) {
    assert.ok(Date.now() < since + patience, `${what} does not come`);
    await new Promise((done) => { setTimeout(done, 10); });
  }
  return Date.now() - since;
}
