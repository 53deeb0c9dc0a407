import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiRules, type ShareHealth } from '../../../../../src/proxy/engine/index.js';
import { decodeRequestHead } from '../../../../../src/proxy/engine/http/head.codec.js';
import { hostPaths } from '../../../../../src/share/index.js';

const CREATE = decodeRequestHead('POST /v1.43/containers/create HTTP/1.1\r\nHost: x\r\n\r\n');
const BODY = Buffer.from('{"HostConfig":{"Binds":["c:/site:/data"]}}');
const never: ShareHealth = { problemOf: () => new Promise(() => undefined) };

describe('a create with a bind', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => void vi.useRealTimers());

  const rewrite = (health: ShareHealth) =>
    apiRules({ paths: hostPaths('windows'), health, showHostPaths: () => true }).planFor(CREATE)!
      .rewriteRequest!(BODY);

  it('is refused as soon as its share has not been examined for 1.8 s', async () => {
    let outcome: unknown;
    void rewrite(never).then((rewriting) => (outcome = rewriting));
    await vi.advanceTimersByTimeAsync(1_799);
    expect(outcome).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusal: {
        status: 400,
        message: expect.stringContaining('the host does not answer for C:\\site') as string,
      },
    });
  });

  it('is not held up by the deadline once its share has been examined', async () => {
    const fine: ShareHealth = { problemOf: () => Promise.resolve(undefined) };
    expect(await rewrite(fine)).toMatchObject({ kind: 'rewritten' });
    expect(vi.getTimerCount()).toBe(0);
  });
});
