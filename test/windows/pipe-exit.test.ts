import { expect, it } from 'vitest';
import { runInWine } from '../support/wine/suite.js';

it('a process that exits while it listens and reads ends at once, with its exit code', async () => {
  const { failure, stderr } = await runInWine('test/windows/inside/exit-while-listening.js');
  expect(stderr).toBe('');
  expect(failure).toContain('exit code 3');
});

it('a process that fails while it listens ends with its error', async () => {
  const { failure, stderr } = await runInWine('test/windows/inside/fail-while-listening.js');
  expect(stderr).toContain('planted');
  expect(failure).toContain('exit code 1');
});
