import { type AccountError } from './error.js';
/** Waits, and a little longer by chance: clients that failed together do not come back together. */
export declare const pause: (seconds: number) => Promise<void>;
/**
 * Makes up to three attempts. After a failed one, `recover` may change what the next one does; otherwise only `RETRY`
 * leads to one. Whatever an attempt throws comes out as an AccountError.
 */
export declare function retry<T>(attempt: () => T | Promise<T>, recover?: (error: AccountError, tries: number) => Promise<boolean> | boolean): Promise<T>;
