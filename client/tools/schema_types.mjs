// The types of a GraphQL schema in TypeScript.
import {
  buildSchema, isEnumType, isInputObjectType, isInterfaceType, isListType, isNonNullType, isObjectType, isScalarType,
  isSpecifiedScalarType, isUnionType,
} from 'graphql';

const SCALARS = { ID: 'string', String: 'string', Int: 'number', Float: 'number', Boolean: 'boolean', JSON: 'unknown' };

const comment = (text, indent = '') => {
  if (!text) return '';
  const lines = text.split('\n');
  if (lines.length === 1) return `${indent}/** ${text} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join('')}${indent} */\n`;
};

const named = (type) => (isScalarType(type) && isSpecifiedScalarType(type) ? SCALARS[type.name] : type.name);

function written(type) {
  if (!isNonNullType(type)) return `${required(type)} | null`;
  return required(type.ofType);
}

function required(type) {
  if (!isListType(type)) return named(type);
  return `Array<${written(type.ofType)}>`;
}

/* What may be left out: an argument or a field of an input that may be null, or has a default. */
const mayBeLeftOut = ({ type, defaultValue }) => !isNonNullType(type) || defaultValue !== undefined;

const members = (fields, { isInput = false } = {}) => Object.values(fields)
  .map((field) => `${comment(field.description, '  ')}  ${field.name}${isInput && mayBeLeftOut(field) ? '?' : ''}: ${written(field.type)};\n`)
  .join('');

const variants = (names) => names.map((name) => `\n  | ${name}`).join('');

function argumentsOf(type) {
  return Object.values(type.getFields()).filter(({ args }) => args.length > 0).map(({ name, args }) => {
    const title = `${type.name}${name[0].toUpperCase()}${name.slice(1)}Args`;
    return `/** Arguments of \`${type.name}.${name}\`. */\nexport interface ${title} {\n${members(args, { isInput: true })}}\n`;
  });
}

function declaration(type, schema) {
  const { name, description } = type;
  const head = comment(description);
  if (isScalarType(type)) return [`${head}export type ${name} = ${SCALARS[name] ?? 'string'};\n`];
  if (isEnumType(type)) return [`${head}export type ${name} =${variants(type.getValues().map((value) => `'${value.name}'`))};\n`];
  if (isUnionType(type)) return [`${head}export type ${name} =${variants(type.getTypes().map((each) => each.name))};\n`];
  if (isInterfaceType(type)) return [`${head}export type ${name} =${variants(schema.getPossibleTypes(type).map((each) => each.name))};\n`];
  const body = members(type.getFields(), { isInput: isInputObjectType(type) });
  const typename = isObjectType(type) ? `  __typename?: '${name}';\n` : '';
  return [`${head}export interface ${name} {\n${typename}${body}}\n`, ...(isObjectType(type) ? argumentsOf(type) : [])];
}

export function schemaTypes(sdl) {
  const schema = buildSchema(sdl);
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__') && !(name in SCALARS && name !== 'JSON'));
  types.sort((one, other) => (one.name < other.name ? -1 : 1));
  const title = '// Generated from schema.graphql by `npm run generate`. Do not edit.\n';
  return [title, ...types.flatMap((type) => declaration(type, schema))].join('\n');
}
