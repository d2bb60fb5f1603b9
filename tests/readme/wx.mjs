// The part of WeChat's `wx` that the samples use. As on a device, any HTTP status is a success, a body that is not JSON
// is text, and only a network error is a failure.
import vm from 'node:vm';
import WebSocket from 'ws';

const HOST = 'https://account.example.com';

/* The timeout of a request; a real device waits a minute. */
const TIMEOUT_MS = 15_000;

/* A mini program that reaches `server` by the URL in the README. `codes` returns the codes of wx.login. */
export function miniProgram(server, codes, timeout = TIMEOUT_MS) {
  const storage = new Map();
  const printed = { log: [], error: [] };
  const wx = {
    getStorageSync: (key) => storage.get(key) ?? '',
    setStorageSync: (key, value) => void storage.set(key, value),
    login: ({ success, fail }) => void codes().then(
      (code) => success({ code, errMsg: 'login:ok' }),
      () => fail({ errMsg: 'login:fail' }),
    ),
    request: (options) => void request(server, timeout, options),
    uploadFile: (options) => void uploadFile(server, timeout, options),
    connectSocket: (options) => connectSocket(server, options),
  };
  const console = { log: (...it) => printed.log.push(it), error: (...it) => printed.error.push(it) };
  // shortens the delays of the samples
  const soon = (callback) => setTimeout(callback, 20);
  const context = vm.createContext({ wx, console, setTimeout: soon });
  const run = (text) => vm.runInContext(text, context);
  return { run, storage, printed };
}

async function request(server, timeout, { url, method = 'GET', header = {}, data, success, fail }) {
  let answer;
  try {
    const headers = { 'content-type': 'application/json', ...header };
    const signal = AbortSignal.timeout(timeout);
    const options = { method, headers, body: JSON.stringify(data), redirect: 'follow', signal };
    const response = await fetch(url.replace(HOST, server), options);
    const received = parsed(await response.text());
    answer = { statusCode: response.status, header: Object.fromEntries(response.headers), data: received };
  } catch (error) {
    return fail({ errno: 600001, errMsg: `request:fail ${error.name === 'TimeoutError' ? 'timeout' : ''}` });
  }
  return success({ ...answer, errMsg: 'request:ok' });
}

/* A picture of one pixel, for every path. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/* The data of a response is always text. */
async function uploadFile(server, timeout, { url, filePath, name, header = {}, success, fail }) {
  try {
    const body = new FormData();
    body.append(name, new Blob([PICTURE]), filePath);
    const options = { method: 'POST', headers: header, body, signal: AbortSignal.timeout(timeout) };
    const response = await fetch(url.replace(HOST, server), options);
    success({ statusCode: response.status, data: await response.text(), errMsg: 'uploadFile:ok' });
  } catch {
    fail({ errMsg: 'uploadFile:fail' });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function connectSocket(server, { url, protocols }) {
  const socket = new WebSocket(url.replace(HOST.replace('http', 'ws'), server.replace('http', 'ws')), protocols);
  const listeners = { error: [], close: [] };
  socket.on('error', ({ message }) => listeners.error.forEach((listener) => listener({ errMsg: message })));
  socket.on('close', (code, reason) => {
    listeners.close.forEach((listener) => listener({ code, reason: String(reason) }));
  });
  return {
    send: ({ data }) => socket.send(data),
    onOpen: (listener) => void socket.on('open', () => listener({})),
    onMessage: (listener) => void socket.on('message', (data) => listener({ data: String(data) })),
    onError: (listener) => void listeners.error.push(listener),
    onClose: (listener) => void listeners.close.push(listener),
  };
}
