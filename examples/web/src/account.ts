// The account client, which has the tokens, and urql, which sends everything through it.
import { Client, subscriptionExchange, type CombinedError, type DocumentInput } from '@urql/core';
import { AccountError, createAccount } from 'miniaccount-client';
import { pageAdapter } from './adapter';
import { deviceName } from './device_name';

const endpoint: string = import.meta.env.VITE_ENDPOINT || location.origin;

/* The code that the person gives. Where there is none, a request without a session fails instead of logging in. */
let code: string | undefined;
let connectionListener = (_isOpen: boolean) => {};

export const account = createAccount({
  endpoint,
  device: { name: deviceName() },
  adapter: pageAdapter({
    async login() {
      if (code) return code;
      throw new AccountError({ code: 'CANCELLED', action: 'GIVE_UP', message: 'Nobody is signed in.' });
    },
    onConnection: (isOpen) => connectionListener(isOpen),
  }),
});

export function onConnection(listener: (isOpen: boolean) => void): void {
  connectionListener = listener;
}

export async function signIn(chosen: string): Promise<void> {
  code = chosen;
  try {
    await account.login();
  } finally {
    code = undefined;
  }
}

type Data = Record<string, unknown>;

/* urql's own exchange for other transports is all that it takes: the client refreshes, retries and reconnects. */
const accountExchange = subscriptionExchange({
  enableAllOperations: true,
  forwardSubscription: ({ variables }, { kind, query }) => ({
    subscribe(observer) {
      const { documentId: document } = query as { documentId: string };
      if (kind === 'subscription') {
        // one that is over is not to be ended again: its connection may be closing
        const over = (then: () => void) => {
          end = () => {};
          then();
        };
        let end = account.subscribe<Data>(document, variables, {
          next: (data) => observer.next({ data }),
          error: (error) => over(() => observer.error(error)),
          complete: () => over(() => observer.complete()),
        });
        return { unsubscribe: () => end() };
      }
      account.request<Data>(document, variables).then((data) => {
        observer.next({ data });
        observer.complete();
      }, (error) => observer.error(error));
      return { unsubscribe() {} };
    },
  }),
});

const client = new Client({ url: endpoint, exchanges: [accountExchange], preferGetMethod: false });

/* urql wraps what the exchange fails with. */
const unwrap = ({ networkError }: CombinedError) => networkError as AccountError;

type Variables = Record<string, unknown>;

/** The data of a query or mutation. Rejects with an AccountError. */
export async function ask<T, V extends Variables>(
  kind: 'query' | 'mutation',
  document: DocumentInput<T, V>,
  variables: V,
): Promise<T> {
  const { data, error } = await client[kind](document, variables as never).toPromise();
  if (error) throw unwrap(error);
  return data!;
}

/** Listens until the function that it returns is called, the session ends, or an error comes. */
export function listen<T, V extends Variables>(
  document: DocumentInput<T, V>,
  variables: V,
  onEvent: (data: T) => void,
  onError: (error: AccountError) => void,
): () => void {
  const events = client.subscription(document, variables as never);
  return events.subscribe(({ data, error }) => (error ? onError(unwrap(error)) : onEvent(data!))).unsubscribe;
}
