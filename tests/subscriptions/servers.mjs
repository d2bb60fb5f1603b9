// Two servers on one new database.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { startServer } from '../server.mjs';

/* A new database, and a function that removes it. */
async function newDatabase(folder) {
  const server = process.env.TEST_POSTGRES_URL;
  if (!server) return { url: `sqlite://${join(folder, 'shared.db')}?mode=rwc`, remove: async () => {} };
  const name = `miniaccount_test_${randomBytes(16).toString('hex')}`;
  const run = async (statement) => {
    const client = new pg.Client({ connectionString: server });
    await client.connect();
    await client.query(statement);
    await client.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = name;
  return { url: url.href, remove: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}

export async function startServers(binary, settings) {
  const folder = await mkdtemp(join(tmpdir(), 'subscriptions-'));
  const database = await newDatabase(folder);
  const key = randomBytes(32).toString('base64');
  const env = { LOG: 'warn', EMULATOR: 'true', ...settings, DATABASE_URL: database.url, SECRET_KEY: key };
  const servers = [];
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await database.remove();
    await rm(folder, { recursive: true });
  };
  try {
    await promisify(execFile)(resolve(binary), ['migrate'], { env, cwd: folder });
    for (const name of ['here', 'there']) servers.push(await startServer(binary, folder, { name, env }));
  } catch (error) {
    await stop();
    throw error;
  }
  return { servers, stop };
}
