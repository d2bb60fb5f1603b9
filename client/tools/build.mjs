// Builds dist/: each entry as one file for require and one for import, and types.
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';

process.chdir(join(import.meta.dirname, '..'));
await rm('dist', { recursive: true, force: true });
await mkdir('dist');
for (const config of ['tsconfig.json', 'tsconfig.web.json']) {
  execFileSync('node_modules/.bin/tsc', ['-p', config], { stdio: 'inherit' });
}
for (const entry of ['index', 'web']) {
  const { cjs, esm } = await bundle(entry);
  await writeFile(`dist/${entry}.js`, cjs);
  await writeFile(`dist/${entry}.mjs`, esm);
  // import resolves types by its own suffix
  await writeFile(`dist/${entry}.d.mts`, `export * from './${entry}.js';\n`);
}
