// The tokens: in memory for this run, in the storage for the next. Another page or tab may use the same storage.
import type { Adapter } from './adapter.js';
import type { Times } from './clock.js';

export interface Session extends Times {
  token: string;
  /** The refresh token. */
  refresh: string;
  /** How many logouts came before. What is on its way across a logout is not saved, and does not log in again. */
  era: number;
}

export function createSessionStore({ storage }: Adapter, key: string) {
  let current: Session | undefined;
  /* What the storage has of ours. Anything else in it is newer, by another page or tab. */
  let stored: unknown;

  async function write(session?: Session): Promise<void> {
    const text = JSON.stringify(session);
    current = session;
    try {
      await (session ? storage.set(key, text) : storage.remove(key));
      stored = text;
    } catch {
      // the storage is full; old tokens in it would end the session when the next start uses them
      if (session) {
        await write();
        current = session;
      }
    }
  }

  const store = {
    /** How many logouts there were. */
    era: 0,

    /** The newest session. Where the storage was cleared, memory decides. */
    async read(): Promise<Session | undefined> {
      const known = current;
      try {
        const text = await storage.get(key);
        // what was written while the storage was read is newer
        if (text !== stored && known === current) {
          const found = JSON.parse(text as string) as Session;
          if (found.refresh) current = Object.assign(found, { era: store.era });
          stored = text;
        }
      } catch {
        // nothing is there, or nothing of ours
      }
      return current;
    },

    /** Saves tokens before they are used, unless they are of before a logout, or follow others than the current ones. */
    async save(session: Session, follows = current): Promise<Session> {
      if (session.era === store.era && follows === current) await write(session);
      return session;
    },

    /** Forgets a session that ended. Answers whether that is news. */
    async end(session: Session): Promise<boolean> {
      if (session !== current) return false;
      await write();
      return true;
    },

    /** Forgets the session because the person leaves. */
    leave(): Promise<void> {
      store.era++;
      return write();
    },
  };
  return store;
}

export type SessionStore = ReturnType<typeof createSessionStore>;
