// Fails if a change breaks clients of an earlier schema. Usage: node breaking.mjs OLD.graphql NEW.graphql
import { readFileSync } from 'node:fs';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [before, after] = process.argv.slice(2).map((path) => buildSchema(readFileSync(path, 'utf8')));
const changes = await diff(before, after);
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
for (const { message, path } of breaking) console.error(`breaking: ${path}: ${message}`);
console.log(`schema: ${changes.length} changes, ${breaking.length} of them breaking`);
process.exit(breaking.length === 0 ? 0 : 1);
