import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiRules, type ShareHealth } from '../../../../../src/proxy/engine/index.js';
import { decodeRequestHead } from '../../../../../src/proxy/engine/http/head.codec.js';
import { hostPaths } from '../../../../../src/share/index.js';

const never: ShareHealth = { problemOf: () => new Promise(() => undefined) };
const fine: ShareHealth = { problemOf: () => Promise.resolve(undefined) };

function planFor(target: string, health: ShareHealth) {
  const head = decodeRequestHead(`POST ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return apiRules({ paths: hostPaths('windows'), health, showHostPaths: () => true }).planFor(head)!;
}

const BIND = '{"HostConfig":{"Binds":["c:/site:/data"]}}';
const VOLUME = '{"Name":"v","DriverOpts":{"type":"none","o":"bind","device":"c:/site"}}';
const SERVICE =
  '{"TaskTemplate":{"ContainerSpec":{"Mounts":[{"Type":"bind","Source":"c:/site","Target":"/data"}]}}}';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** What has become of it just before the deadline, and at it. */
async function aroundDeadline(work: Promise<unknown>): Promise<readonly unknown[]> {
  let outcome: unknown;
  void work.then((result) => (outcome = result));
  await vi.advanceTimersByTimeAsync(1_799);
  const before = outcome;
  await vi.advanceTimersByTimeAsync(1);
  return [before, outcome];
}

describe.each([
  ['a create with a bind', '/v1.43/containers/create', BIND],
  ['a start with a bind, as until API 1.23', '/v1.23/containers/web/start', BIND],
  ['a local volume', '/v1.43/volumes/create', VOLUME],
  ['a service', '/v1.43/services/create', SERVICE],
  ['an update of a service', '/v1.43/services/web/update', SERVICE],
])('%s', (_what, target, body) => {
  const rewrite = (health: ShareHealth) => planFor(target, health).rewriteRequest!(Buffer.from(body));

  it('is refused as soon as its share has not been examined for 1.8 s', async () => {
    const [before, outcome] = await aroundDeadline(rewrite(never));
    expect(before).toBeUndefined();
    expect(outcome).toMatchObject({
      kind: 'refused',
      refusal: {
        status: 400,
        message: expect.stringMatching(/the host does not answer for c:[\\/]site/i) as string,
      },
    });
  });

  it('is not held up by the deadline once its share has been examined', async () => {
    expect(await rewrite(fine)).toMatchObject({ kind: 'rewritten' });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the start of a container', () => {
  const answers: Readonly<Record<string, string>> = {
    '/v1.43/containers/bound/json':
      '{"HostConfig":{"Binds":["/C/site:/data"]},"Mounts":[{"Type":"bind","Source":"/C/site"}]}',
    '/v1.43/containers/with-volume/json':
      '{"HostConfig":{"Binds":["site:/data"]},"Mounts":[{"Type":"volume","Name":"site","Driver":"local"}]}',
    '/v1.43/volumes/site':
      '{"Name":"site","Driver":"local","Options":{"type":"none","o":"bind","device":"/C/site"}}',
  };
  const check = (container: string, health: ShareHealth) =>
    planFor(`/v1.43/containers/${container}/start`, health).check!((target) =>
      Promise.resolve(answers[target] === undefined ? undefined : Buffer.from(answers[target])),
    );

  it.each(['bound', 'with-volume'])('%s is refused after 1.8 s', async (container) => {
    const [before, outcome] = await aroundDeadline(check(container, never));
    expect(before).toBeUndefined();
    expect(outcome).toMatchObject({
      status: 500,
      message: expect.stringContaining('the host does not answer') as string,
    });
  });

  it.each(['bound', 'with-volume'])('%s is let through once its share works', async (container) => {
    expect(await check(container, fine)).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });
});
