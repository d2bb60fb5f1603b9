// Fails where the main entry is too big for what it does: a mini program counts every kilobyte, and without compression.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';

const LIMIT = 6 * 1024;

for (const file of ['index.js', 'index.mjs']) {
  const { size } = await stat(join(import.meta.dirname, '../dist', file));
  console.log(`client: dist/${file} has ${size} bytes, at most ${LIMIT}`);
  if (size > LIMIT) process.exitCode = 1;
}
