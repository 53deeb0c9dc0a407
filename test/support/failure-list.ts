import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

type Errors = readonly { readonly message: string; readonly diff?: string | undefined }[];

/**
 * Appends a line per failure to the file that MOBYVM_TEST_FAILURES names, so that scripts/test can repeat them at the
 * end: what failed is otherwise far up in the output of six tiers.
 */
export default class FailureList implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: Errors, reason: TestRunEndReason): void {
    const lines = [
      ...modules.flatMap(failuresOf),
      ...unhandled.map((error) => failure('unhandled error', [error])),
    ];
    if (reason === 'interrupted') lines.push('interrupted');
    listFailures(lines);
  }
}

/** Also for what fails outside of tests. */
export function listFailures(lines: readonly string[]): void {
  const file = process.env['MOBYVM_TEST_FAILURES'];
  if (file !== undefined && file !== '') appendFileSync(file, lines.map((line) => `${line}\n`).join(''));
}

function failuresOf(module: TestModule): string[] {
  const file = relative(process.cwd(), module.moduleId);
  const lines = module.errors().map((error) => failure(file, [error]));
  for (const suite of module.children.allSuites())
    if (suite.errors().length > 0) lines.push(failure(`${file} > ${suite.fullName}`, suite.errors()));
  for (const test of module.children.allTests('failed'))
    lines.push(failure(`${file} > ${test.fullName}`, test.result().errors ?? []));
  return lines;
}

function failure(place: string, errors: Errors): string {
  const what = `${place}: ${errors[0]?.message ?? ''}`.slice(0, 400);
  const difference = changedLines(errors[0]?.diff ?? '').slice(0, 400);
  return `${what} ${difference}`.replaceAll(/\s+/g, ' ').trim();
}

/** What a message like "expected [ Array(1) ] to deeply equal []" leaves out. */
function changedLines(difference: string): string {
  const lines = stripVTControlCharacters(difference).split('\n');
  return lines.filter((line) => /^[-+] (?!Expected$|Received$)/.test(line)).join(' ');
}
