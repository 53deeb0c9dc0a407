import { afterEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { KvpGuestMounts } from '../../../../src/daemon/shares/index.js';
import { decodeShareRequest, type ShareRequest } from '../../../../src/kvp/guest/share-request.codec.js';
import type { MountOrder } from '../../../../src/share/index.js';
import { FakeAgent, FakeKvp, type AgentAnswer } from '../../../support/kvp-fake/index.js';

const never = new AbortController().signal;
const PASSWORD = 'p,w"$\\';
let agent: FakeAgent | undefined;

afterEach(() => agent?.stop());

function guestThat(answer: (request: ShareRequest) => AgentAnswer | undefined, timeoutSeconds = 20) {
  const kvp = new FakeKvp();
  agent = new FakeAgent(kvp, ['mobyvm.share.C', 'mobyvm.share.D'], (_name, body) =>
    answer(decodeShareRequest(body)),
  );
  return { kvp, mounts: new KvpGuestMounts({ exchange: kvp, logger: silentLogger, timeoutSeconds }) };
}

function order(id = 'C'): MountOrder {
  return {
    id,
    unc: `//10.0.75.1/${id}`,
    points: [`/${id}`, `/${id.toLowerCase()}`],
    login: { user: 'mobyvm', domain: '', password: PASSWORD },
    options: ['noperm'],
  };
}

async function left(kvp: FakeKvp): Promise<readonly string[]> {
  return kvp.requests(never);
}

describe('mounting', () => {
  it('asks the guest, and leaves none of the request behind', async () => {
    const requests: ShareRequest[] = [];
    const { kvp, mounts } = guestThat((request) => {
      requests.push(request);
      return { ok: true };
    });
    expect(await mounts.mount(order(), never)).toEqual({ ok: true });
    expect(requests).toEqual([
      {
        op: 'mount',
        unc: '//10.0.75.1/C',
        points: ['/C', '/c'],
        user: 'mobyvm',
        domain: '',
        options: ['noperm'],
        password: PASSWORD,
      },
    ]);
    expect(await left(kvp)).toEqual([]);
  });

  it('gives the step, errno and text of a failure, without the password', async () => {
    const { mounts } = guestThat(() => ({
      ok: false,
      code: 'login',
      errno: 13,
      text: `refused for ${PASSWORD}`,
    }));
    expect(await mounts.mount(order(), never)).toEqual({
      ok: false,
      step: 'login',
      errno: 13,
      text: 'refused for ***',
    });
  });

  it('fails if the guest does not take the request', async () => {
    const { mounts } = guestThat(() => ({ ok: false, code: 'malformed', errno: 0, text: 'no points' }));
    await expect(mounts.mount(order(), never)).rejects.toMatchObject({
      code: 'MOBYVM_SHARE_GUEST',
      message: expect.stringContaining('no points') as string,
    });
  });

  it('fails if the guest does not answer, and leaves none of the request behind', async () => {
    const { kvp, mounts } = guestThat(() => undefined, 0.5);
    await expect(mounts.mount(order(), never)).rejects.toMatchObject({ code: 'MOBYVM_SHARE_GUEST' });
    expect(await left(kvp)).toEqual([]);
  });

  it('asks for different shares side by side, and for one share one after the other', async () => {
    const { mounts } = guestThat(() => ({ ok: true }));
    const orders = [order('C'), order('D'), order('C'), order('D')];
    const outcomes = await Promise.all(orders.map((each) => mounts.mount(each, never)));
    expect(outcomes).toEqual(orders.map(() => ({ ok: true })));
    expect([...(agent?.acted ?? [])].sort()).toEqual([
      'mobyvm.share.C',
      'mobyvm.share.C',
      'mobyvm.share.D',
      'mobyvm.share.D',
    ]);
  });
});

describe('unmounting', () => {
  it('asks the guest', async () => {
    const requests: ShareRequest[] = [];
    const { mounts } = guestThat((request) => {
      requests.push(request);
      return { ok: true };
    });
    await mounts.unmount('C', ['/C', '/c'], never);
    expect(requests).toEqual([{ op: 'umount', points: ['/C', '/c'] }]);
  });
});
