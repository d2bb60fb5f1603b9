// Bundles the tests and runs them against the server that MINIACCOUNT_BIN names. Usage: node tools/test.mjs [PATTERN]
import { spawnSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

process.chdir(join(import.meta.dirname, '..'));
const pattern = process.argv[2] ?? '';
const tests = (await readdir('test')).filter((name) => name.endsWith('.test.ts') && name.includes(pattern));
await rm('build', { recursive: true, force: true });
await build({
  entryPoints: tests.map((name) => `test/${name}`),
  outdir: 'build', outExtension: { '.js': '.mjs' }, bundle: true, packages: 'external', platform: 'node', format: 'esm', target: 'node20', sourcemap: 'inline',
});
const files = tests.map((name) => join('build', name.replace('.ts', '.mjs')));
const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', '--test-concurrency=1', ...files], { stdio: 'inherit' });
process.exit(status ?? 1);
