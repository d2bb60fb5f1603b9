// `npm run check` refuses generated files that are stale, and documents that the server does not know.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';

const root = join(import.meta.dirname, '..');
let folder;
let copy;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'documents-'));
  copy = join(folder, 'examples/web');
  await cp(join(root, '../../schema.graphql'), join(folder, 'schema.graphql'));
  for (const name of ['src', 'tools', 'package.json']) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => rm(folder, { recursive: true }));

const generate = (...options) => new Promise((done) => {
  execFile(process.execPath, [join(copy, 'tools/generate.mjs'), ...options], (error, stdout, stderr) => done({ isFine: !error, stderr }));
});

async function replace(path, before, after) {
  const text = await readFile(path, 'utf8');
  assert.ok(text.includes(before), `${path} has ${before}`);
  await writeFile(path, text.replace(before, after));
}

test('what is checked in is what would be generated', async () => {
  assert.deepEqual(await generate(), { isFine: true, stderr: '' });
});

test('a document that was changed is refused until everything is generated again', async () => {
  await replace(join(copy, 'src/documents.graphql'), '  updatedAt\n', '  updatedAt\n  createdAt\n');
  const { isFine, stderr } = await generate();
  assert.equal(isFine, false);
  for (const name of ['graphql.ts', 'persisted-documents.json']) assert.ok(stderr.includes(`src/generated/${name} is stale`));
  assert.equal((await generate('--write')).isFine, true);
  assert.equal((await generate()).isFine, true);
});

test('a manifest that was changed is refused', async () => {
  await replace(join(copy, 'src/generated/persisted-documents.json'), 'nickname', 'phoneNumber');
  assert.equal((await generate()).isFine, false);
});

test('a field that the schema lost is named with its line', async () => {
  await replace(join(folder, 'schema.graphql'), '  ipPrefix: String\n', '  network: String\n');
  const { isFine, stderr } = await generate();
  assert.equal(isFine, false);
  assert.match(stderr, /src\/documents\.graphql:\d+: Cannot query field "ipPrefix" on type "Session"/);
});

test('a type that the schema changed makes the types stale', async () => {
  await replace(join(folder, 'schema.graphql'), '  ipPrefix: String\n', '  ipPrefix: String!\n');
  const { isFine, stderr } = await generate();
  assert.equal(isFine, false);
  assert.match(stderr, /graphql\.ts is stale/);
});
