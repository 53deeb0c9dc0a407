import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { HeldContainers, heldText } from '../../../../src/daemon/shares/index.js';

const never = new AbortController().signal;
const POINTS = ['/C', '/c'];

interface Container {
  readonly name: string;
  readonly source?: string;
  readonly error?: string;
  readonly policy?: string;
}

function engineWith(containers: readonly Container[], failing: readonly string[] = [], failures = Infinity) {
  const started: string[] = [];
  let failed = 0;
  const mountsOf = ({ source = '/C/site' }: Container) => [{ Type: 'bind', Source: source }];
  return {
    started,
    stoppedContainers: () =>
      Promise.resolve(
        containers
          .filter(({ name }) => !started.includes(name))
          .map((each) => ({ Id: each.name, Mounts: mountsOf(each) })),
      ),
    inspectContainer: (id: string) => {
      const found = containers.find(({ name }) => name === id);
      if (found === undefined) return Promise.resolve(undefined);
      return Promise.resolve({
        Id: id,
        Name: `/${id}`,
        State: { Status: 'exited', Error: found.error ?? 'read-only file system' },
        HostConfig: { RestartPolicy: { Name: found.policy ?? 'always' } },
        Mounts: mountsOf(found),
      });
    },
    startContainer: (id: string) => {
      if (failing.includes(id) && failed++ < failures) return Promise.reject(new Error('still broken'));
      started.push(id);
      return Promise.resolve();
    },
  };
}

describe('a container that could not be started without its share', () => {
  const held = [
    { name: 'always' },
    { name: 'unless', policy: 'unless-stopped' },
    { name: 'whole-drive', source: '/c' },
  ];
  const others = [
    { name: 'stopped-by-the-user', error: '' },
    { name: 'no-policy', policy: 'no' },
    { name: 'other-folder', source: '/Cx/site' },
    { name: 'other-drive', source: '/D/site' },
  ];

  it('is held, and nothing else is', async () => {
    const containers = new HeldContainers({
      engine: engineWith([...held, ...others]),
      logger: silentLogger,
    });
    const names = (await containers.list(POINTS, never)).map(({ name }) => name);
    expect(names).toEqual(held.map(({ name }) => name));
  });

  it('is started when the share works, even if another one cannot be', async () => {
    const engine = engineWith([...held, ...others], ['always']);
    const containers = new HeldContainers({ engine, logger: silentLogger, retryAfterMs: [] });
    const started = (await containers.start(POINTS, never)).map(({ name }) => name);
    expect(started).toEqual(['unless', 'whole-drive']);
    expect(engine.started).toEqual(['unless', 'whole-drive']);
  });

  it('is tried again for a while, and the others are not started twice', async () => {
    const engine = engineWith(held, ['always'], 2);
    const containers = new HeldContainers({ engine, logger: silentLogger, retryAfterMs: [1, 1, 1] });
    await containers.start(POINTS, never);
    expect(engine.started).toEqual(['unless', 'whole-drive', 'always']);
    const hopeless = engineWith(held, ['always']);
    await new HeldContainers({ engine: hopeless, logger: silentLogger, retryAfterMs: [1, 1] }).start(
      POINTS,
      never,
    );
    expect(hopeless.started).toEqual(['unless', 'whole-drive']);
  });

  it('is tried again if the engine could not be asked', async () => {
    const engine = engineWith(held);
    let isDown = true;
    const restarting = {
      ...engine,
      stoppedContainers: () => {
        if (!isDown) return engine.stoppedContainers();
        isDown = false;
        return Promise.reject(new Error('no connection'));
      },
    };
    const options = { engine: restarting, logger: silentLogger, retryAfterMs: [1] };
    await new HeldContainers(options).start(POINTS, never);
    expect(engine.started).toHaveLength(3);
  });

  it('is named in the status, with a limit', () => {
    const named = (name: string) => ({ id: name, name, reason: '' });
    expect(heldText('C', [])).toBeUndefined();
    expect(heldText('C', [named('web')])).toBe('waiting for share C: web');
    expect(heldText('C', ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(named))).toBe(
      'waiting for share C: a, b, c, d, e and 2 more',
    );
  });
});
