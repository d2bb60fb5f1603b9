// Writes src/generated from the server's schema.graphql and from our documents: types, documents that consist of their
// id, and the manifest of all texts by id, for the server's TRUSTED_DOCUMENTS.
// Usage: node tools/generate.mjs [--write]; without it, fails where a file is not what it would write.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { buildSchema, parse, validate } from 'graphql';

const here = join(import.meta.dirname, '..');
const read = (path) => readFile(join(here, path), 'utf8');
const output = 'src/generated/';
const title = '// Generated from schema.graphql and our documents by `npm run generate`. Do not edit.\n';

const source = 'src/documents.graphql';
const rawSDL = await read(source);
const document = parse(rawSDL);
const sdl = await read('../../schema.graphql');
// the preset reads a field that the schema lacks as `any`
const errors = validate(buildSchema(sdl), document);
if (errors.length > 0) {
  console.error(errors.map(({ message, locations: [{ line }] }) => `web: ${source}:${line}: ${message}`).join('\n'));
  process.exit(1);
}

const sections = await preset.buildGeneratesSection({
  baseOutputDir: output,
  schema: parse(sdl),
  documents: [{ location: source, document, rawSDL }],
  config: { useTypeImports: true, scalars: { ID: 'string', DateTime: 'string', URL: 'string', JSON: 'unknown' } },
  presetConfig: {
    persistedDocuments: { mode: 'replaceDocumentWithHash' },
    fragmentMasking: { unmaskFunctionName: 'readFragment' },
  },
  plugins: [], pluginMap: {}, pluginContext: {}, documentTransforms: [],
});
const generated = new Map();
for (const section of sections) generated.set(section.filename.slice(output.length), await codegen(section));

/* A page has no use for the text of a document, nor for that of a fragment: urql takes the id in `documentId`, and looks
   at the kind of the operation, in development at least. */
const withoutTexts = (code) => code
  .replaceAll(/(\w+)Document = \{"__meta__":\{"hash":("[^"]+")\}\}/g, (_, name, id) => {
    const { operation } = document.definitions.find((each) => each.kind === 'OperationDefinition' && each.name.value === name);
    const selectionSet = { kind: 'SelectionSet', selections: [] };
    const head = { kind: 'OperationDefinition', operation, name: { kind: 'Name', value: name }, selectionSet };
    return `${name}Document = {"kind":"Document","documentId":${id},"definitions":${JSON.stringify([head])}}`;
  })
  .replaceAll(/(FragmentDoc = \{"kind":"Document","definitions":)\[.*\]\} as/g, '$1[]} as');

const manifest = JSON.parse(generated.get('persisted-documents.json'));
// the client sends some by itself
const { operations } = JSON.parse(await read('node_modules/miniaccount-client/dist/documents.json'));
for (const { id, body } of operations) manifest[`sha256:${id}`] = body;

const files = {
  'graphql.ts': title + withoutTexts(generated.get('graphql.ts')),
  'fragment-masking.ts': title + generated.get('fragment-masking.ts'),
  'persisted-documents.json': `${JSON.stringify(manifest, null, 2)}\n`,
};
await mkdir(join(here, output), { recursive: true });
for (const [name, text] of Object.entries(files)) {
  if (process.argv[2] === '--write') {
    await writeFile(join(here, output, name), text);
  } else if (await read(output + name).catch(() => '') !== text) {
    console.error(`web: ${output}${name} is stale; run \`npm run generate\``);
    process.exitCode = 1;
  }
}
if (!process.exitCode) console.log(`web: ${Object.keys(manifest).length} documents fit the schema`);
