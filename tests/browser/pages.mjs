// The first steps of a new user on each of the two explorer pages.
import assert from 'node:assert/strict';

export async function tryGraphiql(page, screenshot) {
  const text = (editor) => page.$eval(`${editor} .CodeMirror`, (element) => element.CodeMirror.getValue());
  const run = async (operation) => {
    await page.click('.graphiql-execute-button');
    await page.getByRole('menuitem', { name: operation, exact: true }).click();
  };
  const waitForResponse = (field) => page.waitForFunction((wanted) => {
    const { CodeMirror } = document.querySelector('.graphiql-response .CodeMirror');
    return CodeMirror.getValue().includes(`"${wanted}"`);
  }, field);

  await run('Login');
  await waitForResponse('login');
  await page.locator('#use-token').waitFor();
  await screenshot('login');
  await page.click('#use-token');
  const headers = await text('.graphiql-editor-tool .graphiql-editor:not(.hidden)');
  assert.match(headers, /"Authorization": "Bearer [\w.-]{40,}"/);
  assert.equal(await page.locator('#use-token').count(), 0, 'the button disappears after a click');

  await run('Me');
  await waitForResponse('me');
  checkMe(JSON.parse(await text('.graphiql-response')));

  // the documentation needs the schema
  await page.click('[aria-label="Show Documentation Explorer"]');
  await page.getByRole('link', { name: 'Query', exact: true }).waitFor();
}

export async function trySmallPage(page, screenshot) {
  const response = async (field) => {
    await page.click('#run');
    await page.waitForFunction((wanted) => {
      const { textContent } = document.querySelector('#answer');
      return textContent.includes(`"${wanted}"`);
    }, field);
    return JSON.parse(await page.textContent('#answer'));
  };

  assert.ok((await response('login')).data.login.token);
  await page.locator('#use-token').waitFor();
  await screenshot('login');
  await page.click('#use-token');
  assert.equal(await page.inputValue('#operation'), 'Me');
  checkMe(await response('me'));
  await page.getByText('type Query {').waitFor();
}

function checkMe({ data, errors }) {
  assert.equal(errors, undefined);
  assert.ok(data.me.id, 'me has an id');
  assert.ok(data.me.sessions.nodes.some(({ isCurrent }) => isCurrent), 'the session is the one of the token');
}
