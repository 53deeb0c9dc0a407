// run-suite.mjs FILE, inside node.exe: runs a compiled suite and writes one line of JSON per test to standard output.
// The suite imports `vitest`, which is replaced by the few functions below, because vitest itself needs native
// packages for Windows. `expect` is vitest's own. The process has to end by itself afterwards.
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import * as chai from 'chai';
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  customMatchers,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from '@vitest/expect';

const TEST_TIMEOUT_MS = 240_000;
const EXIT_TIMEOUT_MS = 30_000;

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
const expect = (value, message) => chai.expect(value, message);
Object.assign(expect, chai.expect);
Object.assign(expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
expect.extend = (matchers) => chai.expect.extend(expect, matchers);
expect.extend(customMatchers);

const tests = [];
const path = [];
/** What runs before and after each test of the suites that are being described. */
let hooks = { before: [], after: [] };
const describe = (title, body) => {
  const outer = hooks;
  hooks = { before: [...outer.before], after: [...outer.after] };
  path.push(title);
  body();
  path.pop();
  hooks = outer;
};
const beforeEach = (hook) => hooks.before.push(hook);
const afterEach = (hook) => hooks.after.push(hook);
class Skipped extends TypeError {}
const context = {
  skip: (note) => {
    throw new Skipped(note);
  },
};
const it = (title, body, timeoutMs = TEST_TIMEOUT_MS) =>
  tests.push({ title: [...path, title].join(' > '), body: withHooks(body, hooks), timeoutMs });
const withHooks =
  (body, { before, after }) =>
  async () => {
    for (const hook of before) await hook();
    try {
      await body(context);
    } finally {
      for (const hook of after) await hook();
    }
  };
it.each = (cases) => (title, body) => {
  for (const each of cases) {
    const values = Array.isArray(each) ? each : [each];
    it(format(title, ...values), () => body(...values));
  }
};
globalThis.mobyvmSuite = { describe, it, test: it, beforeEach, afterEach, expect };
registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== 'vitest') return next(specifier, context);
    const source =
      'export const { describe, it, test, beforeEach, afterEach, expect } = globalThis.mobyvmSuite;';
    return { url: `data:text/javascript,${encodeURIComponent(source)}`, shortCircuit: true };
  },
});

const report = (record) => writeSync(1, `${JSON.stringify(record)}\n`);
process.on('uncaughtException', (error) => {
  report({ title: 'nothing is thrown outside of a test', error: error.stack });
  process.exit(1);
});
await import(pathToFileURL(process.argv[2]).href);
for (const { title, body, timeoutMs } of tests) {
  const started = performance.now();
  let timer;
  const timeout = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs / 1000} s`)), timeoutMs);
  });
  let error;
  try {
    await Promise.race([body(), timeout]);
  } catch (thrown) {
    if (!(thrown instanceof Skipped)) error = thrown.stack ?? String(thrown);
  }
  clearTimeout(timer);
  report({ title, error, ms: Math.round(performance.now() - started) });
}
setTimeout(() => {
  report({
    title: 'the process ends by itself',
    error: `still running: ${process.getActiveResourcesInfo().join(', ')}`,
  });
  process.exit(1);
}, EXIT_TIMEOUT_MS).unref();
process.on('exit', () => report({ title: 'the process ends by itself' }));
