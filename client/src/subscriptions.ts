// Subscriptions: one connection for all of them, by graphql-transport-ws, opened for the first and closed after the last.
// A connection that is lost is made again, and nobody who listens notices.
import type { Adapter, Socket } from './adapter.js';
import { parse, pickData, readAnswer } from './answer.js';
import { RETRY, failure, toAccountError, type AccountError } from './error.js';
import { pause } from './retry.js';
import type { Sessions } from './sessions.js';
import type { Account, Observer } from './types.js';

const MAX_FAILURES = 3;
/* A connection that lived this long was none that failed. */
const LASTING_MS = 5000;
/* Phones lose connections without a word. A ping asks so often, and is to be answered before the next. */
const SILENCE_MS = 20_000;

type Operation = [payload: { query: string; variables: unknown }, observer: Observer<unknown>];
type Post = (type: string, id?: string, payload?: unknown) => void;
type Close = { code?: number; reason?: string };

export function createSubscriptions({ socket: open }: Adapter, endpoint: string, sessions: Sessions) {
  const operations = new Map<string, Operation>();
  let lastId = 0;
  let isRunning = false;
  /* Those of the connection; `post` once it is acknowledged. */
  let post: Post | undefined;
  let hangUp: (close?: Close) => void = () => {};

  function remove(id: string): Operation {
    const operation = operations.get(id)!;
    operations.delete(id);
    if (!operations.size) hangUp();
    return operation;
  }

  /* Ends an operation, as failed where there is an error. */
  function end(id: string, error?: unknown): void {
    const [, observer] = remove(id);
    if (!error) observer.complete && observer.complete();
    else observer.error && observer.error(error as AccountError);
  }

  // whoever is told may subscribe again, which does not end with the others
  const endAll = (error?: unknown) => [...operations.keys()].forEach((id) => { if (operations.has(id)) end(id, error); });

  /* One connection, until it is closed, with the close code and its reason. */
  const listen = (socket: Socket, token: string): Promise<Close> => new Promise((resolve) => {
    const send: Post = (type, id, payload) => socket.send({ data: JSON.stringify({ type, id, payload }) });
    let isAlive = true;
    const timer = setInterval(() => {
      if (!isAlive) hangUp();
      isAlive = false;
      if (post) post('ping');
    }, SILENCE_MS);
    // a connection that fails may tell so twice, or not close
    hangUp = (close = {}) => {
      clearInterval(timer);
      resolve(close);
      socket.close({});
    };
    // all may have left while it was being opened
    if (!operations.size) hangUp();
    socket.onOpen(() => send('connection_init', undefined, { token }));
    socket.onError(hangUp);
    socket.onClose(hangUp);
    socket.onMessage(({ data }) => {
      const { type, id, payload } = parse(data) as { type: string; id: string; payload?: unknown };
      isAlive = true;
      if (type === 'ping') send('pong');
      if (type === 'connection_ack') {
        post = send;
        operations.forEach(([payload], each) => send('subscribe', each, payload));
      }
      const operation = operations.get(id);
      // a server that stops completes them as well, and so does the end of a session: the close that follows tells which
      if (!operation || type === 'complete') return;
      let answer: unknown;
      try {
        answer = readAnswer(type === 'next' ? payload : { errors: payload }, pickData);
      } catch (error) {
        end(id, error);
        return;
      }
      operation[1].next(answer);
    });
  });

  /* Connects for as long as anybody listens. */
  async function run(): Promise<void> {
    let failures = 0;
    let failed: AccountError | undefined;
    isRunning = true;
    try {
      while (operations.size) {
        const session = await sessions.current();
        const options = { url: `${endpoint.replace('http', 'ws')}/graphql`, protocols: ['graphql-transport-ws'] };
        const socket = await open!(options);
        const since = Date.now();
        const { code, reason = '' } = await listen(socket, session.token);
        post = undefined;
        failures = Date.now() - since > LASTING_MS ? 1 : failures + 1;
        if (failures > MAX_FAILURES) throw failure('NETWORK', RETRY, reason);
        await pause(failures);
        if (code === 4403) await sessions.renew(session);
        // another page or tab may have logged in instead, and has saved its tokens by now
        if (code === 4401 && await sessions.ended(session, reason.split(': ')[1])) endAll();
      }
    } catch (error) {
      failed = toAccountError(error);
    }
    isRunning = false;
    endAll(failed);
  }

  const subscribe: Account['subscribe'] = (document, variables, observer) => {
    const id = `${++lastId}`;
    const payload = { query: `${document}`, variables };
    operations.set(id, [payload, observer as Observer<unknown>]);
    if (post) post('subscribe', id, payload);
    if (!isRunning) void run();
    return () => {
      if (post) post('complete', id);
      remove(id);
    };
  };

  return [subscribe, endAll] as const;
}
