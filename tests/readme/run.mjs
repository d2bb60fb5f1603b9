// Runs the samples of the READMEs. Usage: node run.mjs BINARY
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startServer } from '../server.mjs';
import { responses, startHostile } from './hostile.mjs';
import { samples } from './samples.mjs';
import { miniProgram } from './wx.mjs';

const TIMEOUT_MS = 20_000;

const [binary] = process.argv.slice(2);
assert.ok(binary, 'usage: node run.mjs BINARY');
const root = join(import.meta.dirname, '../..');

/* Commands that other steps run, or that need a release build and minutes. */
const RUN_ELSEWHERE = ['cargo run', 'cargo test --workspace', 'TORTURE_ROUNDS=', 'BENCH_POSTGRES_URL='];

const withTimeout = (promise, what) => Promise.race([
  promise,
  sleep(TIMEOUT_MS, undefined, { ref: false }).then(() => assert.fail(`${what} timed out`)),
]);

async function until(holds, what) {
  const end = Date.now() + TIMEOUT_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < end, `${what} timed out`);
    await sleep(50);
  }
}

const codes = (server, user) => async () => {
  const body = new URLSearchParams({ user, appid: server.appId });
  const response = await fetch(`${server.wechat}/emulator/code`, { method: 'POST', body });
  return (await response.json()).code;
};

async function graphqlClient(server, sample) {
  const { run, storage, printed } = miniProgram(server.url, codes(server, 'alice'));
  // the sample ends with a query of `me` without a token, and so logs in
  run(sample);
  await until(() => printed.log.length + printed.error.length, 'the response');
  assert.deepEqual(printed.error, []);
  const [[me]] = printed.log;
  assert.match(me.id, /./);
  assert.match(storage.get('token'), /./);
  // an invalid token is replaced once
  storage.set('token', 'nonsense');
  const again = await withTimeout(run("ask('{ me { id } }')"), 'ask');
  assert.equal(again.me.id, me.id);
  const refused = await withTimeout(run("ask('{ nothing }').catch(error => error)"), 'a refusal');
  assert.deepEqual([refused.code, refused.action], ['GRAPHQL_VALIDATION_FAILED', 'FIX']);
  const blocked = miniProgram(server.url, async () => 'emulator:error:40226');
  blocked.run(sample);
  await until(() => blocked.printed.error.length, 'an error');
  assert.equal(blocked.printed.error[0][0].code, 'LOGIN_BLOCKED');
}

async function restClient(server, sample) {
  const { run, storage } = miniProgram(server.url, codes(server, 'alice'));
  run(sample);
  const { token, user } = await withTimeout(run('login()'), 'login');
  assert.ok(token && user.id);
  assert.equal(storage.get('token'), token);
  const blocked = miniProgram(server.url, async () => 'emulator:error:40226');
  blocked.run(sample);
  const refused = await withTimeout(blocked.run('login().catch(error => error)'), 'a refusal');
  assert.deepEqual([refused.code, refused.action], ['LOGIN_BLOCKED', 'GIVE_UP']);
}

async function picture(server, graphql, upload) {
  const { run, storage, printed } = miniProgram(server.url, codes(server, 'carol'));
  run(graphql + upload);
  await until(() => printed.log.length, 'the login');
  const address = await withTimeout(run("uploadAvatar('wxfile://tmp_1.png')"), 'uploadAvatar');
  assert.equal((await fetch(address)).headers.get('content-type'), 'image/png');
  storage.set('token', 'nonsense');
  const refused = await withTimeout(run("uploadAvatar('wxfile://tmp_1.png').catch(error => error)"), 'a refusal');
  assert.deepEqual([refused.code, refused.action], ['UNAUTHENTICATED', 'RELOGIN']);
}

/* Any invalid response, and a device that cannot log in, rejects with a code. */
async function hostile(graphql, rest, upload) {
  const assertRejected = async (program, text, what) => {
    const error = await withTimeout(program.run(`${text}.then(() => 'resolved', error => error)`), what);
    assert.deepEqual([error.code, error.action], ['NO_ANSWER', 'RETRY'], what);
  };
  for (const [name, answer] of Object.entries(responses)) {
    const server = await startHostile(answer);
    try {
      for (const [sample, calls] of [
        [graphql, ["ask('{ me { id } }')", "graphql('{ me { id } }')", 'login()']],
        [rest, ['login()']],
        [upload, ["uploadAvatar('wxfile://tmp_1.png')"]],
      ]) {
        const program = miniProgram(server.url, async () => 'code', name === 'no response' ? 300 : undefined);
        program.run(sample);
        for (const call of calls) await assertRejected(program, call, `${call} and ${name}`);
      }
    } finally {
      await server.stop();
    }
  }
  const nowhere = await startHostile(responses['no response']);
  await nowhere.stop();
  const offline = async () => { throw new Error('offline'); };
  for (const sample of [graphql, rest]) {
    for (const wxLogin of [async () => 'code', offline]) {
      const program = miniProgram(nowhere.url, wxLogin);
      program.run(sample);
      await assertRejected(program, 'login()', 'login without a network');
    }
  }
}

async function subscriber(server, graphql, listen) {
  const { run, storage, printed } = miniProgram(server.url, codes(server, 'bob'));
  run(graphql + listen);
  await until(() => printed.log.length, 'the login');
  run('const receivedEvents = []; listen(event => receivedEvents.push(event))');
  const rename = (name) => {
    const mutation = `mutation { updateProfile(input: { nickname: "${name}" }) { user { id } } }`;
    return withTimeout(run(`ask('${mutation}')`), 'updateProfile');
  };
  const receives = async (name) => until(async () => {
    await rename(`${name} ${Date.now()}`);
    return run('receivedEvents').some((event) => event.user?.nickname.startsWith(name));
  }, `the event ${name}`);
  await receives('Bob');
  // the session ends: the sample receives the event, logs in and subscribes again
  const before = storage.get('token');
  await withTimeout(run("graphql('mutation { logout { endedSessions } }')"), 'logout');
  const hasEnded = () => run('receivedEvents').some((event) => event.reason === 'LOGGED_OUT' && event.isCurrent);
  await until(hasEnded, 'the end of the session');
  await until(() => storage.get('token') !== before, 'the next login');
  await receives('Robert');
}

/* The sample repeats a failed handshake, and throws nothing. */
async function hostileSocket(graphql, listen) {
  for (const answer of [responses['a page with 502'], responses['an empty 404'], responses['a closed connection']]) {
    let attempts = 0;
    const server = await startHostile(answer);
    const program = miniProgram(server.url, async () => 'code');
    const connect = program.run('wx').connectSocket;
    program.run('wx').connectSocket = (options) => {
      attempts += 1;
      if (attempts > 3) return { onOpen() {}, onMessage() {}, onError() {}, onClose() {} };
      return connect(options);
    };
    program.run(graphql + listen);
    program.run('listen(() => {})');
    await until(() => attempts > 3, 'another attempt');
    await sleep(100);
    assert.equal(attempts, 4, 'one attempt for each failed connection');
    await server.stop();
  }
}

const shell = async (text, cwd, env = {}) => {
  const path = `${join(cwd, 'bin')}:${process.env.PATH}`;
  const options = { cwd, env: { PATH: path, ...env }, timeout: 60_000 };
  return (await promisify(execFile)('bash', ['-euc', text], options)).stdout;
};

/* Makes curl fail on an error status. */
const CURL = 'curl() { command curl -sSf "$@"; }\n';

const commands = {
  // the two requests after the first start
  async 'curl -s http://127.0.0.1:8000/graphql'(text, folder) {
    const server = await startServer(binary, folder, { name: 'first-start' });
    const [login, me] = text.replaceAll('http://127.0.0.1:8000', server.url).split('\n\n');
    const { token, user } = JSON.parse(await shell(login, folder)).data.login;
    const response = await shell(me.replace('<the token>', token).replace('<令牌>', token), folder);
    assert.equal(JSON.parse(response).data.me.id, user.id);
    await server.stop();
  },
  async 'curl -X POST http://127.0.0.1:8001/emulator/code'(text, folder, { wechat }) {
    assert.match(await shell(CURL + text.replace('http://127.0.0.1:8001', wechat), folder), /"code"/);
  },
  async 'curl -X POST http://127.0.0.1:8001/emulator/phone-code'(text, folder) {
    // on a separate server with its own emulator, where the user has logged in
    const server = await startServer(binary, folder, { name: 'phone-codes' });
    const login = JSON.stringify({ code: 'emulator:alice' });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${server.url}/api/login`, { method: 'POST', headers, body: login });
    const printed = await shell(CURL + text.replaceAll('http://127.0.0.1:8001', server.wechat), folder);
    assert.match(printed, /"code"/);
    assert.match(printed, /"encryptedData"/);
    await server.stop();
  },
  async 'export DATABASE_URL='(text, folder) {
    await mkdir(join(folder, 'bin'), { recursive: true });
    await symlink(resolve(binary), join(folder, 'bin/miniaccount')).catch(() => {});
    const address = `sqlite://${join(folder, 'production.db')}?mode=rwc`;
    const lines = text
      .replace(/postgres:\S+/, `'${address}'`)
      .replace('miniaccount serve', 'timeout --preserve-status 3 miniaccount serve');
    const secret = { SECRET_KEY: randomBytes(32).toString('base64'), LISTEN: '127.0.0.1:0' };
    assert.match(await shell(lines, folder, secret), /GraphQL +http/);
  },
};

async function runCommand({ text, bare }, ...rest) {
  if (RUN_ELSEWHERE.some((start) => bare.startsWith(start))) return 'run elsewhere';
  const found = Object.entries(commands).find(([start]) => bare.startsWith(start));
  assert.ok(found, `no command for this sample\n${text}`);
  await found[1](text, ...rest);
  return 'runs';
}

async function checkSettings({ text }, folder) {
  await writeFile(join(folder, 'sample.toml'), text);
  const command = ['check-config', '--config', join(folder, 'sample.toml')];
  await promisify(execFile)(resolve(binary), command, { cwd: folder, env: {} });
  return 'is valid';
}

/* A server with the mini program of the samples, and a separate emulator as WeChat. */
async function startProduction(folder) {
  const emulator = await startServer(binary, folder, { name: 'emulator' });
  const appId = 'wx1234567890abcdef';
  const env = {
    WECHAT_APP_ID: appId,
    WECHAT_APP_SECRET: 'secret',
    WECHAT_API_BASE: emulator.wechat,
    SECRET_KEY: randomBytes(32).toString('base64'),
    LOG: 'warn',
  };
  const server = await startServer(binary, folder, { name: 'production', env });
  const stop = async () => {
    await server.stop();
    await emulator.stop();
  };
  return { url: server.url, wechat: emulator.wechat, appId, stop };
}

const folder = await mkdtemp(join(tmpdir(), 'readme-'));
const all = await samples(join(root, 'README.md'), join(root, 'README.zh-CN.md'));
const unhandled = new Promise((_, reject) => {
  process.on('unhandledRejection', (cause) => reject(new Error('a sample has an unhandled rejection', { cause })));
});
unhandled.catch(() => {});
const server = await startProduction(folder);
try {
  const [graphql, rest, listen, upload, ...more] = all.filter(({ kind }) => kind === 'js').map(({ text }) => text);
  assert.equal(more.length, 0, 'no scenario for the new sample of a mini program');
  for (const [name, scenario] of Object.entries({
    graphqlClient: () => graphqlClient(server, graphql),
    restClient: () => restClient(server, rest),
    picture: () => picture(server, graphql, upload),
    hostile: () => hostile(graphql, rest, upload),
    subscriber: () => subscriber(server, graphql, listen),
    hostileSocket: () => hostileSocket(graphql, listen),
  })) {
    await Promise.race([scenario(), unhandled]);
    console.log(`readme: ${name}`);
  }
  for (const sample of all.filter(({ kind }) => kind !== 'js')) {
    const run = { sh: runCommand, toml: checkSettings }[sample.kind];
    assert.ok(run, `no runner for samples of ${sample.kind}\n${sample.text}`);
    console.log(`readme: ${sample.bare.split('\n')[0].slice(0, 60)}: ${await run(sample, folder, server)}`);
  }
} finally {
  await server.stop();
  await rm(folder, { recursive: true });
}
process.exit(0);
