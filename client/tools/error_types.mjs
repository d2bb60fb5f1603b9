// The codes and actions of the server's table of errors, as types.
import assert from 'node:assert/strict';

const TABLE = /^error_table! \{\n(.*?)^\}/ms;
const ROW = /^ {4}(\w+) = "(\w+)", (\w+), \d+,/gm;
const ACTION = /Self::(\w+) => "(\w+)"/g;

export function errorTypes(source) {
  const table = TABLE.exec(source);
  assert.ok(table, 'src/error.rs has no error_table!');
  const [, names] = /fn as_str\(self\)[^{]*\{\s*match self \{(.*?)\}/s.exec(source);
  const actions = new Map([...names.matchAll(ACTION)].map(([, variant, name]) => [variant, name]));
  const rows = [...table[1].matchAll(ROW)].map(([, , code, action]) => ({ code, action: actions.get(action) }));
  assert.equal(rows.length, table[1].split('\n').filter((line) => line.includes(' = "')).length, 'every row of the table is read');
  assert.ok(rows.length > 0 && rows.every(({ action }) => action), 'every action has a name');
  const lines = (members) => members.map((member) => `  | '${member}'`).join('\n');
  return `// Generated from the server's table of errors by \`npm run generate\`. Do not edit.

/** What a client does next. */
export type ServerAction =
${lines([...actions.values()])};

/** Every code of the server's errors. */
export type ServerCode =
${lines(rows.map(({ code }) => code))};

/** The action of each code. */
export interface ActionOf {
${rows.map(({ code, action }) => `  ${code}: '${action}';`).join('\n')}
}
`;
}
