// The one error that the client throws.
import type { ServerAction, ServerCode } from './generated/errors.js';
import type { UserErrorCode } from './generated/schema.js';

/**
 * The server's codes, those that its payloads have for forms, and the client's own: `NETWORK` where no answer came,
 * `BAD_ANSWER` where something else than the server answered, `CANCELLED` where the person said no.
 */
export type ErrorCode = ServerCode | UserErrorCode | 'NETWORK' | 'BAD_ANSWER' | 'CANCELLED';
export type ErrorAction = ServerAction;

export interface ErrorMembers {
  code: ErrorCode;
  /** What a client does next; the only member that a program needs to look at. */
  action: ErrorAction;
  message: string;
  /** Finds the cause in the server's log. */
  requestId?: string;
  /** Seconds. */
  retryAfter?: number;
  /** Finer than the code, such as `EXPIRED`. */
  reason?: string;
  /** What an operation answered beside its errors. */
  data?: unknown;
}

export interface AccountError extends ErrorMembers {}

export class AccountError extends Error {
  constructor(members: ErrorMembers) {
    super(members.message);
    Object.assign(this, { name: 'AccountError' }, members);
  }
}

export const RELOGIN = 'RELOGIN';
export const RETRY = 'RETRY';

export const failure = (code: ErrorCode, action: ErrorAction, message: string = code): AccountError =>
  new AccountError({ code, action, message });

/** The error itself, or for what is none of ours, such as wx's `{ errMsg }`: nothing came back. */
export function toAccountError(error: any): AccountError {
  return error.action ? error : failure('NETWORK', RETRY, error.errMsg || error.message);
}
