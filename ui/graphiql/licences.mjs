// Prints the licences of GraphiQL and of what its bundle is made of: every package npm installed for it.
import { readFileSync, readdirSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
for (const [folder, { version, license }] of Object.entries(packages).filter(([folder]) => folder)) {
  const name = folder.replace(/^.*node_modules\//, '');
  console.log(`${'='.repeat(80)}\n${name} ${version}: ${license}\n`);
  const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (text) console.log(readFileSync(`${folder}/${text}`, 'utf8').replaceAll('\r\n', '\n').trim(), '\n');
}
