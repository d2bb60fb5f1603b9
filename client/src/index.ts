// The package's main entry: the client on WeChat's `wx`, or on any other adapter.
import { createAccountOn } from './account.js';
import type { Account, Options } from './types.js';
import { wxAdapter } from './wx.js';

export function createAccount(options: Options): Account {
  return createAccountOn(options.adapter || wxAdapter(), options);
}

export { AccountError } from './error.js';
export type { ErrorAction, ErrorCode, ErrorMembers } from './error.js';
export type { Adapter, RequestOptions, Socket, UploadOptions } from './adapter.js';
export type { Account, Observer, Options, SessionEnd, TypedDocument, User } from './types.js';
export type * as Schema from './generated/schema.js';
