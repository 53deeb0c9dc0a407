import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endpointFor, type Endpoint } from '../../../../src/daemon/control/endpoint.js';
import { shareEndpoints } from '../../../../src/daemon/control/share-routes.js';
import { FakeShareWorld, sharesOf } from '../../../support/share-fake.js';

const { signal } = new AbortController();
let folder: string;
let endpoints: readonly Endpoint[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-share-routes-'));
  const shares = sharesOf(new FakeShareWorld(), join(folder, 'shares.json'));
  endpoints = shareEndpoints(shares, () => Promise.resolve({ hasDrives: false, offers: [] }));
});
afterEach(() => rm(folder, { recursive: true }));

function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const { found, params } = endpointFor(endpoints, method, path);
  return found.answer({ params, body: () => Promise.resolve(body), signal });
}

const added = (owner?: object) =>
  ask('POST', '/v1/shares/add', { name: 'C', path: folder, isReadOnly: false, ...(owner && { owner }) });

test('what is chosen of the owner is listed with the rest of the settings', async () => {
  await added({ uid: 33, directoryMode: '750' });
  expect(await ask('GET', '/v1/shares')).toMatchObject({
    shares: [{ id: 'C', owner: { uid: 33, gid: 0, fileMode: '0777', directoryMode: '0750' } }],
  });
});

test('a share without a choice is listed with what the settings say', async () => {
  expect(await added()).toMatchObject({
    owner: { uid: 0, gid: 0, fileMode: '0777', directoryMode: '0777' },
  });
});

test.each([{ uid: -1 }, { gid: 4_294_967_295 }, { fileMode: '0999' }, { directoryMode: '01777' }])(
  'an owner with %j is refused',
  async (owner) => {
    await expect(added(owner)).rejects.toMatchObject({ status: 400 });
  },
);
