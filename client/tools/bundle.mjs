// Bundles an entry into one minified file, in the ES2017 that WeChat runs as it is.
import { join } from 'node:path';
import { build } from 'esbuild';
import { minify } from 'terser';

const EXPORTS = /export\{([^}]*)\};?\s*$/;

/* Members that neither leave the package nor go over the network nor into the storage: their names may be short. */
const INTERNAL = ['era', 'read', 'save', 'end', 'leave', 'renew', 'current', 'ended', 'methods'];

/** The text for import, and the text for require: the same, with its exports as properties. */
export async function bundle(entry) {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [join(import.meta.dirname, `../src/${entry}.ts`)],
    bundle: true, target: 'es2017', format: 'esm', legalComments: 'none', write: false, minifySyntax: true,
    mangleProps: new RegExp(`^(${INTERNAL.join('|')})$`),
  });
  const { code } = await minify(text, { module: true, ecma: 2017, compress: { passes: 6, unsafe_arrows: true, unsafe: true, pure_getters: true, keep_fargs: false } });
  const names = EXPORTS.exec(code)[1].split(',').map((name) => name.split(' as '));
  const assignments = names.map(([local, exported = local]) => `exports.${exported}=${local}`).join(',');
  return { esm: code, cjs: `${code.replace(EXPORTS, () => assignments)}` };
}

/** The texts of src/documents.ts. */
export async function documents() {
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [join(import.meta.dirname, '../src/documents.ts')], format: 'esm', write: false,
  });
  return Object.values(await import(`data:text/javascript,${encodeURIComponent(text)}`));
}
