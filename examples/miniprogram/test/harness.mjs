// A server with its emulator, phones with the mini program on them, and pages as miniprogram-simulate renders them.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { JSDOM } from 'jsdom';
import { setTimeout as sleep } from 'node:timers/promises';
import { startServer } from '../../../tests/server.mjs';

export const root = resolve(import.meta.dirname, '..');
const client = resolve(root, '../../client');
const require = createRequire(join(root, 'package.json'));
const binary = resolve(process.env.MINIACCOUNT_BIN ?? assert.fail('MINIACCOUNT_BIN is the path of the server'));

const { window } = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true });
const fromWindow = ['document', 'CustomEvent', 'Event', 'Element', 'HTMLElement', 'Node', 'TouchEvent', 'MutationObserver'];
globalThis.window = window;
for (const name of fromWindow) globalThis[name] = window[name];
const simulate = require('miniprogram-simulate');
const exparser = require('miniprogram-exparser');

const folder = mkdtempSync(join(tmpdir(), 'miniprogram-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

/* The client's phone, which imitates `wx`. It is TypeScript, and finds the built client beside itself. */
function phoneClass() {
  const { buildSync } = createRequire(join(client, 'package.json'))('esbuild');
  const outfile = join(folder, 'phone.cjs');
  const define = { 'import.meta.dirname': JSON.stringify(join(client, 'test')) };
  buildSync({ entryPoints: [join(client, 'test/wx.ts')], outfile, define, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
  return require(outfile).Phone;
}

const Phone = phoneClass();

export async function startWorld(env = {}) {
  const settings = { LOG: 'warn', LOGIN_RATE_LIMIT: 'off', REFRESH_RATE_LIMIT: 'off', ...env };
  const home = mkdtempSync(join(folder, 'world-'));
  const server = await startServer(binary, home, { env: settings });
  return { url: server.url, wechat: server.wechat, stop: server.stop, binary, cwd: join(home, 'server') };
}

/* A server that has stopped leaves the phone without an answer. */
const orNever = (promise) => promise.catch(() => new Promise(() => {}));

/** A code of WeChat's, good once. */
export async function codeOf(world, user) {
  const answer = await fetch(`${world.wechat}/emulator/code`, { method: 'POST', body: new URLSearchParams({ user }) });
  return (await answer.json()).code;
}

/** The client by itself on another phone of the same person. */
export function otherDevice(world, user, name) {
  return new Phone({ code: () => orNever(codeOf(world, user)) }).launch().createAccount({ endpoint: world.url, device: { name } });
}

/** The mini program on a person's phone. One runs at a time: WeChat's globals are those of the process. */
export class MiniProgram {
  constructor(world, user, config = {}) {
    this.world = world;
    this.phone = new Phone({ code: () => orNever(codeOf(world, user)) });
    this.config = { endpoint: world.url, appId: '', appNames: {}, emulator: null, ...config };
    /** What the person saw besides pages. */
    this.toasts = [];
    this.modals = [];
    this.opened = [];
    this.copied = [];
    /** What they answer to the next questions; they confirm where nothing is said. */
    this.answers = [];
    /** May answer a request in place of the server. */
    this.fake = null;
  }

  wx() {
    const succeed = (result) => (options = {}) => { setTimeout(() => options.success?.(result), 0); };
    const phone = this.phone.wx();
    return {
      ...phone,
      request: (options) => {
        const data = this.fake?.(options);
        if (data) setTimeout(() => options.success({ statusCode: 200, data }), 0);
        else phone.request(options);
      },
      showModal: (options) => {
        assert.ok((options.confirmText ?? '').length <= 4, 'showModal:fail confirmText length should not larger than 4 Chinese characters');
        this.modals.push(options);
        const confirm = this.answers.length > 0 ? this.answers.shift() : true;
        setTimeout(() => options.success?.({ confirm, cancel: !confirm }), 0);
      },
      showToast: ({ title, icon }) => {
        assert.ok(icon === 'none' || title.length <= 7, `a toast with an icon shows seven characters: ${title}`);
        this.toasts.push(title);
      },
      navigateTo: (options) => { this.opened.push(options.url); },
      setClipboardData: (options) => { this.copied.push(options.data); setTimeout(() => options.success?.(), 0); },
      openPrivacyContract: (options) => { setTimeout(() => options.fail?.({ errMsg: 'openPrivacyContract:fail' }), 0); },
      getDeviceInfo: () => ({ brand: 'Apple', model: 'iPhone 15' }),
      getAccountInfoSync: () => ({ miniProgram: { appId: 'wx0000000000000000', envVersion: 'develop' } }),
      stopPullDownRefresh: succeed(),
    };
  }

  /** Starts it: its code is loaded anew, and only the storage is what it was. */
  launch() {
    this.stop();
    for (const path of Object.keys(require.cache)) {
      if (path.startsWith(root) && !path.includes('node_modules')) delete require.cache[path];
    }
    globalThis.wx = this.wx();
    const config = join(root, 'config.js');
    require.cache[config] = { id: config, filename: config, loaded: true, exports: this.config, children: [], paths: [] };
    globalThis.App = (app) => { this.app = app; };
    require(join(root, 'app.js'));
    this.app.onLaunch();
    this.app.onShow();
    return this;
  }

  module(name) {
    return require(join(root, name));
  }

  /** Opens a page of app.json. */
  open(name) {
    this.close();
    const id = simulate.load(join(root, 'pages', name, name), name, { rootPath: root, compiler: process.env.WXML_COMPILER ?? 'official' });
    const page = simulate.render(id);
    page.attach(document.body);
    this.page = page;
    return page;
  }

  /** The person leaves it. */
  stop() {
    this.close();
    this.app?.onHide();
  }

  close() {
    this.page?.detach();
    this.page = null;
  }

  /** What the page says. */
  text() {
    return this.page.dom.textContent.replace(/\s+/g, ' ').trim();
  }

  /** Waits until the page says it. */
  async sees(text) {
    await until(() => this.text().includes(text), () => `“${text}” in “${this.text()}”`);
  }

  /** Sends an event to an element as WeChat does, and lets its listeners run. */
  async send(element, name, detail = {}) {
    exparser.Event.dispatchEvent(element.__wxElement, exparser.Event.create(name, detail, { bubbles: true, capturePhase: true, composed: true }));
    await sleep(0);
  }

  tap(text) {
    const elements = [...this.page.dom.querySelectorAll('wx-button, [class*="--row"], [class*="--banner"]')];
    const element = elements.filter((each) => each.textContent.trim().startsWith(text)).at(-1);
    return this.send(element ?? assert.fail(`nothing to tap says “${text}” in “${this.text()}”`), 'tap');
  }

  submit(value) {
    return this.send(this.page.dom.querySelector('wx-form'), 'submit', { value });
  }

  /** Nothing of the page is under way. */
  idle() {
    return until(() => this.page.data.busy === '', () => `the end of ${this.page.data.busy}`);
  }
}

export async function until(holds, what, patience = 15_000) {
  const end = Date.now() + patience;
  while (!await holds()) {
    assert.ok(Date.now() < end, `it does not come: ${what()}`);
    await sleep(10);
  }
}

export const fails = (code, action, more) => ({ data: null, errors: [{ message: 'no', extensions: { code, action, requestId: 'r1', ...more } }] });

export const read = (...path) => readFileSync(join(root, ...path), 'utf8');
