// The server's routes.
import type { Adapter } from './adapter.js';
import { readAnswer, type Pick } from './answer.js';

/* The server has its own, shorter ones for what it does; WeChat's minute is long to look at. */
const TIMEOUT_MS = 20_000;

/* What a document of the client's own asks for. GraphQL promises it; of a proxy's answer, nobody does. */
const pickIt: Pick = ({ data }) => (Object(data) as { it?: unknown }).it;

export function createServer(adapter: Adapter, endpoint: string) {
  /* Calls wx's request or upload, once. */
  async function send<T>(call: 'request' | 'upload', path: string, token: string | undefined, pick: Pick, more: object): Promise<T> {
    const header = token ? { Authorization: `Bearer ${token}` } : {};
    const options = Object.assign({ url: endpoint + path, header }, more);
    const { data } = await adapter[call]!(options as never);
    return readAnswer(data, pick);
  }

  const ask = <T>(query: string, variables: unknown, token?: string, pick = pickIt): Promise<T> =>
    send('request', '/graphql', token, pick, { method: 'POST', data: { query, variables }, timeout: TIMEOUT_MS });

  const sendPicture = (filePath: string, token: string): Promise<string> =>
    send('upload', '/api/avatar', token, ({ avatarUrl }) => avatarUrl, { filePath, name: 'file' });

  return [ask, sendPicture] as const;
}

export type Ask = ReturnType<typeof createServer>[0];
