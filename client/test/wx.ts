// A phone with a mini program on it: the part of WeChat's `wx` that the client uses, as it behaves where it can be seen.
// Its functions have the types of miniprogram-api-typings. What is imitated, and after what:
//
// - `request`, `uploadFile`: any HTTP status is a success; a failure is a network that fails (`errMsg` alone tells how).
//   `request` parses JSON and gives text where it is none; `uploadFile` gives text, whatever it holds. At most ten at a
//   time, the others wait for their turn (base library 1.4.0). A minute's time-out, or the call's own.
// - After five seconds in the background what is under way fails with `fail interrupted`, as does what is begun then;
//   sockets are closed. The app stands still from then on: callbacks and timers wait until it is back. One that plays
//   music, or runs in the devtools, does not.
// - `login`: a new code, good once and for five minutes.
// - Storage: what was never written reads as the empty text; a value has at most 1 MB, all have 10 MB; a full one throws.
// - `connectSocket`: a task at once, whatever comes; at most five; an error or a close, and a failed one may tell both.
// - The globals are those of WeChat's engine: no fetch, no URL, no atob, no process.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';
import WebSocket from 'ws';
import type * as Client from '../src/index.js';

type Wx = Pick<
  WechatMiniprogram.Wx,
  'request' | 'uploadFile' | 'login' | 'connectSocket' | 'getStorageSync' | 'setStorageSync' | 'removeStorageSync'
>;
type Failure = WechatMiniprogram.GeneralCallbackResult;

/* What all calls take. The failures of request have more members than errMsg, which differ between phones. */
interface Callbacks<T> {
  timeout?: number;
  success?: (result: T) => void;
  fail?: (error: any) => void;
}

const MAX_CALLS = 10;
const MAX_SOCKETS = 5;
const TIMEOUT_MS = 60_000;
const BACKGROUND_MS = 5_000;
const MAX_VALUE_BYTES = 1024 * 1024;
const MAX_STORAGE_BYTES = 10 * 1024 * 1024;

/* A picture of one pixel, whatever the path. */
const PICTURE = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

export interface PhoneOptions {
  /** What `wx.login` gives. */
  code(): Promise<string>;
  /** How far the clock is off, in milliseconds. */
  clockOff?: number;
  /** How many times as fast as ours its time runs: nobody waits for seconds here. */
  speed?: number;
  /** The same for time-outs, which a slow machine needs in full where they are not what is tested. */
  timeoutSpeed?: number;
}

export class Phone {
  readonly storage = new Map<string, string>();
  /** Calls of `wx.login`. */
  logins = 0;
  /** The most calls that were under way at the same time. */
  mostCalls = 0;
  isOffline = false;
  isStorageFull = false;
  readonly sockets = new Set<WebSocket>();
  readonly uncaught: unknown[] = [];
  clockOff: number;

  private readonly speed: number;
  private readonly startedAt = Date.now();
  private isHidden = false;
  private isCutOff = false;
  private isSuspended = false;
  private readonly waiting: Array<() => void> = [];
  private readonly suspended: Array<() => void> = [];
  private readonly underWay = new Set<AbortController>();

  constructor(private readonly options: PhoneOptions) {
    this.speed = options.speed ?? 1;
    this.clockOff = options.clockOff ?? 0;
  }

  /** Starts the mini program: its code is loaded anew, and only the storage is what it was. */
  launch(): typeof Client {
    const phone = this;
    class PhoneDate extends Date {
      static override now() {
        return phone.startedAt + (Date.now() - phone.startedAt) * phone.speed + phone.clockOff;
      }
    }
    const exports = {} as typeof Client;
    const timers = {
      setTimeout: (callback: (...all: unknown[]) => void, delay = 0, ...rest: unknown[]) =>
        setTimeout(() => phone.run(() => callback(...rest)), delay / phone.speed),
      setInterval: (callback: () => void, delay = 0) => setInterval(() => { if (!phone.isSuspended) callback(); }, delay / phone.speed),
      clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer),
      clearInterval: (timer: NodeJS.Timeout) => clearInterval(timer),
    };
    const context = vm.createContext({ wx: this.wx(), exports, Date: PhoneDate, console, ...timers });
    vm.runInContext(readFileSync(join(import.meta.dirname, '../dist/index.js'), 'utf8'), context);
    return exports;
  }

  /** The person leaves the app. */
  hide({ standsStill = true } = {}): void {
    this.isHidden = true;
    setTimeout(() => {
      if (!this.isHidden) return;
      this.isCutOff = true;
      this.isSuspended = standsStill;
      this.underWay.forEach((call) => call.abort('interrupted'));
      this.sockets.forEach((socket) => socket.terminate());
    }, BACKGROUND_MS / this.speed);
  }

  /** The person comes back. */
  show(): void {
    this.isHidden = false;
    this.isCutOff = false;
    this.isSuspended = false;
    this.suspended.splice(0).forEach((callback) => callback());
  }

  private run(callback: () => void): void {
    if (this.isSuspended) this.suspended.push(callback);
    else callback();
  }

  /* One of ten calls at a time. What it throws fails the call, as wx words it. */
  private call<T>(name: string, options: Callbacks<T>, send: (signal: AbortSignal) => Promise<T>) {
    const controller = new AbortController();
    const start = async () => {
      this.underWay.add(controller);
      this.mostCalls = Math.max(this.mostCalls, this.underWay.size);
      const timer = setTimeout(() => controller.abort('timeout'), (options.timeout ?? TIMEOUT_MS) / (this.options.timeoutSpeed ?? 1));
      let told: () => void;
      try {
        if (this.isCutOff) controller.abort('interrupted');
        if (this.isOffline) throw new Error('net::ERR_INTERNET_DISCONNECTED');
        const result = await send(controller.signal);
        told = () => options.success?.(result);
      } catch (error) {
        const why = controller.signal.aborted ? String(controller.signal.reason) : (error as Error).message;
        told = () => options.fail?.({ errMsg: `${name}:fail ${why}` });
      }
      clearTimeout(timer);
      this.underWay.delete(controller);
      this.waiting.shift()?.();
      this.run(told);
    };
    if (this.underWay.size < MAX_CALLS) void start();
    else this.waiting.push(() => void start());
    return { abort: () => controller.abort('abort') };
  }

  private wx(): Wx {
    const request = (options: WechatMiniprogram.RequestOption) => this.call('request', options, async (signal) => {
      const method = options.method ?? 'GET';
      const headers = { 'content-type': 'application/json', ...options.header, referer: 'https://servicewechat.com/wx0/0/page-frame.html' };
      const response = await fetch(options.url, { method, headers, body: JSON.stringify(options.data), signal });
      const text = await response.text();
      return {
        statusCode: response.status,
        header: Object.fromEntries(response.headers),
        data: (options.dataType ?? 'json') === 'json' ? parsed(text) : text,
        cookies: [],
        errMsg: 'request:ok',
      } as unknown as WechatMiniprogram.RequestSuccessCallbackResult;
    });

    const uploadFile = (options: WechatMiniprogram.UploadFileOption) => this.call('uploadFile', options, async (signal) => {
      const body = new FormData();
      body.append(options.name, new Blob([PICTURE]), options.filePath);
      const response = await fetch(options.url, { method: 'POST', headers: options.header as Record<string, string>, body, signal });
      return { statusCode: response.status, data: await response.text(), errMsg: 'uploadFile:ok' } as WechatMiniprogram.UploadFileSuccessCallbackResult;
    });

    const login = (options: WechatMiniprogram.LoginOption = {}) => {
      this.logins += 1;
      if (this.isOffline) setTimeout(() => options.fail?.({ errMsg: 'login:fail', errno: 600001 }));
      else void this.options.code().then((code) => options.success?.({ code, errMsg: 'login:ok' }));
    };

    return {
      request: request as unknown as Wx['request'],
      uploadFile: uploadFile as unknown as Wx['uploadFile'],
      login: login as Wx['login'],
      connectSocket: (options) => this.connect(options),
      getStorageSync: (key) => parsed(this.storage.get(key) ?? '""') as never,
      setStorageSync: (key, value) => {
        const text = JSON.stringify(value);
        if (text.length > MAX_VALUE_BYTES) throw new Error('setStorageSync:fail entry size limit reached');
        const others = [...this.storage].reduce((sum, [name, each]) => (name === key ? sum : sum + each.length), 0);
        if (this.isStorageFull || others + text.length > MAX_STORAGE_BYTES) throw new Error('setStorageSync:fail exceed storage max size 10Mb');
        this.storage.set(key, text);
      },
      removeStorageSync: (key) => { this.storage.delete(key); },
    };
  }

  private connect({ url, protocols, header }: WechatMiniprogram.ConnectSocketOption): WechatMiniprogram.SocketTask {
    const told = <A extends unknown[]>(listener: (...all: A) => void) => (...all: A) => this.run(() => listener(...all));
    const isTooMany = this.sockets.size >= MAX_SOCKETS;
    const cannot = isTooMany || this.isOffline || this.isCutOff;
    // where it cannot connect, it connects to nobody
    const socket = new WebSocket(cannot ? 'ws://127.0.0.1:1' : url, protocols, { headers: header as Record<string, string> });
    socket.on('error', () => {});
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    const task = {
      send: ({ data, success, fail }: WechatMiniprogram.SocketTaskSendOption) => {
        if (socket.readyState !== WebSocket.OPEN) return fail?.({ errMsg: 'sendSocketMessage:fail SocketTask.readyState is not OPEN' });
        socket.send(data);
        return success?.({ errMsg: 'sendSocketMessage:ok' });
      },
      close: ({ code, reason }: WechatMiniprogram.SocketTaskCloseOption) => socket.close(code ?? 1000, reason),
      onOpen: (listener: WechatMiniprogram.OnOpenCallback) => void socket.on('open', told(() => listener({ header: {}, profile: {} as never }))),
      onMessage: (listener: WechatMiniprogram.SocketTaskOnMessageCallback) => void socket.on('message', told((data) => listener({ data: String(data) }))),
      onError: (listener: (error: Failure) => void) => void socket.on('error', told((error) => listener({ errMsg: error.message }))),
      onClose: (listener: WechatMiniprogram.SocketTaskOnCloseCallback) => void socket.on('close', told((code, reason) => listener({ code, reason: String(reason) }))),
    };
    return task as unknown as WechatMiniprogram.SocketTask;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return text;
  }
}
