// What an app sees of the client.
import type { AccountError } from './error.js';
import type * as Schema from './generated/schema.js';
import type { Adapter } from './adapter.js';

/** The caller, with what most pages show; a document of the app's own may ask for more. */
export type User = Pick<
  Schema.User,
  'id' | 'nickname' | 'avatarUrl' | 'phoneNumber' | 'deletesAt'
>;

/**
 * A document whose text says what it is asked with and answered by: graphql-codegen's `TypedDocumentString`
 * (`documentMode: 'string'`), or anything else with this member.
 */
export interface TypedDocument<T, V> {
  toString(): string;
  __apiType?: (variables: V) => T;
}

export interface Options {
  /** The origin of the server, such as `https://account.example.com`. */
  endpoint: string;
  /** The mini program, where the server has several; its default one otherwise. */
  appId?: string;
  /** A name of the device for people to read, at most 64 characters. */
  device?: { name?: string };
  /** What the client runs on; WeChat's `wx` otherwise. */
  adapter?: Adapter;
}

export interface Observer<T> {
  next(data: T): void;
  error?(error: AccountError): void;
  complete?(): void;
}

export interface Account {
  /** Logs in with a new code, even where there is a session. */
  login(): Promise<User>;
  me(): Promise<User>;
  /** Exchanges the tokens now. Requests do so by themselves before the tokens expire. */
  refresh(): Promise<void>;
  /** Ends the session, the others, or all. Without a network it forgets the tokens all the same. */
  logout(scope?: Schema.LogoutScope): Promise<void>;
  /** The data of an operation. Any top-level error rejects, with what there is of the data in `error.data`. */
  request<T = unknown, V = Record<string, unknown>>(document: string | TypedDocument<T, V>, variables?: V): Promise<T>;
  /** Uploads the picture of the `chooseAvatar` button, and answers its address. */
  uploadAvatar(path: string): Promise<string>;
  /** Binds the number of the `getPhoneNumber` button. `CANCELLED` where the person said no. */
  bindPhone(event: { detail: { code?: string; errMsg?: string } }): Promise<User>;
  /** Listens until the function that it returns is called, whatever becomes of the connection in between. */
  subscribe<T = unknown, V = Record<string, unknown>>(
    document: string | TypedDocument<T, V>,
    variables: V | undefined,
    observer: Observer<T>,
  ): () => void;
  /** Tells when the session was ended, but not by this client's own logout. */
  onSessionEnd(callback: (end: SessionEnd) => void): () => void;
}

export interface SessionEnd {
  /** `SessionEndReason` of the schema, or `INVALID` where the server does not know the session any more. */
  reason: string;
}
