// The samples of a README.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const BLOCK = /^( *)```(\w+)\n(.*?)^ *```$/gms;

/* Removes comments, which are translated: the text after `//` or `#` and a space. */
const withoutComments = (text) => text.split('\n').map((line) => line.replace(/(^|\s)(\/\/|#).*$/, '').trimEnd())
  .filter((line) => line !== '').join('\n');

async function samplesOf(file) {
  const text = await readFile(file, 'utf8');
  return [...text.matchAll(BLOCK)].map(([, indent, kind, block]) => ({
    kind,
    text: block.split('\n').map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join('\n'),
  }));
}

/* The samples, which must be equal in both languages except for comments. */
export async function samples(file, translated) {
  const [samples, others] = [await samplesOf(file), await samplesOf(translated)];
  const bare = (all) => all.map(({ kind, text }) => `${kind}: ${withoutComments(text)}`);
  assert.deepEqual(bare(others), bare(samples), `${translated} has the samples of ${file}`);
  assert.ok(samples.length >= 10, `only ${samples.length} samples were found`);
  return samples.map((sample) => ({ ...sample, bare: withoutComments(sample.text) }));
}
