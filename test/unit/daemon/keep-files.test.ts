import { expect, test } from 'vitest';
import { silentLogger, waitFor } from '../../../src/core/host/index.js';
import { keepFiles } from '../../../src/daemon/keep-files.js';

test('checks repeatedly, logs each failure once, and ends with its last check', async () => {
  const said: string[] = [];
  const note = (event: string, fields: object = {}) => void said.push(`${event} ${JSON.stringify(fields)}`);
  const answers = [false, true, new Error('disk full'), new Error('disk full'), true];
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
    { title: 'the looks', timeoutSeconds: 20, hint: '', check: hasLooked },
    new AbortController().signal,
  );
  await end();
  expect(said).toEqual([
    'daemon.file.restored {"name":"lock"}',
    'daemon.file.lost {"name":"lock","reason":"disk full"}',
    'daemon.file.restored {"name":"lock"}',
  ]);
});
