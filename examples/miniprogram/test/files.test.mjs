// What devtools would complain about: missing files, and handlers that nothing defines.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (...path) => readFileSync(join(root, ...path), 'utf8');
const { pages, themeLocation, sitemapLocation, window } = JSON.parse(read('app.json'));
const components = ['components/page-state/page-state'];
const units = [...pages, ...components];

/* What a component has as methods, with those of its behaviors. */
function methodsOf(unit) {
  const found = [];
  const collect = ({ methods = {}, behaviors = [] }) => {
    found.push(...Object.keys(methods));
    behaviors.forEach(collect);
  };
  const load = (path) => {
    const module = { exports: {} };
    const anything = new Proxy(function nothing() {}, { get: (target, name) => (name === Symbol.toPrimitive ? () => '' : anything), apply: () => anything });
    const requireBehavior = (name) => (name.includes('behaviors/') ? load(join('behaviors', `${name.split('/').pop()}.js`)) : anything);
    new Function('module', 'exports', 'require', 'Component', 'Behavior', read(path))(module, module.exports, requireBehavior, collect, (definition) => definition);
    return module.exports;
  };
  load(`${unit}.js`);
  return found;
}

test('every page of app.json, and every component, has its four files', () => {
  assert.deepEqual(pages.map((page) => page.split('/')[1]).sort(), readdirSync(join(root, 'pages')).sort());
  for (const unit of units) {
    for (const ending of ['js', 'json', 'wxml', 'wxss']) assert.ok(existsSync(join(root, `${unit}.${ending}`)), `${unit}.${ending}`);
    const { usingComponents } = JSON.parse(read(`${unit}.json`));
    for (const path of Object.values(usingComponents)) assert.ok(existsSync(join(root, unit, '..', `${path}.js`)), path);
  }
});

test('every handler that a page names is a method', () => {
  let count = 0;
  for (const unit of units) {
    const methods = methodsOf(unit);
    for (const [, handler] of read(`${unit}.wxml`).matchAll(/\s(?:bind|catch|mut-bind)\w*:?\w*="([^"]*)"/g)) {
      assert.ok(methods.includes(handler), `${unit}: ${handler}`);
      count += 1;
    }
  }
  assert.ok(count > 30, `${count} handlers`);
});

test('every class that a page uses is in a stylesheet, and every component it uses is named', () => {
  for (const unit of units) {
    const isPage = pages.includes(unit);
    const wxml = read(`${unit}.wxml`);
    const styles = read(`${unit}.wxss`) + (isPage ? read('app.wxss') : '');
    for (const [, list] of wxml.matchAll(/(?:class|placeholder-class|hover-class)="([^"{]*)/g)) {
      for (const name of list.split(/\s+/).filter(Boolean)) assert.ok(styles.includes(`.${name}`), `${unit}: .${name}`);
    }
    const { usingComponents } = JSON.parse(read(`${unit}.json`));
    for (const [, tag] of wxml.matchAll(/<([a-z]+-[a-z-]+)/g)) assert.ok(tag in usingComponents, `${unit}: <${tag}>`);
  }
});

test('both themes have every colour that app.json takes from them', () => {
  const themes = JSON.parse(read(themeLocation));
  for (const value of Object.values(window)) {
    if (!value.startsWith('@')) continue;
    for (const theme of ['light', 'dark']) assert.ok(themes[theme][value.slice(1)], `${theme} ${value}`);
  }
  assert.ok(existsSync(join(root, sitemapLocation)));
  const [light, dark] = read('app.wxss').split('@media');
  const colours = (text) => [...text.matchAll(/(--[a-z-]+):/g)].map(([, name]) => name);
  assert.deepEqual(colours(dark), colours(light));
});

test('it opens as it is: no package, the tourist AppID, and no check of domains', () => {
  const { appid, setting, packOptions } = JSON.parse(read('project.config.json'));
  assert.equal(appid, 'touristappid');
  assert.equal(setting.urlCheck, false);
  assert.equal('dependencies' in JSON.parse(read('package.json')), false);
  for (const name of ['test', 'package.json', 'package-lock.json', 'README.md']) assert.ok(packOptions.ignore.some(({ value }) => value === name), name);
});

test('the stylesheets compile', () => {
  const styles = createRequire(import.meta.url)('miniprogram-compiler').wxssToJs(root);
  assert.equal(typeof styles, 'string', String(styles));
});

test('lib holds the client as client/ builds it', () => {
  const built = join(root, '../../client/dist/index.js');
  assert.ok(existsSync(built), 'client/ is not built');
  assert.equal(read('lib/miniaccount-client.js'), readFileSync(built, 'utf8'), 'run `npm run lib` in examples/miniprogram');
});
