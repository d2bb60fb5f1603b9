// Generated from schema.graphql and our documents by `npm run generate`. Do not edit.
/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Why a session ended before it expired. */
export type SessionEndReason =
  /** The account was deleted. */
  | 'DELETED'
  /** The user had too many sessions, and this one was the oldest. */
  | 'EVICTED'
  /** The client of the session logged out, or another client of the user logged out all sessions. */
  | 'LOGGED_OUT'
  /** The account was merged into another one. Log in again. */
  | 'MERGED'
  /** A new login from the same device replaced it. */
  | 'REPLACED'
  /** A refresh token was used again after its successor had been used: it may have been stolen. */
  | 'REUSED'
  /** Another session of the user, or an operator, revoked it. */
  | 'REVOKED'
  /** An operator suspended the account. */
  | 'SUSPENDED'
  /** The identity that opened the session was unlinked from the account. */
  | 'UNLINKED';

/** Changes to the caller's profile. An omitted field stays as it is; `null` clears a field. */
export type UpdateProfileInput = {
  /**
   * URL of a picture: `https`, at most 512 bytes, without user name and password. The URL of the caller's own
   * uploaded picture changes nothing; any other URL, and `null`, delete that picture.
   */
  avatarUrl?: string | null | undefined;
  /** The language as a BCP 47 tag such as `zh-CN`. */
  locale?: string | null | undefined;
  /**
   * Any JSON of the client, which replaces the earlier value as a whole: at most 8 KiB (UTF-8, without whitespace),
   * 16 levels of objects and lists, and 1,000 keys in total.
   */
  metadata?: unknown;
  /** The user's name: 1 to 32 characters on one line. `微信用户`, the name WeChat gives to every user, counts as no name. */
  nickname?: string | null | undefined;
};

/** The kind of a user error. */
export type UserErrorCode =
  /** The value is blank. To clear it, send `null`. */
  | 'BLANK'
  /** The value did not pass the content check. */
  | 'CONTENT_REFUSED'
  /** The identity belongs to another account. `mergeAccounts` can merge the two accounts with `mergeTicket`. */
  | 'IDENTITY_TAKEN'
  /** The value has the wrong format, or contains characters that are not allowed. */
  | 'INVALID'
  /** The phone code is invalid, has expired, was used, or belongs to another user: get a new one. */
  | 'INVALID_PHONE_CODE'
  /** The identity is the last one of the account. */
  | 'LAST_IDENTITY'
  /** One of the accounts is suspended, or will be deleted. */
  | 'NOT_ACTIVE'
  /** The object does not exist, has ended, or belongs to another user. */
  | 'NOT_FOUND'
  /** The phone number belongs to another account. */
  | 'PHONE_TAKEN'
  /** The phone number is not available right now: try again later. */
  | 'PHONE_UNAVAILABLE'
  /** The ticket is unknown, was used, or has expired. */
  | 'TICKET_USED'
  /** The value is nested too deep. */
  | 'TOO_DEEP'
  /** The value is too long. */
  | 'TOO_LONG'
  /** The value has too many keys. */
  | 'TOO_MANY_KEYS'
  /** The code belongs to another person than the caller. */
  | 'WRONG_PERSON';

export type ProfileFragment = { id: string, nickname: string | null, locale: string | null, updatedAt: string | null } & { ' $fragmentName'?: 'ProfileFragment' };

export type DeviceFragment = { id: string, deviceName: string | null, userAgent: string | null, ipPrefix: string | null, isCurrent: boolean, lastUsedAt: string } & { ' $fragmentName'?: 'DeviceFragment' };

export type MeQueryVariables = Exact<{ [key: string]: never; }>;


export type MeQuery = { me: (
    { sessions: { totalCount: number, nodes: Array<{ ' $fragmentRefs'?: { 'DeviceFragment': DeviceFragment } }> } | null }
    & { ' $fragmentRefs'?: { 'ProfileFragment': ProfileFragment } }
  ) | null };

export type UpdateProfileMutationVariables = Exact<{
  input: UpdateProfileInput;
}>;


export type UpdateProfileMutation = { updateProfile: { user: { ' $fragmentRefs'?: { 'ProfileFragment': ProfileFragment } } | null, userErrors: Array<{ code: UserErrorCode, field: Array<string> | null, message: string }> } };

export type RevokeSessionMutationVariables = Exact<{
  id: string;
}>;


export type RevokeSessionMutation = { revokeSession: { session: { id: string } | null, userErrors: Array<{ code: UserErrorCode, message: string }> } };

export type AccountEventsSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type AccountEventsSubscription = { accountEvents:
    | { __typename: 'SessionEndedEvent', sessionId: string, reason: SessionEndReason, isCurrent: boolean }
    | { __typename: 'ProfileChangedEvent', user: { ' $fragmentRefs'?: { 'ProfileFragment': ProfileFragment } } }
   };

export const ProfileFragmentDoc = {"kind":"Document","definitions":[]} as unknown as DocumentNode<ProfileFragment, unknown>;
export const DeviceFragmentDoc = {"kind":"Document","definitions":[]} as unknown as DocumentNode<DeviceFragment, unknown>;
export const MeDocument = {"kind":"Document","documentId":"sha256:35c9d426d66666c7468c6abddbceb2740420d79c506dde0e44e3e7835319aa0a","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Me"},"selectionSet":{"kind":"SelectionSet","selections":[]}}]} as unknown as DocumentNode<MeQuery, MeQueryVariables>;
export const UpdateProfileDocument = {"kind":"Document","documentId":"sha256:2073f4673419c04e22a5b759dfd179debad4c458ab726fe8a6415e9199689246","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"UpdateProfile"},"selectionSet":{"kind":"SelectionSet","selections":[]}}]} as unknown as DocumentNode<UpdateProfileMutation, UpdateProfileMutationVariables>;
export const RevokeSessionDocument = {"kind":"Document","documentId":"sha256:962442d591cf2a163ba73db339d8c07e361879fa0105c7ba2a4e048711014552","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RevokeSession"},"selectionSet":{"kind":"SelectionSet","selections":[]}}]} as unknown as DocumentNode<RevokeSessionMutation, RevokeSessionMutationVariables>;
export const AccountEventsDocument = {"kind":"Document","documentId":"sha256:4d2d7b91ce0e4ccc813146fdb692e082f10b03f83c70b656857fc9f26ca0cf7f","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"AccountEvents"},"selectionSet":{"kind":"SelectionSet","selections":[]}}]} as unknown as DocumentNode<AccountEventsSubscription, AccountEventsSubscriptionVariables>;