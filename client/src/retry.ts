// Tries again what another try may mend, and stops.
import { RETRY, toAccountError, type AccountError } from './error.js';

const MAX_TRIES = 3;
/* Where the error does not tell. In the background nothing gets through, but there the app soon stands still, waits too. */
const DEFAULT_WAIT_S = 2;
/* A longer wait is the caller's, who can tell the person. */
const MAX_WAIT_S = 10;

/** Waits, and a little longer by chance: clients that failed together do not come back together. */
export const pause = (seconds: number): Promise<void> =>
  new Promise((resolve) => { setTimeout(resolve, seconds * (1000 + Math.random() * 250)); });

/**
 * Makes up to three attempts. After a failed one, `recover` may change what the next one does; otherwise only `RETRY`
 * leads to one. Whatever an attempt throws comes out as an AccountError.
 */
export async function retry<T>(
  attempt: () => T | Promise<T>,
  recover?: (error: AccountError, tries: number) => Promise<boolean> | boolean,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (thrown) {
      const error = toAccountError(thrown);
      const wait = error.retryAfter || tries * DEFAULT_WAIT_S;
      if (tries === MAX_TRIES) throw error;
      if (!recover || !await recover(error, tries)) {
        if (error.action !== RETRY || wait > MAX_WAIT_S) throw error;
        await pause(wait);
      }
    }
  }
}
