import { expect, test, vi } from 'vitest';
import {
  askGuest,
  encodeShareRequest,
  removeLeftRequests,
  shareRequestName,
} from '../../../../src/kvp/index.js';
import { FakeAgent } from '../../../support/kvp-fake/fake-agent.js';
import { FakeKvp } from '../../../support/kvp-fake/fake-kvp.js';

const never = new AbortController().signal;
const NAME = shareRequestName('C');

function unmount(kvp: FakeKvp) {
  const body = encodeShareRequest({ op: 'umount', points: ['/C', '/c'] });
  const asked = { name: NAME, body: () => body, timeoutSeconds: 10, title: 'the VM to unmount C' } as const;
  return askGuest(kvp, { ...asked, code: 'MOBYVM_SHARE_GUEST', hint: 'none' }, { signal: never });
}

test('a request that begins while leftovers of its name are removed is answered', async () => {
  const kvp = new FakeKvp();
  await kvp.set(
    [NAME, `${NAME}#0`, `${NAME}#7`, 'mobyvm.share.D'].map((name) => ({ name, value: 'left' })),
    never,
  );
  // There, but it does not look at requests yet.
  const present = new FakeAgent(kvp, [], () => undefined);
  let result: ReturnType<typeof askGuest> | undefined;
  const list = kvp.requests.bind(kvp);
  vi.spyOn(kvp, 'requests').mockImplementation(async (signal) => {
    const found = await list(signal);
    result = unmount(kvp);
    await vi.waitFor(() => expect(kvp.hostItems().find(({ name }) => name === NAME)?.value).not.toBe('left'));
    return found;
  });
  expect(await removeLeftRequests(kvp, never)).toBe(2);
  expect(
    kvp
      .hostItems()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([NAME, `${NAME}#0`]);
  const answering = new FakeAgent(kvp, [NAME], () => ({ ok: true }));
  expect(await result).toMatchObject({ ok: true });
  answering.stop();
  present.stop();
  expect(kvp.hostItems()).toEqual([]);
});

test('what a request has left behind is not taken for one that is under way', async () => {
  const kvp = new FakeKvp();
  const agent = new FakeAgent(kvp, [NAME], () => ({ ok: true }));
  expect(await unmount(kvp)).toMatchObject({ ok: true });
  agent.stop();
  await kvp.set([{ name: NAME, value: 'left' }], never);
  expect(await removeLeftRequests(kvp, never)).toBe(1);
});
