import type { Adapter } from './adapter.js';
import type { Ask } from './server.js';
import type { Session, SessionStore } from './session_store.js';
import type { Options, SessionEnd, User } from './types.js';
export declare function createSessions(ask: Ask, store: SessionStore, adapter: Adapter, { appId, device }: Options): {
    renew: (refused?: Session, code?: unknown) => Promise<Session>;
    /** A session with a token that is good for a while. */
    current(): Promise<Session>;
    /** Forgets the tokens, whatever comes, and answers one to log out with. */
    leave(): Promise<Session | undefined>;
    /** The server ended a session. Answers whether there is none any more. */
    ended({ sid }: Session, reason: string): Promise<boolean>;
    /** What of it an app sees. */
    methods: {
        login: () => Promise<User>;
        refresh(): Promise<void>;
        onSessionEnd(listener: (end: SessionEnd) => void): () => boolean;
    };
};
export type Sessions = ReturnType<typeof createSessions>;
