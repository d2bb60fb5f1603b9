// breaking.mjs refuses what breaks a client of the schema before, and lets everything else pass.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const BEFORE = `
type Query {
  me: User
  sessions(first: Int, after: String): [Session!]!
}
type Mutation {
  logout(scope: Scope! = CURRENT): Int!
  update(input: UpdateInput!): User
}
type User { "The name." nickname: String }
type Session { ipPrefix: String isCurrent: Boolean! }
input UpdateInput { nickname: String locale: String }
enum Scope { CURRENT OTHERS }
union Event = User | Session
type Subscription { events: Event! }
scalar URL
`;

const folder = await mkdtemp(join(tmpdir(), 'schema-'));
const before = join(folder, 'before.graphql');
const changed = join(folder, 'changed.graphql');
await writeFile(before, BEFORE);
after(() => rm(folder, { recursive: true }));

/* Compares the schema with what it is after a change. */
async function compare(found, replacement) {
  assert.ok(BEFORE.includes(found));
  await writeFile(changed, BEFORE.replace(found, replacement));
  const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'breaking.mjs'), before, changed], { encoding: 'utf8' });
  return { isRefused: status !== 0, stderr };
}

for (const [what, found, replacement, path] of [
  ['a field that is gone', 'ipPrefix: String', '', 'Session.ipPrefix'],
  ['a field of another name', 'ipPrefix: String', 'network: String', 'Session.ipPrefix'],
  ['a field that may be null now', 'isCurrent: Boolean!', 'isCurrent: Boolean', 'Session.isCurrent'],
  ['a field of another type', 'isCurrent: Boolean!', 'isCurrent: String!', 'Session.isCurrent'],
  ['a list with gaps', '[Session!]!', '[Session]!', 'Query.sessions'],
  ['an argument that must be there now', 'first: Int', 'first: Int!', 'Query.sessions.first'],
  ['an argument that is gone', 'first: Int, ', '', 'Query.sessions.first'],
  ['a new argument that must be there', 'first: Int', 'first: Int, last: Int!', 'Query.sessions.last'],
  ['a field of an input that must be there now', 'locale: String', 'locale: String!', 'UpdateInput.locale'],
  ['a field of an input that is narrower now', 'locale: String', 'locale: Scope', 'UpdateInput.locale'],
  ['a value of an enum that is gone', 'CURRENT OTHERS', 'CURRENT', 'Scope.OTHERS'],
  ['a member of a union that is gone', 'User | Session', 'User', 'Event'],
  ['a type that is gone', 'scalar URL', '', 'URL'],
]) {
  test(`${what} is refused`, async () => {
    const { isRefused, stderr } = await compare(found, replacement);
    assert.ok(isRefused);
    assert.ok(stderr.includes(`breaking: ${path}: `), stderr);
  });
}

for (const [what, found, replacement] of [
  ['nothing', '', ''],
  ['a new field', 'ipPrefix: String', 'ipPrefix: String country: String'],
  ['a field that is never null now', 'ipPrefix: String', 'ipPrefix: String!'],
  ['a new argument that may be left out', 'first: Int', 'first: Int, last: Int'],
  ['a field that is deprecated', 'ipPrefix: String', 'ipPrefix: String @deprecated(reason: "nobody reads it")'],
  ['another description', '"The name."', '"What the user is called."'],
]) {
  test(`${what} passes`, async () => {
    const { isRefused, stderr } = await compare(found, replacement);
    assert.ok(!isRefused, stderr);
  });
}
