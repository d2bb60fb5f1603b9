// Runs the public audits of GraphQL over HTTP. Usage: node audit.mjs URL-OF-/graphql, or node audit.mjs BINARY, which
// starts the server.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serverAudits } from 'graphql-http';
import { startServer } from '../server.mjs';

// the number of audits, so that a version of the package with fewer of them fails
const COUNT = 61;

async function audit(url) {
  const results = [];
  for (const { fn } of serverAudits({ url, fetchFn: fetch })) results.push(await fn());
  const failed = results.filter(({ status }) => status !== 'ok');
  for (const { status, id, name, reason } of failed) console.error(`audit ${id} (${status}): ${name}: ${reason}`);
  console.log(`audits: ${results.length - failed.length} of ${results.length} ok`);
  return failed.length === 0 && results.length === COUNT;
}

async function auditBinary(binary) {
  const folder = await mkdtemp(join(tmpdir(), 'audits-'));
  const server = await startServer(binary, folder);
  try {
    return await audit(`${server.url}/graphql`);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

const target = process.argv[2];
if (!target) throw new Error('usage: node audit.mjs URL-OF-/graphql or BINARY');
const ok = await (/^https?:/.test(target) ? audit(target) : auditBinary(target));
process.exit(ok ? 0 : 1);
