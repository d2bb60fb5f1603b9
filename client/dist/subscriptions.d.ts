import type { Adapter } from './adapter.js';
import type { Sessions } from './sessions.js';
import type { Observer } from './types.js';
export declare function createSubscriptions({ socket: open }: Adapter, endpoint: string, sessions: Sessions): readonly [<T = unknown, V = Record<string, unknown>>(document: string | import("./types.js").TypedDocument<T, V>, variables: V | undefined, observer: Observer<T>) => () => void, (error?: unknown) => void];
