// What a person reads: errors, dates, numbers, devices.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const { explain, phoneRefusal, sessionEnd } = require('../utils/explain.js');
const format = require('../utils/format.js');
const generated = (name) => readFileSync(join(root, '../../client/src/generated', name), 'utf8');
const union = (text, name) => [...new RegExp(`type ${name} =([^;]*);`).exec(text)[1].matchAll(/'(\w+)'/g)].map(([, each]) => each);

const userErrors = union(generated('schema.ts'), 'UserErrorCode');
const actions = [...generated('errors.ts').matchAll(/^ {2}(\w+): '(\w+)';/gm)].map(([, code, action]) => ({ code, action }));

test('every error of the server has a Chinese sentence, and its number where somebody may ask for it', () => {
  assert.ok(actions.length > 20);
  for (const error of actions) {
    const { text, detail, next } = explain({ ...error, requestId: 'r1', message: 'no' });
    assert.match(text, /^[\p{Script=Han}，、 \dA-Za-z]+$/u, error.code);
    assert.match(detail, error.action === 'FIX' ? /^[A-Z_]*$/ : /r1/, error.code);
    assert.equal(next, { RETRY: 'retry', RELOGIN: 'relogin', FIX: 'fix', GIVE_UP: 'stop', OPERATOR: 'stop' }[error.action]);
  }
});

test('every error of a form that a page can meet has a sentence of its own', () => {
  const ofMetadata = ['TOO_DEEP', 'TOO_MANY_KEYS'];
  for (const code of userErrors.filter((each) => !ofMetadata.includes(each))) {
    assert.doesNotMatch(explain({ code, action: 'FIX' }).text, /请更新小程序/, code);
  }
});

test('every reason for the end of a session that is no login of its own has a sentence', () => {
  const reasons = union(generated('schema.ts'), 'SessionEndReason').filter((each) => !['MERGED', 'REPLACED'].includes(each));
  for (const reason of reasons) assert.notEqual(sessionEnd(reason), sessionEnd('SELF'), reason);
});

test('who cancelled is told nothing', () => {
  assert.deepEqual(explain({ code: 'CANCELLED', action: 'GIVE_UP' }), { next: 'nothing', text: '', detail: '' });
});

test('a wait is told in seconds or minutes', () => {
  const text = (code, retryAfter) => explain({ code, action: 'RETRY', retryAfter }).text;
  assert.equal(text('RATE_LIMITED', 45), '操作太频繁了，请 45 秒后再试');
  assert.equal(text('OVERLOADED', 600), '服务暂时繁忙，请 10 分钟后再试');
  assert.equal(text('NETWORK', undefined), '网络不可用，请检查网络后再试');
});

test('what is no error of the client is shown as a fault, and goes to the log', (t) => {
  const log = t.mock.method(console, 'error', () => {});
  assert.equal(explain(new TypeError('x')).text, '出了点问题，请稍后再试');
  assert.equal(log.mock.callCount(), 1);
});

test('a phone that tells nothing at all is no refusal', () => {
  assert.match(phoneRefusal({}), /还不能获取手机号/);
});

test('times are near, today, yesterday, or a date', () => {
  const now = new Date(2026, 4, 10, 12, 0);
  const ago = (...at) => format.ago(new Date(...at).toISOString(), now);
  assert.equal(ago(2026, 4, 10, 11, 59, 30), '刚刚');
  assert.equal(ago(2026, 4, 10, 12, 5), '刚刚');
  assert.equal(ago(2026, 4, 10, 11, 15), '45 分钟前');
  assert.equal(ago(2026, 4, 10, 8, 5), '今天 08:05');
  assert.equal(ago(2026, 4, 9, 23, 0), '昨天 23:00');
  assert.equal(ago(2025, 11, 31, 23, 0), '2025年12月31日');
});

test('numbers hide their middle, and devices have a name', () => {
  assert.deepEqual(['+8613800001234', '+14155550123', null].map(format.phone), ['138 **** 1234', '+14 **** 0123', '']);
  assert.deepEqual(['203.0.113.0/24', '2001:db8:1::/48', null].map(format.network), ['203.0.113.*', '2001:db8:1::', '']);
  assert.equal(format.device({ deviceName: null, userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) MicroMessenger' }), 'iPhone');
  assert.equal(format.device({ deviceName: null, userAgent: null }), '未命名的设备');
  assert.equal(format.daysLeft(new Date(Date.now() + 86400000 * 14.2).toISOString()), 15);
});
