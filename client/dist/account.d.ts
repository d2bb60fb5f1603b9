import type { Adapter } from './adapter.js';
import type { Account, Options } from './types.js';
export declare function createAccountOn(adapter: Adapter, options: Options): Account;
