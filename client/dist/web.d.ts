import type { Adapter } from './adapter.js';
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
/** Keeps what it is given until the program ends. */
export declare function memoryStorage(): Adapter['storage'];
export declare function webAdapter({ login, storage, WebSocket: Socket }: WebOptions): Adapter;
