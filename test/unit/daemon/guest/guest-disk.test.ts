import { expect, test } from 'vitest';
import { silentLogger, waitFor } from '../../../../src/core/host/index.js';
import { GuestDisk } from '../../../../src/daemon/guest/guest-disk.js';

const never = new AbortController().signal;

/** A guest that gives these answers one after the other, and the last of them for good. */
function diskWith(...answers: readonly (string | Error | undefined)[]) {
  const warnings: string[] = [];
  let asked = 0;
  const disk = new GuestDisk({
    exchange: {
      get: () => {
        const answer = answers[Math.min(asked++, answers.length - 1)];
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    logger: { ...silentLogger, warn: (event: string) => warnings.push(event) },
    everyMs: 1,
  });
  const untilAsked = (count: number): Promise<void> =>
    waitFor(
      {
        title: `${count} questions`,
        timeoutSeconds: 30,
        hint: '',
        check: () => Promise.resolve(asked >= count),
      },
      never,
    );
  return { disk, warnings, untilAsked };
}

test('the last report of the guest counts, whatever else it answers', async () => {
  const { disk, warnings, untilAsked } = diskWith(
    undefined,
    new Error('not now'),
    '1 1000 900 50 40',
    '1 1000 800 50 40',
    'nonsense',
  );
  const end = new AbortController();
  const followed = disk.follow(end.signal);
  await untilAsked(6);
  expect(disk.use).toEqual({ totalKiB: 1_000, freeKiB: 800, files: 50, freeFiles: 40 });
  expect(warnings).toEqual([]);
  end.abort();
  await followed;
  disk.reset();
  expect(disk.use).toBeUndefined();
});

test('a disk that becomes full is logged once, and again when it was emptied meanwhile', async () => {
  const { disk, warnings, untilAsked } = diskWith(
    '1 1000 100 50 40',
    '1 1000 90 50 40',
    '1 1000 900 50 40',
    '1 1000 100 50 40',
  );
  const end = new AbortController();
  const followed = disk.follow(end.signal);
  await untilAsked(6);
  end.abort();
  await followed;
  expect(warnings).toEqual(['guest.disk.full', 'guest.disk.full']);
});
