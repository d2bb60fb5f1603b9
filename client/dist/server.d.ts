import type { Adapter } from './adapter.js';
import { type Pick } from './answer.js';
export declare function createServer(adapter: Adapter, endpoint: string): readonly [<T>(query: string, variables: unknown, token?: string, pick?: Pick) => Promise<T>, (filePath: string, token: string) => Promise<string>];
export type Ask = ReturnType<typeof createServer>[0];
