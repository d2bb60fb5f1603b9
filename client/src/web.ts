// An adapter for browsers and Node: fetch, WebSocket, and the storage of the page or memory.
import type { Adapter, Socket } from './adapter.js';

export interface WebOptions {
  /** A new code at each call, from wherever the page gets codes that the server takes. */
  login(): Promise<string>;
  /** Keeps tokens: the page's `localStorage` where it has one, else memory. */
  storage?: Adapter['storage'];
  /** Node has one since 22; before, `ws` is one. */
  WebSocket?: new (url: string, protocols: string[]) => WebSocketLike;
}

/** The part of the browser's WebSocket that is used. */
export interface WebSocketLike {
  send(data: string): void;
  close(code?: number): void;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
}

/* fetch has no time-out of its own. */
async function withTimeout<T>(milliseconds: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), milliseconds);
  try {
    return await run(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}

const UPLOAD_MS = 60_000;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Keeps what it is given until the program ends. */
export function memoryStorage(): Adapter['storage'] {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key),
    set: (key, value) => { values.set(key, value); },
    remove: (key) => { values.delete(key); },
  };
}

/* A browser may forbid even to look at it. */
function pageStorage(): Adapter['storage'] {
  try {
    const page = window.localStorage;
    page.getItem('');
    return {
      get: (key) => page.getItem(key),
      set: (key, value) => page.setItem(key, value),
      remove: (key) => page.removeItem(key),
    };
  } catch {
    return memoryStorage();
  }
}

/* A WebSocket with the methods of WeChat's SocketTask. */
function socketTask(socket: WebSocketLike): Socket {
  return {
    send: ({ data }) => socket.send(data),
    close: ({ code }) => socket.close(code),
    onOpen: (listener) => { socket.onopen = () => listener(); },
    onMessage: (listener) => { socket.onmessage = ({ data }: { data: unknown }) => listener({ data }); },
    onError: (listener) => { socket.onerror = () => listener(); },
    onClose: (listener) => { socket.onclose = ({ code, reason }: { code: number; reason: string }) => listener({ code, reason }); },
  };
}

export function webAdapter({ login, storage = pageStorage(), WebSocket: Socket }: WebOptions): Adapter {
  return {
    request: ({ url, method, header, data, timeout }) => withTimeout(timeout, async (signal) => {
      const headers = { 'Content-Type': 'application/json', ...header };
      const response = await fetch(url, { method, headers, body: JSON.stringify(data), signal });
      return { statusCode: response.status, data: parsed(await response.text()) };
    }),
    login: async () => ({ code: await login() }),
    // the path is one that the page can read: `blob:` or `data:`
    upload: ({ url, filePath, name, header }) => withTimeout(UPLOAD_MS, async (signal) => {
      const body = new FormData();
      body.append(name, await (await fetch(filePath)).blob(), 'picture');
      const response = await fetch(url, { method: 'POST', headers: header, body, signal });
      return { statusCode: response.status, data: await response.text() };
    }),
    socket: ({ url, protocols }) => socketTask(new (Socket || WebSocket)(url, protocols)),
    storage,
  };
}
