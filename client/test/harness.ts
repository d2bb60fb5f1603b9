// A server with its emulator, a proxy before it, and phones.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
// @ts-expect-error it has no types
import { startServer } from '../../tests/server.mjs';
import type { Account, AccountError, ErrorMembers } from '../src/index.js';
import { Phone, type PhoneOptions } from './wx.js';
import { Proxy } from './proxy.js';

const binary = resolve(process.env.MINIACCOUNT_BIN ?? assert.fail('MINIACCOUNT_BIN is the path of the server'));

export interface World {
  proxy: Proxy;
  url: string;
  /** Where the emulator is. */
  wechat(): string;
  /** A new person with a phone. */
  phone(options?: Partial<PhoneOptions>): Phone;
  account(phone: Phone): Account;
  admin(...words: string[]): Promise<unknown>;
  restart(): Promise<void>;
  stopServer(): Promise<void>;
  stop(): Promise<void>;
}

let people = 0;

export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'client-'));
  const settings = { LOG: 'warn', LOGIN_RATE_LIMIT: 'off', REFRESH_RATE_LIMIT: 'off', ...env };
  let server = await startServer(binary, folder, { env: settings });
  const proxy = await new Proxy(server.url).start();
  const cwd = join(folder, 'server');
  let wechat = server.wechat as string;
  return {
    proxy,
    url: server.url,
    wechat: () => wechat,
    phone: (options) => {
      const user = `person${people += 1}`;
      return new Phone({ code: () => codeOf(wechat, user), speed: 20, ...options });
    },
    account: (phone) => phone.launch().createAccount({ endpoint: proxy.url, device: { name: 'a phone' } }),
    admin: (...words) => promisify(execFile)(binary, ['admin', ...words], { cwd, env: settings as never }),
    stopServer: () => server.stop(),
    // the same address, database and keys
    async restart() {
      const { port } = new URL(server.url);
      await server.stop();
      server = await restartServer(folder, { ...settings, LISTEN: `127.0.0.1:${port}` });
      wechat = server.wechat;
    },
    async stop() {
      await proxy.stop();
      await server.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function restartServer(folder: string, env: Record<string, string>) {
  // startServer makes a folder of its own; the server goes on in that of the first
  const database = join(folder, 'server/miniaccount.db');
  const all = { ...env, DATABASE_URL: `sqlite://${database}?mode=rwc` };
  return startServer(binary, folder, { name: `server${Date.now()}`, env: all });
}

/** A true code of WeChat's, good once. */
export async function codeOf(wechat: string, user: string): Promise<string> {
  const answer = await fetch(`${wechat}/emulator/code`, { method: 'POST', body: new URLSearchParams({ user }) });
  return ((await answer.json()) as { code: string }).code;
}

/** The error that something fails with. */
export async function failed(promise: Promise<unknown>): Promise<AccountError> {
  try {
    await promise;
  } catch (error) {
    return error as AccountError;
  }
  return assert.fail('it did not fail');
}

export const graphqlError = (members: Partial<ErrorMembers>, data: unknown = null) => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify({ data, errors: [{ message: 'no', extensions: { requestId: 'r', ...members } }] }),
});

export async function until(holds: () => boolean | Promise<boolean>, what: string, patience = 15_000): Promise<void> {
  const end = Date.now() + patience;
  while (!await holds()) {
    assert.ok(Date.now() < end, `${what} does not come`);
    await sleep(20);
  }
}
