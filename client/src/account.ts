// The account: what an app calls, on top of one session.
import type { Adapter } from './adapter.js';
import { pickData, type Pick } from './answer.js';
import { BIND_PHONE, LOGOUT, ME } from './documents.js';
import { RELOGIN, failure } from './error.js';
import type { BindPhoneNumberPayload } from './generated/schema.js';
import { retry } from './retry.js';
import { createServer } from './server.js';
import { createSessionStore } from './session_store.js';
import { createSessions } from './sessions.js';
import { createSubscriptions } from './subscriptions.js';
import type { Account, Options } from './types.js';

export function createAccountOn(adapter: Adapter, options: Options): Account {
  const { endpoint } = options;
  const [send, sendPicture] = createServer(adapter, endpoint);
  // tokens are for one server alone, and a mini program may talk to one for tests as well
  const store = createSessionStore(adapter, `miniaccount ${endpoint}`);
  const sessions = createSessions(send, store, adapter, options);
  const [subscribe, endAll] = createSubscriptions(adapter, endpoint, sessions);

  /* Sends with a token, and again with another one where the server wants a login; logs in once at most. */
  async function signedIn<T>(send: (token: string) => Promise<T>): Promise<T> {
    const first = await sessions.current();
    let session = first;
    return retry(() => send(session.token), async ({ action, code }) => {
      if (code === 'ACCOUNT_SUSPENDED') await sessions.end(session, code);
      // INVALID_CODE, CODE_USED: a code of `wx.login` in the request is used up, and the same request fails again
      if (action !== RELOGIN || /CODE/.test(code) || session.sid !== first.sid) return false;
      session = await sessions.renew(session, session === first && code);
      return true;
    });
  }

  const ask = <T>(document: unknown, variables?: unknown, pick?: Pick): Promise<T> =>
    signedIn((token) => send<T>(`${document}`, variables, token, pick));

  return Object.assign(sessions.methods, {
    subscribe,
    me: () => ask(ME),
    request: (document, variables) => ask(document, variables, pickData),
    uploadAvatar: (path) => signedIn((token) => sendPicture(path, token)),

    async logout(scope = 'CURRENT') {
      if (scope === 'OTHERS') return void await ask(LOGOUT, { s: scope });
      endAll();
      try {
        const session = await sessions.leave();
        if (session) await retry(() => send(LOGOUT, { s: scope }, session.token));
      } catch (error) {
        // here it is done; that the sessions elsewhere live on is worth a word
        if (scope === 'ALL') throw error;
      }
    },

    async bindPhone({ detail: { code, errMsg } }) {
      if (!code) throw failure('CANCELLED', 'GIVE_UP', errMsg);
      const { user, userErrors: [error] } = await ask<BindPhoneNumberPayload>(BIND_PHONE, { c: code });
      if (user) return user;
      // the code is used up, whatever it was: the person presses the button again
      throw failure(error.code, 'FIX', error.message);
    },
  } as Omit<Account, keyof typeof sessions.methods>);
}
