// What the compiler lets pass, and what not: checked by `npm run check`, never run.
import { createAccount, type AccountError, type ErrorAction, type Schema, type User } from '../src/index.js';
import type { ActionOf, ServerCode } from '../src/generated/errors.js';

/* As graphql-codegen writes it with `documentMode: 'string'`. */
interface DocumentTypeDecoration<TResult, TVariables> {
  __apiType?: (variables: TVariables) => TResult;
}
class TypedDocumentString<TResult, TVariables> extends String implements DocumentTypeDecoration<TResult, TVariables> {
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(_holds?: T) => {};

const account = createAccount({ endpoint: 'https://account.example.com' });
const USER = new TypedDocumentString<{ user: { nickname: string | null } | null }, { id: string }>('query ($id: ID!) { user(id: $id) { nickname } }');

export async function request() {
  const answer = await account.request(USER, { id: 'x' });
  is<Equal<typeof answer, { user: { nickname: string | null } | null }>>();
  // @ts-expect-error the variable is a text
  await account.request(USER, { id: 5 });
  // @ts-expect-error the variable has another name
  await account.request(USER, { uid: 'x' });
  const plain = await account.request<{ me: User }>('{ me { id } }');
  is<Equal<typeof plain, { me: User }>>();
  const unknown = await account.request('{ me { id } }', { any: 1 });
  is<Equal<typeof unknown, unknown>>();
}

export function subscribe() {
  const EVENTS = new TypedDocumentString<{ accountEvents: { __typename: string } }, { [key: string]: never }>('subscription { accountEvents { __typename } }');
  const stop = account.subscribe(EVENTS, undefined, { next: ({ accountEvents }) => accountEvents.__typename });
  is<Equal<typeof stop, () => void>>();
  // @ts-expect-error nothing of that name is asked for
  account.subscribe(EVENTS, {}, { next: ({ events }) => events });
}

export function errors(error: AccountError) {
  is<Equal<ActionOf[ServerCode], ErrorAction>>();
  is<Equal<ActionOf['RATE_LIMITED'], 'RETRY'>>();
  if (error.code === 'NETWORK' || error.code === 'PHONE_TAKEN' || error.code === 'ACCOUNT_SUSPENDED') return error.retryAfter?.toFixed();
  // @ts-expect-error there is no such code
  if (error.code === 'NO_SUCH_CODE') return error.message;
  switch (error.action) {
    case 'RELOGIN': case 'RETRY': case 'FIX': case 'GIVE_UP': case 'OPERATOR': return error.requestId;
    default: return error.action satisfies never;
  }
}

export function schema(user: Schema.User, input: Schema.UpdateProfileInput) {
  is<Equal<typeof user.nickname, string | null>>();
  is<Equal<typeof input.nickname, string | null | undefined>>();
  is<Equal<Schema.LogoutScope, 'ALL' | 'CURRENT' | 'OTHERS'>>();
  // @ts-expect-error a scope of another name
  void account.logout('NONE');
}
