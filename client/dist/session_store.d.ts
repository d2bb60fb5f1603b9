import type { Adapter } from './adapter.js';
import type { Times } from './clock.js';
export interface Session extends Times {
    token: string;
    /** The refresh token. */
    refresh: string;
    /** How many logouts came before. What is on its way across a logout is not saved, and does not log in again. */
    era: number;
}
export declare function createSessionStore({ storage }: Adapter, key: string): {
    /** How many logouts there were. */
    era: number;
    /** The newest session. Where the storage was cleared, memory decides. */
    read(): Promise<Session | undefined>;
    /** Saves tokens before they are used, unless they are of before a logout, or follow others than the current ones. */
    save(session: Session, follows?: Session | undefined): Promise<Session>;
    /** Forgets a session that ended. Answers whether that is news. */
    end(session: Session): Promise<boolean>;
    /** Forgets the session because the person leaves. */
    leave(): Promise<void>;
};
export type SessionStore = ReturnType<typeof createSessionStore>;
