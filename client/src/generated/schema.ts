// Generated from schema.graphql by `npm run generate`. Do not edit.

/** An event of the caller's account. */
export type AccountEvent =
  | SessionEndedEvent
  | ProfileChangedEvent;

/** The result of binding a phone number. */
export interface BindPhoneNumberPayload {
  __typename?: 'BindPhoneNumberPayload';
  /** The caller with the phone number; `null` if there are errors. */
  user: User | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** The result of cancelling the deletion of the account. */
export interface CancelAccountDeletionPayload {
  __typename?: 'CancelAccountDeletionPayload';
  /** The caller after the change. */
  user: User | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** A point in time as an RFC 3339 timestamp in UTC with milliseconds, such as `2026-01-31T08:00:00.000Z`. */
export type DateTime = string;

/** Data that WeChat encrypted or signed: either `encryptedData` and `iv`, or `rawData` and `signature`. */
export interface DecryptWechatDataInput {
  /** `encryptedData` of WeChat's result, in base64. */
  encryptedData?: string | null;
  /** `iv` of the same result, in base64. */
  iv?: string | null;
  /** `rawData` of WeChat's result: the unchanged JSON text. */
  rawData?: string | null;
  /** `signature` of the same result: SHA-1 in hex. */
  signature?: string | null;
}

/** The result of decrypting or verifying WeChat's data. */
export interface DecryptWechatDataPayload {
  __typename?: 'DecryptWechatDataPayload';
  /** The decrypted or verified data. */
  data: JSON | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** The result of requesting the deletion of the account. */
export interface DeleteAccountPayload {
  __typename?: 'DeleteAccountPayload';
  /** When the account will be deleted; `null` if there are errors. */
  deletesAt: DateTime | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** The device that the client runs on. */
export interface DeviceInput {
  /**
   * A permanent id that the client chose for the device, at most 64 characters. A new login from the same device
   * ends the device's earlier session.
   */
  id?: string | null;
  /** A name for people to read, at most 64 characters. The list of sessions shows it. */
  name?: string | null;
}

/** The identity of a user in one mini program. Clients cannot read WeChat's id of the user. */
export interface Identity {
  __typename?: 'Identity';
  /** Appid of the mini program. */
  appId: string;
  /** When the user first logged in there. */
  createdAt: DateTime;
  /** Global id. */
  id: string;
}

/**
 * Any JSON value (RFC 8259): an object, a list, a string, a number, `true` or `false`. A document may contain it as a
 * literal or as a variable. If a key occurs twice in an object, the last value counts. Integers from -2⁶³ to 2⁶⁴-1
 * are exact; other numbers have the precision of IEEE 754 with 64 bits.
 */
export type JSON = unknown;

/** The result of linking an identity. */
export interface LinkIdentityPayload {
  __typename?: 'LinkIdentityPayload';
  /** The identity that was linked; `null` if there are errors. */
  identity: Identity | null;
  /** With the error `IDENTITY_TAKEN`: the ticket for `mergeAccounts`. It is a secret, valid once, for ten minutes. */
  mergeTicket: string | null;
  /** The caller. */
  user: User | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** The result of a login. */
export interface LoginPayload {
  __typename?: 'LoginPayload';
  /** When the access token expires. */
  expiresAt: DateTime;
  /** Whether this login created the account. */
  isNewUser: boolean;
  /** When the refresh token and the session expire. */
  refreshExpiresAt: DateTime;
  /** Refresh token. Clients exchange it for a new pair of tokens before it expires. */
  refreshToken: string;
  /** The session. */
  session: Session;
  /** Access token. Clients send it with each request as `Authorization: Bearer …`. */
  token: string;
  /** The user. */
  user: User;
  /** Errors to show to the user: why the phone number was not bound. The login succeeded nevertheless. */
  userErrors: Array<UserError>;
}

/** The result of a logout. */
export interface LogoutPayload {
  __typename?: 'LogoutPayload';
  /** Number of sessions that it ended: 0 if all had ended already. */
  endedSessions: number;
}

/** The sessions that a logout ends. */
export type LogoutScope =
  | 'ALL'
  | 'CURRENT'
  | 'OTHERS';

/** The result of merging two accounts. */
export interface MergeAccountsPayload {
  __typename?: 'MergeAccountsPayload';
  /** The merged account; `null` if there are errors. */
  user: User | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** Changes accounts. */
export interface Mutation {
  __typename?: 'Mutation';
  /** Binds a phone number to the caller's account, in place of an earlier one. A phone number belongs to one account. */
  bindPhoneNumber: BindPhoneNumberPayload;
  /** Cancels the deletion of the caller's account. It is not an error if none was requested. */
  cancelAccountDeletion: CancelAccountDeletionPayload;
  /**
   * Decrypts or verifies data of WeChat with the session key of the caller's login. The result has the fields that
   * WeChat documents, without WeChat's ids of the user.
   */
  decryptWechatData: DecryptWechatDataPayload;
  /**
   * Requests the deletion of the caller's account. Until `deletesAt` the account works, and the caller may cancel.
   * Within a minute after that, all of its data is deleted. A repeated request does not postpone the deletion.
   */
  deleteAccount: DeleteAccountPayload;
  /**
   * Links another identity to the caller's account: of another mini program, or of another WeChat account. If the
   * identity belongs to another account, nothing changes, the error is `IDENTITY_TAKEN`, and `mergeAccounts` can
   * merge the two accounts with `mergeTicket`.
   */
  linkIdentity: LinkIdentityPayload;
  /**
   * Logs in with a code from `wx.login`. The first login of a user creates the account. No access token is needed;
   * an invalid one is ignored.
   */
  login: LoginPayload;
  /** Logs out. It is not an error if the session has ended already. */
  logout: LogoutPayload;
  /**
   * Merges two accounts. The older one remains, with its id. It takes over the identities of the newer one, and the
   * parts of the profile that it lacks. All sessions of the newer one end: if it is the caller's, the client must
   * log in again.
   */
  mergeAccounts: MergeAccountsPayload;
  /**
   * Exchanges a refresh token for a new pair of tokens. The old refresh token gets the same pair again for ten
   * seconds, and after that for as long as neither new token has been used, so that a client may retry after a lost
   * response. Any later use of the old refresh token ends the session.
   */
  refreshSession: RefreshSessionPayload;
  /** Ends one of the caller's sessions. */
  revokeSession: RevokeSessionPayload;
  /** Removes the caller's phone number. It is not an error if they have none. */
  unbindPhoneNumber: UnbindPhoneNumberPayload;
  /**
   * Unlinks an identity from the caller's account, unless it is the last one. The sessions that it opened end,
   * including the caller's own. Its next login creates a new account.
   */
  unlinkIdentity: UnlinkIdentityPayload;
  /** Changes the caller's profile. */
  updateProfile: UpdateProfilePayload;
}

/** Arguments of `Mutation.bindPhoneNumber`. */
export interface MutationBindPhoneNumberArgs {
  /** The code of the `getPhoneNumber` button. It is valid once, for five minutes. */
  code: string;
}

/** Arguments of `Mutation.decryptWechatData`. */
export interface MutationDecryptWechatDataArgs {
  /** The data to decrypt or verify. */
  input: DecryptWechatDataInput;
}

/** Arguments of `Mutation.deleteAccount`. */
export interface MutationDeleteAccountArgs {
  /** A code from `wx.login` in the mini program of the session, not used by any login. It proves who the caller is: if it belongs to another person, the error is `WRONG_PERSON`. */
  code: string;
}

/** Arguments of `Mutation.linkIdentity`. */
export interface MutationLinkIdentityArgs {
  /** Appid of the mini program of the code. If omitted or empty, the default one. */
  appId?: string | null;
  /** A code from `wx.login`, not used by any login. */
  code: string;
}

/** Arguments of `Mutation.login`. */
export interface MutationLoginArgs {
  /** Appid of the mini program. If omitted or empty, the default one. */
  appId?: string | null;
  /** The code from `wx.login`. It is valid once, for five minutes. It may be empty in WeChat cloud hosting, where the platform identifies the user. */
  code: string;
  /** Whether a user without an account gets one. If `false`, the error for such a user is `ACCOUNT_NOT_FOUND`. */
  createUser?: boolean;
  /** The device that the client runs on. */
  device?: DeviceInput | null;
  /** A code of the `getPhoneNumber` button. Its phone number is bound to the account. If this fails, the login succeeds nevertheless, and `userErrors` has the reason. */
  phoneCode?: string | null;
}

/** Arguments of `Mutation.logout`. */
export interface MutationLogoutArgs {
  /** The sessions to end. */
  scope?: LogoutScope;
}

/** Arguments of `Mutation.mergeAccounts`. */
export interface MutationMergeAccountsArgs {
  /** The `mergeTicket` that `linkIdentity` returned. */
  ticket: string;
}

/** Arguments of `Mutation.refreshSession`. */
export interface MutationRefreshSessionArgs {
  /** The latest refresh token of the session. */
  refreshToken: string;
}

/** Arguments of `Mutation.revokeSession`. */
export interface MutationRevokeSessionArgs {
  /** Global id of the session. */
  sessionId: string;
}

/** Arguments of `Mutation.unlinkIdentity`. */
export interface MutationUnlinkIdentityArgs {
  /** Global id of the identity. */
  identityId: string;
}

/** Arguments of `Mutation.updateProfile`. */
export interface MutationUpdateProfileArgs {
  /** The changes. */
  input: UpdateProfileInput;
}

/** An object with a global id. */
export type Node =
  | Identity
  | Session
  | User;

/** The position of a page in its list. */
export interface PageInfo {
  __typename?: 'PageInfo';
  /** Cursor of the last item of the page. */
  endCursor: string | null;
  /** Whether more items follow. Always `false` with `last`. */
  hasNextPage: boolean;
  /** Whether more items precede. Always `false` without `last`. */
  hasPreviousPage: boolean;
  /** Cursor of the first item of the page. */
  startCursor: string | null;
}

/** The caller's profile changed. */
export interface ProfileChangedEvent {
  __typename?: 'ProfileChangedEvent';
  /** The caller after the change. */
  user: User;
}

/** Reads accounts. */
export interface Query {
  __typename?: 'Query';
  /**
   * All stored data of the caller: profile, identities, live and ended sessions (the newest 300), with their times.
   * WeChat's ids of the caller, keys and tokens are not included.
   */
  accountExport: JSON;
  /** The caller. Without a valid session: `null`, and the error `UNAUTHENTICATED`. */
  me: User | null;
  /**
   * The object with this id: a user, a session of the caller, or an identity of the caller. The caller must be
   * signed in. `null` if no object has this id, or if it is a session or an identity of another user.
   */
  node: Node | null;
  /** Information about the server. */
  serverInfo: ServerInfo;
  /** A user. The caller must be signed in. `null` if no user has this id. */
  user: User | null;
  /**
   * The users with these ids, in the same order. The caller must be signed in. An item is `null` if no user has its
   * id.
   */
  users: Array<User | null>;
}

/** Arguments of `Query.node`. */
export interface QueryNodeArgs {
  /** Global id of the object. */
  id: string;
}

/** Arguments of `Query.user`. */
export interface QueryUserArgs {
  /** Global id of the user. */
  id: string;
}

/** Arguments of `Query.users`. */
export interface QueryUsersArgs {
  /** Global ids of the users, at most 100. */
  ids: Array<string>;
}

/** A session with a new pair of tokens. */
export interface RefreshSessionPayload {
  __typename?: 'RefreshSessionPayload';
  /** When the access token expires. */
  expiresAt: DateTime;
  /** When the refresh token and the session expire. */
  refreshExpiresAt: DateTime;
  /** Refresh token. It replaces the one that was sent. */
  refreshToken: string;
  /** The session. */
  session: Session;
  /** Access token. Clients send it with each request as `Authorization: Bearer …`. */
  token: string;
  /** The user. */
  user: User;
}

/** The result of revoking a session. */
export interface RevokeSessionPayload {
  __typename?: 'RevokeSessionPayload';
  /** The session that was revoked; `null` if there are errors. */
  session: Session | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** Which accounts a user may read. */
export type Role =
  | 'ADMIN'
  | 'USER';

/** Information about the server. */
export interface ServerInfo {
  __typename?: 'ServerInfo';
  /** Whether the built-in emulator replaces WeChat. If so, codes such as `emulator:alice` log in. */
  emulator: boolean;
  /** The server's current time, for clients whose clock is wrong. */
  time: DateTime;
  /** The server's version (Semantic Versioning). */
  version: string;
}

/** A session: the user's login on one device. */
export interface Session {
  __typename?: 'Session';
  /** When the user logged in. */
  createdAt: DateTime;
  /** Name of the device, as the client gave it at login. */
  deviceName: string | null;
  /** When the session expires, unless it is refreshed. */
  expiresAt: DateTime;
  /** Global id. */
  id: string;
  /** Network from which the user logged in, such as `203.0.113.0/24`; never the full IP address. */
  ipPrefix: string | null;
  /** Whether this is the session of the request. */
  isCurrent: boolean;
  /** When the session was last used, accurate to about one minute. */
  lastUsedAt: DateTime;
  /** `User-Agent` of the client at login. */
  userAgent: string | null;
}

/** A page of a user's sessions, newest first. */
export interface SessionConnection {
  __typename?: 'SessionConnection';
  /** The sessions of the page with their cursors. */
  edges: Array<SessionEdge>;
  /** The sessions of the page. */
  nodes: Array<Session>;
  /** The position of the page in the list. */
  pageInfo: PageInfo;
  /** Number of sessions in the whole list. */
  totalCount: number;
}

/** A session and its cursor. */
export interface SessionEdge {
  __typename?: 'SessionEdge';
  /** Position in the list. */
  cursor: string;
  /** The session. */
  node: Session;
}

/** Why a session ended before it expired. */
export type SessionEndReason =
  | 'DELETED'
  | 'EVICTED'
  | 'LOGGED_OUT'
  | 'MERGED'
  | 'REPLACED'
  | 'REUSED'
  | 'REVOKED'
  | 'SUSPENDED'
  | 'UNLINKED';

/** A session of the caller ended before it expired. */
export interface SessionEndedEvent {
  __typename?: 'SessionEndedEvent';
  /** Whether it is the session of this subscription. If so, no event follows, and the server closes the connection. */
  isCurrent: boolean;
  /** Why it ended. */
  reason: SessionEndReason;
  /** Global id of the session. */
  sessionId: string;
}

/** Reports changes of accounts. Subscriptions run over a WebSocket with the protocol `graphql-transport-ws`. */
export interface Subscription {
  __typename?: 'Subscription';
  /**
   * Reports each later event of the caller's account within one second, on whichever server it occurs. Profile
   * changes in quick succession may be reported as one event. The subscription completes when the caller's own
   * session ends.
   */
  accountEvents: AccountEvent;
}

/** An absolute URL. In input it must be `https`. */
export type URL = string;

/** The result of unbinding a phone number. */
export interface UnbindPhoneNumberPayload {
  __typename?: 'UnbindPhoneNumberPayload';
  /** The caller without a phone number. */
  user: User | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** The result of unlinking an identity. */
export interface UnlinkIdentityPayload {
  __typename?: 'UnlinkIdentityPayload';
  /** The caller; `null` if there are errors. */
  user: User | null;
  /** Errors to show to the user. */
  userErrors: Array<UserError>;
}

/** Changes to the caller's profile. An omitted field stays as it is; `null` clears a field. */
export interface UpdateProfileInput {
  /**
   * URL of a picture: `https`, at most 512 bytes, without user name and password. The URL of the caller's own
   * uploaded picture changes nothing; any other URL, and `null`, delete that picture.
   */
  avatarUrl?: string | null;
  /** The language as a BCP 47 tag such as `zh-CN`. */
  locale?: string | null;
  /**
   * Any JSON of the client, which replaces the earlier value as a whole: at most 8 KiB (UTF-8, without whitespace),
   * 16 levels of objects and lists, and 1,000 keys in total.
   */
  metadata?: JSON | null;
  /** The user's name: 1 to 32 characters on one line. `微信用户`, the name WeChat gives to every user, counts as no name. */
  nickname?: string | null;
}

/** The result of a change to the profile. */
export interface UpdateProfilePayload {
  __typename?: 'UpdateProfilePayload';
  /** The caller after the change; `null` if there are errors, because then nothing changed. */
  user: User | null;
  /** Errors to show to the user: one for each invalid field. */
  userErrors: Array<UserError>;
}

/**
 * An account. Every signed-in caller may read `id`, `nickname` and `avatarUrl`. Only the user and administrators may
 * read the other fields.
 */
export interface User {
  __typename?: 'User';
  /** URL of the user's picture; `null` until there is one. */
  avatarUrl: URL | null;
  /** When the account was created. Only for the user and administrators. */
  createdAt: DateTime;
  /**
   * When the account will be deleted; `null` unless the deletion was requested. Only for the user and
   * administrators.
   */
  deletesAt: DateTime | null;
  /** Global id. */
  id: string;
  /** The identities of the user in mini programs, oldest first. Only for the user and administrators. */
  identities: Array<Identity> | null;
  /** When the user last logged in. Only for the user and administrators. */
  lastLoginAt: DateTime | null;
  /** The user's language as a BCP 47 tag such as `zh-CN`. Only for the user and administrators. */
  locale: string | null;
  /**
   * JSON that the user's client stored with the account; `null` if there is none. Only for the user and
   * administrators.
   */
  metadata: JSON | null;
  /** The name the user chose; `null` until they choose one. */
  nickname: string | null;
  /** The user's phone number in E.164 format, such as `+8613800000000`. Only for the user and administrators. */
  phoneNumber: string | null;
  /** The user's role. Only for the user and administrators. */
  role: Role | null;
  /** The user's sessions, newest first. Only for the user and administrators. */
  sessions: SessionConnection | null;
  /** Whether the account may be used. Only for the user and administrators. */
  status: UserStatus | null;
  /** When the profile last changed. Only for the user and administrators. */
  updatedAt: DateTime | null;
}

/** Arguments of `User.sessions`. */
export interface UserSessionsArgs {
  /** Cursor: return only sessions after it. */
  after?: string | null;
  /** Cursor: return only sessions before it. */
  before?: string | null;
  /** How many sessions to return from the start of the list, or after `after`; at most 100. */
  first?: number | null;
  /** How many sessions to return from the end of the list, or before `before`; at most 100. */
  last?: number | null;
}

/** An error to show to the user. */
export interface UserError {
  __typename?: 'UserError';
  /** The kind of the error, for programs. */
  code: UserErrorCode;
  /** Path of the argument that caused it. */
  field: Array<string> | null;
  /** A sentence for the user. */
  message: string;
}

/** The kind of a user error. */
export type UserErrorCode =
  | 'BLANK'
  | 'CONTENT_REFUSED'
  | 'IDENTITY_TAKEN'
  | 'INVALID'
  | 'INVALID_PHONE_CODE'
  | 'LAST_IDENTITY'
  | 'NOT_ACTIVE'
  | 'NOT_FOUND'
  | 'PHONE_TAKEN'
  | 'PHONE_UNAVAILABLE'
  | 'TICKET_USED'
  | 'TOO_DEEP'
  | 'TOO_LONG'
  | 'TOO_MANY_KEYS'
  | 'WRONG_PERSON';

/** Whether an account may be used. */
export type UserStatus =
  | 'ACTIVE'
  | 'DELETING'
  | 'SUSPENDED';
