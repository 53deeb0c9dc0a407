import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { GuestHealth } from '../../../../src/daemon/shares/guest-health.js';
import type { GuestLink, MountHealth } from '../../../../src/share/index.js';

const never = new AbortController().signal;

/** The guest's end of a link, for the test to speak through. */
class FakeLink implements GuestLink {
  readonly purpose = 'share-health';
  readonly sent: string[] = [];
  isClosed = false;
  readonly #lines: ((line: string) => void)[] = [];
  readonly #closed: (() => void)[] = [];

  onLine(listener: (line: string) => void): void {
    this.#lines.push(listener);
  }
  onClose(listener: () => void): void {
    this.#closed.push(listener);
  }
  send(line: string): boolean {
    this.sent.push(line);
    return true;
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    this.isClosed = true;
    for (const listener of this.#closed) listener();
  }
  says(line: string): void {
    for (const listener of this.#lines) listener(line);
  }
}

function connected(): { health: GuestHealth; link: FakeLink } {
  const health = new GuestHealth(silentLogger);
  const link = new FakeLink();
  health.attach(link);
  return { health, link };
}

describe('the health that the guest reports', () => {
  it('reaches every listener until it unsubscribes', () => {
    const { health, link } = connected();
    const seen: [string, MountHealth][] = [];
    const unsubscribe = health.onHealth((id, each) => seen.push([id, each]));
    link.says('health C mounted');
    link.says('health D broken 112');
    unsubscribe();
    link.says('health C absent');
    expect(seen).toEqual([
      ['C', { kind: 'mounted' }],
      ['D', { kind: 'broken', errno: 112 }],
    ]);
  });

  it('is ignored once another link has replaced it', () => {
    const { health, link } = connected();
    const seen: string[] = [];
    health.onHealth((id) => seen.push(id));
    health.attach(new FakeLink());
    link.says('health C mounted');
    expect(seen).toEqual([]);
  });

  it('closes a link whose lines make no sense', () => {
    const { link } = connected();
    link.says('health C fine');
    expect(link.isClosed).toBe(true);
  });
});

describe('a probe', () => {
  it('is answered by the line with its number and share', async () => {
    const { health, link } = connected();
    const first = health.probe('C', never);
    const second = health.probe('D', never);
    expect(link.sent).toEqual(['probe 1 C', 'probe 2 D']);
    link.says('probed 2 C absent');
    link.says('probed 2 D absent');
    link.says('probed 1 C broken 110');
    expect(await first).toEqual({ kind: 'broken', errno: 110 });
    expect(await second).toEqual({ kind: 'absent' });
  });

  it('fails without a connection', async () => {
    await expect(new GuestHealth(silentLogger).probe('C', never)).rejects.toMatchObject({
      code: 'MOBYVM_SHARE_GUEST',
    });
  });

  it('fails when the connection is lost', async () => {
    const { health, link } = connected();
    const probe = health.probe('C', never);
    link.close();
    await expect(probe).rejects.toMatchObject({ code: 'MOBYVM_SHARE_GUEST' });
  });

  it('ends with its signal', async () => {
    const { health } = connected();
    const stop = new AbortController();
    const probe = health.probe('C', stop.signal);
    stop.abort(new Error('enough'));
    await expect(probe).rejects.toThrow('enough');
  });
});
