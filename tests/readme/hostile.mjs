// Responses of proxies and gateways in place of the server's.
import { once } from 'node:events';
import { createServer } from 'node:http';

const HTML = '<html><body><h1>502 Bad Gateway</h1></body></html>';
const html = (status) => [status, 'text/html', HTML];
const json = (body, status = 200) => [status, 'application/json', JSON.stringify(body)];

/* Status, media type and body; or an action on the connection. */
export const responses = {
  'a page with 502': html(502),
  'a page with 200': html(200),
  'an empty 404': [404, undefined, ''],
  'an empty 200': [200, 'application/json', ''],
  '204': [204, undefined, ''],
  'an incomplete body': [200, 'application/json', '{"data":{"me":'],
  'null': json(null),
  'a number': json(5),
  'a text': json('ok'),
  'a list': json([]),
  'an empty object': json({}),
  'a gateway\'s error': json({ timestamp: 1, status: 502, error: 'Bad Gateway', path: '/graphql' }, 502),
  'a gateway\'s code': json({ code: 'RATE_LIMITED', message: 'slow down' }, 429),
  'errors that are not a list': json({ errors: 'no' }),
  'no errors': json({ errors: [] }),
  'a null error': json({ errors: [null] }),
  'an error without a code': json({ errors: [{ message: 'no' }], data: null }),
  'an error that is a text': json({ error: { message: 'no' } }, 500),
  'no data': json({ data: null }),
  'data that is a text': json({ data: 'no', token: '' }),
  'a closed connection': (request) => request.socket.destroy(),
  'no response': () => {},
};

/* A server with one response to all requests. */
export async function startHostile(answer) {
  const server = createServer((request, response) => {
    if (typeof answer === 'function') return answer(request);
    const [status, kind, body] = answer;
    response.writeHead(status, kind && { 'Content-Type': kind });
    return response.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}
