import type { Account, Options } from './types.js';
export declare function createAccount(options: Options): Account;
export { AccountError } from './error.js';
export type { ErrorAction, ErrorCode, ErrorMembers } from './error.js';
export type { Adapter, RequestOptions, Socket, UploadOptions } from './adapter.js';
export type { Account, Observer, Options, SessionEnd, TypedDocument, User } from './types.js';
export type * as Schema from './generated/schema.js';
