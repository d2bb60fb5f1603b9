// Writes src/generated from the server's own files: the error codes from the table in src/error.rs, the types from
// schema.graphql. Usage: node tools/generate.mjs [--write]; without it, fails where a file is not what it would write.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorTypes } from './error_types.mjs';
import { schemaTypes } from './schema_types.mjs';

const client = join(import.meta.dirname, '..');
const server = join(client, '..');
const read = (...path) => readFile(join(...path), 'utf8').catch(() => '');

const files = {
  'errors.ts': errorTypes(await read(server, 'src/error.rs')),
  'schema.ts': schemaTypes(await read(server, 'schema.graphql')),
};

for (const [name, text] of Object.entries(files)) {
  const path = join(client, 'src/generated', name);
  if (process.argv[2] === '--write') {
    await writeFile(path, text);
  } else if (await read(path) !== text) {
    console.error(`client: src/generated/${name} is stale; run \`npm run generate\``);
    process.exitCode = 1;
  }
}
if (!process.exitCode) console.log(`client: ${Object.keys(files).join(' and ')} are those of the server`);
