// Compiles what a team writes against the built package, as ESM and as CommonJS, without WeChat's typings and with none of
// this folder's settings.
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const client = join(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'consumer-'));
const text = `import { createAccount, AccountError, type Schema } from 'miniaccount-client';
import { webAdapter } from 'miniaccount-client/web';
const account = createAccount({ endpoint: 'https://x', adapter: webAdapter({ login: async () => 'code' }) });
export const scope: Schema.LogoutScope = 'ALL';
export const code = (error: unknown) => error instanceof AccountError && error.code === 'NETWORK';
export const name: Promise<string | null> = account.me().then(({ nickname }) => nickname);
`;
try {
  await mkdir(join(folder, 'node_modules'));
  await symlink(client, join(folder, 'node_modules/miniaccount-client'));
  for (const name of ['esm.mts', 'cjs.cts']) await writeFile(join(folder, name), text);
  const compilerOptions = { strict: true, noEmit: true, module: 'nodenext', target: 'es2020', lib: ['es2020', 'dom'], types: [], preserveSymlinks: true };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  execFileSync(join(client, 'node_modules/.bin/tsc'), { cwd: folder, stdio: 'inherit' });
  console.log('client: the types are found by import and by require');
} finally {
  await rm(folder, { recursive: true });
}
