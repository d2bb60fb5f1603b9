/*
 * The explorer: sends GraphQL requests from a page of the server. It loads nothing from other hosts and needs no build
 * step. The input is stored in sessionStorage, which ends with the tab; a token is sent to this server alone.
 */
'use strict';

const isChinese = navigator.language.toLowerCase().startsWith('zh');
const say = (english, chinese) => (isChinese ? chinese : english);
const byId = (id) => document.getElementById(id);

const EXAMPLE_VARIABLES = '{ "code": "emulator:alice" }';
const EXAMPLE = `# ${say('Run Login, press "Use this token", then run Me.', '先运行 Login，点“使用此令牌”，再运行 Me。')}
mutation Login($code: String!) {
  login(code: $code) {
    token isNewUser
    user { id nickname }
    session { id expiresAt }
  }
}

query Me {
  me {
    id nickname avatarUrl createdAt
    sessions {
      totalCount
      nodes { id deviceName isCurrent lastUsedAt }
    }
  }
}
`;

// longer than the server's own timeout: after that the response is lost
const PATIENCE_SECONDS = 30;

let offeredToken = '';
let definitions = [];

/** An input that cannot be sent. The message is next to the field. */
class Refused extends Error {}

/* Throws in a browser without storage for pages; the explorer then works without it. */
function remember(id) {
  try { sessionStorage.setItem(`explorer.${id}`, byId(id).value); } catch { /* not stored */ }
}

function recall(id) {
  try { return sessionStorage.getItem(`explorer.${id}`); } catch { return null; }
}

/* Not a parser: it only fills the picker, and the server validates documents. */
function operations() {
  const text = byId('query').value;
  const found = [...text.matchAll(/(?:^|\})[ \t]*(query|mutation|subscription|fragment)[ \t]+(\w+)/gm)];
  return found
    .map(([, kind, name], i) => ({ kind, name, text: text.slice(found[i].index, found[i + 1]?.index) }))
    .filter(({ kind }) => kind !== 'fragment');
}

function offerOperations(wanted) {
  const [picker, all] = [byId('operation'), operations()];
  picker.replaceChildren(...all.map(({ name }) => new Option(name)));
  if (all.some(({ name }) => name === wanted)) picker.value = wanted;
  for (const element of [picker, ...picker.labels]) element.hidden = all.length < 2;
}

function refuse(field, message) {
  byId(`${field.id}-problem`).textContent = message;
  field.ariaInvalid = 'true';
  const details = field.closest('details');
  if (details) details.open = true;
  field.focus();
  throw new Refused(message);
}

function forgive(field) {
  byId(`${field.id}-problem`).textContent = '';
  field.ariaInvalid = 'false';
}

function readObject(field) {
  let value;
  try {
    value = JSON.parse(field.value.trim() || '{}');
  } catch (error) {
    refuse(field, say(`This is not JSON: ${error.message}`, `不是有效的 JSON：${error.message}`));
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? value : refuse(field, say('This must be a JSON object.', '必须是 JSON 对象。'));
}

function setHeader(headers, name, value, field) {
  try {
    headers.set(name, value);
  } catch {
    refuse(field, say(`This cannot be sent as the header “${name}”.`, `无法作为请求头“${name}”发送。`));
  }
}

function readHeaders() {
  const accept = 'application/graphql-response+json, application/json';
  const headers = new Headers({ 'content-type': 'application/json', accept });
  const [token, more] = [byId('token'), byId('headers')];
  const bearer = token.value.trim().replace(/^bearer\s+/i, '');
  if (bearer) setHeader(headers, 'authorization', `Bearer ${bearer}`, token);
  for (const [name, value] of Object.entries(readObject(more))) setHeader(headers, name, String(value), more);
  return headers;
}

function readRequest() {
  const query = byId('query').value;
  const operation = operations().find(({ name }) => name === byId('operation').value);
  const given = readObject(byId('variables'));
  // a document may contain operations without variables next to one with variables
  const variables = (operation?.text ?? query).includes('$') ? given : undefined;
  const body = JSON.stringify({ query, variables, operationName: operation?.name });
  return { method: 'POST', headers: readHeaders(), body };
}

function run() {
  if (byId('run').ariaDisabled === 'true') return;
  try {
    send(readRequest());
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

async function send(request) {
  const started = performance.now();
  // not `disabled`, because that would take the focus from the button
  byId('run').ariaDisabled = 'true';
  for (const id of ['status', 'problem', 'answer']) byId(id).textContent = '';
  offerToken('');
  try {
    const response = await fetch('/graphql', { ...request, signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000) });
    const text = await response.text();
    showAnswer(response, text, Math.round(performance.now() - started));
  } catch (error) {
    byId('problem').textContent = error.name === 'TimeoutError'
      ? say(`No answer came within ${PATIENCE_SECONDS} seconds.`, `${PATIENCE_SECONDS} 秒内没有收到响应。`)
      : say(`The server cannot be reached: ${error.message}`, `无法连接服务器：${error.message}`);
  }
  byId('run').ariaDisabled = 'false';
  // on a phone the answer is below the editors
  byId('answer-pane').scrollIntoView({ block: 'nearest' });
}

function showAnswer(response, text, milliseconds) {
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    byId('problem').textContent = text
      ? say('The answer is not JSON. It is shown as it came.', '响应不是 JSON，以下为原文。')
      : say('The answer is empty.', '响应为空。');
  }
  byId('answer').textContent = answer === undefined ? text : JSON.stringify(answer, null, 2);
  byId('status').textContent = `HTTP ${response.status} · ${milliseconds} ms`;
  byId('status').className = response.ok && answer && !answer.errors ? 'good' : 'bad';
  offerToken(answer?.data?.login?.token ?? answer?.data?.refreshSession?.token ?? '');
}

function offerToken(token) {
  offeredToken = token;
  byId('use-token').hidden = token === '';
}

function useToken() {
  byId('token').value = offeredToken;
  forgive(byId('token'));
  offerToken('');
  offerOperations('Me');
  for (const id of ['token', 'operation']) remember(id);
  byId('run').focus();
}

async function loadSchema() {
  try {
    const response = await fetch('/schema.graphql');
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    // a definition starts at the margin after an empty line, with its description or its keyword
    definitions = (await response.text()).trim().split(/\n\s*\n(?="""|[a-z])/);
    showSchema();
  } catch (error) {
    byId('schema').textContent = say(`The schema cannot be read: ${error.message}`, `无法读取 Schema：${error.message}`);
  }
}

function showSchema() {
  const wanted = byId('schema-filter').value.trim().toLowerCase();
  const shown = definitions.filter((definition) => definition.toLowerCase().includes(wanted));
  byId('schema').textContent = shown.join('\n\n');
  byId('schema').scrollTop = 0;
  byId('schema-count').textContent = `${shown.length} / ${definitions.length}`;
}

function runByKey(event) {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  run();
}

/* Tab indents; after Esc it moves the focus, so that keyboard users can leave the editor. */
function indentByTab(editor) {
  let leaving = false;
  editor.addEventListener('keydown', (event) => {
    const isPlain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.isComposing);
    if (event.key === 'Tab' && isPlain && !leaving) {
      event.preventDefault();
      // deprecated, but the only way to insert text so that the user can undo it
      document.execCommand('insertText', false, '  ');
    }
    leaving = event.key === 'Escape';
  });
}

function fillPage() {
  if (isChinese) {
    document.documentElement.lang = 'zh-CN';
    for (const element of document.querySelectorAll('[data-zh]')) element.textContent = element.dataset.zh;
  }
  // after a reload, an empty document is replaced by the example
  byId('query').value = recall('query') || EXAMPLE;
  byId('variables').value = recall('variables') ?? EXAMPLE_VARIABLES;
  for (const id of ['headers', 'token']) byId(id).value = recall(id) ?? '';
  offerOperations(recall('operation'));
}

function listen() {
  for (const id of ['query', 'variables', 'headers', 'token', 'operation']) {
    byId(id).addEventListener('input', () => remember(id));
  }
  for (const id of ['variables', 'headers', 'token']) byId(id).addEventListener('input', () => forgive(byId(id)));
  byId('query').addEventListener('input', () => offerOperations(byId('operation').value));
  byId('run').addEventListener('click', run);
  byId('use-token').addEventListener('click', useToken);
  byId('schema-filter').addEventListener('input', showSchema);
  document.addEventListener('keydown', runByKey);
  indentByTab(byId('query'));
}

fillPage();
listen();
loadSchema();
