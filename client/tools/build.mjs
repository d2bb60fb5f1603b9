// Builds dist/: each entry as one file for require and one for import, types, and the documents that the client sends by
// itself, for servers that run registered ones alone.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'acorn';
import { bundle, documents } from './bundle.mjs';

process.chdir(join(import.meta.dirname, '..'));
await rm('dist', { recursive: true, force: true });
await mkdir('dist');
for (const config of ['tsconfig.json', 'tsconfig.web.json']) {
  execFileSync('node_modules/.bin/tsc', ['-p', config], { stdio: 'inherit' });
}
for (const entry of ['index', 'web']) {
  const { cjs, esm } = await bundle(entry);
  // a minifier may write what is newer than what it was told
  parse(cjs, { ecmaVersion: 2017 });
  await writeFile(`dist/${entry}.js`, cjs);
  await writeFile(`dist/${entry}.mjs`, esm);
  // import resolves types by its own suffix
  await writeFile(`dist/${entry}.d.mts`, `export * from './${entry}.js';\n`);
}
const operations = (await documents()).map((body) => ({
  id: createHash('sha256').update(body).digest('hex'),
  name: /it:(\w+)/.exec(body)[1],
  type: body.startsWith('mutation') ? 'mutation' : 'query',
  body,
}));
const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations };
await writeFile('dist/documents.json', `${JSON.stringify(manifest, null, 2)}\n`);
