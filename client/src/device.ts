// The id of the device, which is made once. A login with it replaces the device's earlier session.
import type { Adapter } from './adapter.js';

const KEY = 'miniaccount.device';

export function createDeviceId({ storage }: Adapter): () => Promise<unknown> {
  let id: unknown;
  return async () => {
    try {
      id = id || await storage.get(KEY) || `${Math.random()}${Date.now()}`;
      await storage.set(KEY, id as string);
    } catch {
      // the storage is full: the id is kept for this run
    }
    return id;
  };
}
