// Keeps one session alive: logs in where there is none, exchanges its tokens before they expire, notices its end.
import type { Adapter } from './adapter.js';
import { timesOf } from './clock.js';
import { createDeviceId } from './device.js';
import { LOGIN, REFRESH } from './documents.js';
import { RELOGIN, RETRY, type AccountError } from './error.js';
import { retry } from './retry.js';
import type { Ask } from './server.js';
import type { Session, SessionStore } from './session_store.js';
import { singleFlight } from './single_flight.js';
import type { Options, SessionEnd, User } from './types.js';

const UNAUTHENTICATED = 'UNAUTHENTICATED';

interface Issued {
  token: string;
  refreshToken: string;
  /** A login's. */
  user: User;
}

export function createSessions(ask: Ask, store: SessionStore, adapter: Adapter, { appId, device }: Options) {
  const deviceId = createDeviceId(adapter);
  const listeners = new Set<(end: SessionEnd) => void>();

  /* Asks for tokens and saves them; after those of a session, or in place of whatever there is. */
  async function issue(
    send: () => Promise<Issued>,
    follows?: Session,
    recover?: (error: AccountError, tries: number) => boolean,
  ): Promise<[Session, User]> {
    const { era } = store;
    const { token, refreshToken, user } = await retry(send, recover);
    return [await store.save(Object.assign(timesOf(token), { token, refresh: refreshToken, era }), follows), user];
  }

  const logIn = singleFlight(() => issue(async () => {
    // always a new code: one that a login failed with may be used up
    const { code } = await adapter.login();
    return ask<Issued>(LOGIN, { c: code, a: appId, d: Object.assign({ id: await deviceId() }, device) });
  }, undefined, ({ action }, tries) => action === RELOGIN && tries < 2));

  const exchange = singleFlight((session: Session) => issue(() => ask<Issued>(REFRESH, { t: session.refresh }), session));

  async function end(session: Session, reason = 'INVALID'): Promise<void> {
    if (!await store.end(session) || reason === 'EXPIRED') return;
    // what a listener throws is not the request's; `ACCOUNT_SUSPENDED` is `SUSPENDED` among the reasons
    listeners.forEach((listener) => setTimeout(listener, 0, { reason: reason.replace('ACCOUNT_', '') }));
  }

  /**
   * Another session in place of none, of one that is due, or of one that the server refused with a code: what another
   * page or tab has meanwhile, or what the refresh token gives, or a login.
   */
  async function renew(refused?: Session, code: unknown = UNAUTHENTICATED): Promise<Session> {
    const latest = await store.read();
    if (refused && latest) {
      if (latest !== refused) return latest;
      try {
        if (code === UNAUTHENTICATED) return (await exchange(latest))[0];
      } catch (error) {
        const { action, code: why, reason = why } = error as AccountError;
        if (action !== RETRY) await end(latest, reason);
        if (action !== RELOGIN) throw error;
      }
    }
    // the person logged out meanwhile: what was on its way ends with the session, and logs nobody in
    if (refused && refused.era !== store.era) return refused;
    return (await logIn())[0];
  }

  return {
    end,
    renew,

    /** A session with a token that is good for a while. */
    async current(): Promise<Session> {
      const session = await store.read();
      return session && Date.now() < session.due ? session : renew(session);
    },

    /** Forgets the tokens, whatever comes, and answers one to log out with. */
    async leave(): Promise<Session | undefined> {
      const session = await store.read();
      await store.leave();
      return session && Date.now() > session.due ? (await exchange(session))[0] : session;
    },

    /** The server ended a session. Answers whether there is none any more. */
    async ended({ sid }: Session, reason?: string): Promise<boolean> {
      const latest = await store.read();
      if (latest && latest.sid === sid) await end(latest, reason);
      return !await store.read();
    },

    /** What of it an app sees. */
    methods: {
      login: async () => (await logIn())[1],

      async refresh() {
        await renew(await store.read());
      },

      onSessionEnd(listener: (end: SessionEnd) => void) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
}

export type Sessions = ReturnType<typeof createSessions>;
