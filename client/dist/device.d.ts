import type { Adapter } from './adapter.js';
export declare function createDeviceId({ storage }: Adapter): () => Promise<unknown>;
