import { describe, expect, test } from 'vitest';
import { silentLogger, type LogFields, type Logger } from '../../../src/core/host/index.js';
import { closeAll } from '../../../src/daemon/process-end.js';

function warnings(): { readonly logger: Logger; readonly seen: (LogFields | undefined)[] } {
  const seen: (LogFields | undefined)[] = [];
  return { logger: { ...silentLogger, warn: (_event, fields) => void seen.push(fields) }, seen };
}

describe('closing everything that a daemon opened', () => {
  test('runs every function, last first, even if some throw or fail', async () => {
    const closed: string[] = [];
    const { logger, seen } = warnings();
    await closeAll(
      [
        () => Promise.resolve(void closed.push('first')),
        () => {
          throw new TypeError('thrown');
        },
        () => Promise.reject(new TypeError('rejected')),
        () => Promise.resolve(void closed.push('last')),
      ],
      logger,
    );
    expect(closed).toEqual(['last', 'first']);
    expect(seen).toEqual([{ reason: 'rejected' }, { reason: 'thrown' }]);
  });

  test('does not wait forever for one that never finishes', async () => {
    const closed: string[] = [];
    const { logger, seen } = warnings();
    const never = (): Promise<void> => new Promise(() => undefined);
    await closeAll([() => Promise.resolve(void closed.push('first')), never], logger, 20);
    expect(closed).toEqual(['first']);
    expect(seen).toEqual([{ reason: 'not done after 0.02 s' }]);
  });
});
