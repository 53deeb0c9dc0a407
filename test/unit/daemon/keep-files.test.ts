import { expect, test } from 'vitest';
import { silentLogger, waitFor } from '../../../src/core/host/index.js';
import { keepFiles } from '../../../src/daemon/keep-files.js';

test('looks again and again, tells of each trouble once, and ends with its last look', async () => {
  const said: string[] = [];
  const note = (event: string, fields: object = {}) => void said.push(`${event} ${JSON.stringify(fields)}`);
  const answers = [false, true, new Error('no room'), new Error('no room'), true];
  let looks = 0;
  const file = {
    restore: () => {
      const answer = answers[Math.min(looks, answers.length - 1)] ?? false;
      looks += 1;
      if (looks > answers.length) return Promise.resolve(false);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const end = keepFiles({ lock: file }, { ...silentLogger, warn: note, error: note }, 5);
  const hasLooked = (): Promise<boolean> => Promise.resolve(looks > answers.length);
  await waitFor(
    { title: 'the looks', timeoutSeconds: 10, hint: '', check: hasLooked },
    new AbortController().signal,
  );
  await end();
  expect(said).toEqual([
    'daemon.file.restored {"name":"lock"}',
    'daemon.file.lost {"name":"lock","reason":"no room"}',
    'daemon.file.restored {"name":"lock"}',
  ]);
});
