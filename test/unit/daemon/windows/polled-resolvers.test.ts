import { expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { polledResolvers } from '../../../../src/daemon/windows/polled-resolvers.js';

test('a name with a rule is asked at the servers of the rule, others at the usual ones', async () => {
  const source = await polledResolvers({
    read: () =>
      Promise.resolve({
        servers: ['192.0.2.1'],
        searchDomains: [],
        rules: [{ names: ['.corp.example'], servers: ['198.51.100.1'] }],
      }),
    logger: silentLogger,
  });
  try {
    expect(source.current('db.corp.example')).toEqual([{ address: '198.51.100.1', port: 53 }]);
    expect(source.current('example.org')).toEqual([{ address: '192.0.2.1', port: 53 }]);
  } finally {
    await source.close();
  }
});

test('a host that reports changes all the time is asked no more often than it is looked at', async () => {
  let reads = 0;
  const source = await polledResolvers({
    read: () => {
      reads += 1;
      return Promise.resolve({ servers: [], searchDomains: [] });
    },
    logger: silentLogger,
    lookMs: 3_600_000,
    changes: { take: () => true, close: () => undefined },
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  await source.close();
  expect(reads).toBe(1);
});

test('what follows changes of the host is closed with the resolvers', async () => {
  let closed = 0;
  const source = await polledResolvers({
    read: () => Promise.resolve({ servers: [], searchDomains: [] }),
    logger: silentLogger,
    changes: { take: () => false, close: () => (closed += 1) },
  });
  await source.close();
  expect(closed).toBe(1);
});
