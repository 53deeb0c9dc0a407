import { describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { EventSender } from '../../../../src/share/events/event-sender.js';
import type { HostChange } from '../../../../src/share/events/host-watcher.js';
import type { GuestLink } from '../../../../src/share/index.js';

class FakeLink implements GuestLink {
  readonly purpose = 'share-events';
  readonly sent: string[] = [];
  isClosed = false;
  #line: (line: string) => void = () => undefined;
  #close: () => void = () => undefined;

  onLine(listener: (line: string) => void): void {
    this.#line = listener;
  }
  onClose(listener: () => void): void {
    this.#close = listener;
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
    this.#close();
  }
  answer(value: unknown): void {
    this.#line(typeof value === 'string' ? value : JSON.stringify(value));
  }
}

const BINDS = ['C', 'D'].map((share) => ({
  share,
  guestPath: `/${share}`,
  hostPath: `/srv/${share}`,
  isFolder: true,
}));
const created = (path: string): HostChange => ({ kind: 'created', path, isFolder: false });

function started(): { sender: EventSender; link: FakeLink } {
  const sender = new EventSender(silentLogger);
  const link = new FakeLink();
  sender.attach(link);
  sender.setBinds(BINDS);
  link.answer({ mechanism: 'module' });
  return { sender, link };
}

describe('the sender of file events', () => {
  test('starts the guest only when something is bound', () => {
    const sender = new EventSender(silentLogger);
    const link = new FakeLink();
    sender.attach(link);
    sender.setBinds([]);
    expect(link.sent).toEqual([]);
    sender.setBinds(BINDS);
    expect(link.sent).toEqual(['start']);
  });

  test('keeps a bounded number of events unanswered, for each share by itself', () => {
    vi.useFakeTimers();
    const { sender, link } = started();
    sender.send(Array.from({ length: 500 }, (_, index) => created(`/srv/C/${index}`)));
    sender.send([created('/srv/D/f')]);
    vi.runAllTimers();
    expect(link.sent.filter((line) => line.startsWith('C '))).toHaveLength(256);
    expect(link.sent.at(-1)).toBe('D c /D/f');
    link.answer({ share: 'C', done: 20 });
    expect(link.sent.filter((line) => line.startsWith('C '))).toHaveLength(276);
    vi.useRealTimers();
  });

  test('tells the guest to look again at what may have been lost with a link', () => {
    vi.useFakeTimers();
    const { sender, link } = started();
    sender.send([created('/srv/C/f')]);
    vi.runAllTimers();
    link.close();
    const next = new FakeLink();
    sender.attach(next);
    next.answer({ mechanism: 'touch' });
    expect(next.sent).toEqual(['start', 'C maD /C', 'D maD /D']);
    expect(sender.mechanism).toBe('touch');
    vi.useRealTimers();
  });

  test('keeps what changes while the guest is away', () => {
    vi.useFakeTimers();
    const { sender, link } = started();
    link.close();
    expect(sender.mechanism).toBeUndefined();
    sender.send([created('/srv/C/f')]);
    vi.runAllTimers();
    const next = new FakeLink();
    sender.attach(next);
    next.answer({ mechanism: 'module' });
    expect(next.sent).toEqual(['start', 'C c /C/f']);
    vi.useRealTimers();
  });

  test.each([
    '',
    'no JSON',
    '{"mechanism":"other"}',
    '{"share":"C","done":-1}',
    '{"share":"C","done":1e9}',
    '[]',
  ])('closes a link that says %j', (line) => {
    const { link } = started();
    link.answer(line);
    expect(link.isClosed).toBe(true);
  });

  test('takes more answers than it sent events as no more than all', () => {
    vi.useFakeTimers();
    const { sender, link } = started();
    link.answer({ share: 'C', done: 256 });
    link.answer({ share: 'unknown', done: 256, failed: 1, errno: 5 });
    sender.send(Array.from({ length: 500 }, (_, index) => created(`/srv/C/${index}`)));
    vi.runAllTimers();
    expect(link.sent).toHaveLength(257);
    vi.useRealTimers();
  });
});
