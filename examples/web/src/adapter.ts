// The web adapter, with ids in place of documents, and with an ear for the connection of subscriptions.
import type { Adapter } from 'miniaccount-client';
import { webAdapter } from 'miniaccount-client/web';

type Sent = { documentId: string } | { query: string };

/* A server in development may know other documents, or none: it gets the texts. The build leaves this branch out. */
const texts: Record<string, string> | undefined = import.meta.env.DEV
  ? (await import('./generated/persisted-documents.json')).default
  : undefined;

/* Our documents consist of their id. */
const isId = (document: string) => document.startsWith('sha256:');

const sent = (id: string): Sent => (texts ? { query: texts[id] ?? id } : { documentId: id });

/* Those that miniaccount-client sends by itself are texts. A page has `crypto.subtle` on https and on localhost. */
async function idOf(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return `sha256:${[...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

interface Options {
  /** A new code at each call. */
  login(): Promise<string>;
  /** Tells when events arrive from now on, and when no longer. */
  onConnection(isOpen: boolean): void;
}

export function pageAdapter({ login, onConnection }: Options): Adapter {
  const web = webAdapter({ login });
  return {
    ...web,
    async request(options) {
      const { query, variables } = options.data as { query: string; variables: unknown };
      const id = isId(query) || texts ? query : await idOf(query);
      return web.request({ ...options, data: { ...sent(id), variables } });
    },
    async socket(options) {
      const socket = await web.socket!(options);
      return {
        ...socket,
        send({ data }) {
          const { payload, ...message } = JSON.parse(data);
          const { query, ...others } = payload ?? {};
          socket.send({ data: JSON.stringify({ ...message, payload: query ? { ...others, ...sent(query) } : payload }) });
          if (message.type === 'subscribe') onConnection(true);
        },
        onClose: (listener) => socket.onClose((event) => {
          onConnection(false);
          listener(event);
        }),
      };
    },
  };
}
