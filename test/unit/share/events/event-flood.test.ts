import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { EventSender } from '../../../../src/share/events/event-sender.js';
import { decodeEventLine } from '../../../../src/share/events/event-line.codec.js';
import type { HostChange } from '../../../../src/share/events/host-watcher.js';
import type { GuestLink } from '../../../../src/share/index.js';

const ROOT = '/srv/site/node_modules';
const FILES = 40;
/** What the guest may leave unanswered, WINDOW in guest/share-events/share-events.c. */
const WINDOW = 256;

/** A guest that raises `rate` events for each look at it, however many are sent. */
class SlowLink implements GuestLink {
  readonly purpose = 'share-events';
  readonly told: ReturnType<typeof decodeEventLine>['event'][] = [];
  unanswered = 0;
  mostUnanswered = 0;
  #line: (line: string) => void = () => undefined;

  onLine(listener: (line: string) => void): void {
    this.#line = listener;
  }
  onClose(): void {
    return undefined;
  }
  send(line: string): boolean {
    if (line === 'start') return true;
    this.told.push(decodeEventLine(line).event);
    this.unanswered += 1;
    this.mostUnanswered = Math.max(this.mostUnanswered, this.unanswered);
    return true;
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  close(): void {
    return undefined;
  }
  ready(): void {
    this.#line('{"mechanism":"module"}');
  }
  raise(rate: number): void {
    const done = Math.min(rate, this.unanswered);
    this.unanswered -= done;
    if (done > 0) this.#line(JSON.stringify({ share: 'C', done }));
  }
}

/** What an installation does to one package: its folder, and each file created, written and closed. */
function installed(name: string): readonly HostChange[] {
  const folder = `${ROOT}/${name}`;
  return [
    { kind: 'created', path: folder, isFolder: true },
    ...Array.from({ length: FILES }, (_, at) => `${folder}/${at}.js`).flatMap((path) =>
      (['created', 'modified', 'modified', 'written', 'attributes'] as const).map((kind) => ({
        kind,
        path,
        isFolder: false,
      })),
    ),
  ];
}

/** Installs packages while the guest raises `rate` events for each of them, then lets it catch up. */
function install(packages: readonly string[], rate: number): SlowLink {
  const sender = new EventSender(silentLogger);
  const link = new SlowLink();
  sender.attach(link);
  sender.setBinds([{ share: 'C', guestPath: '/C/site', hostPath: '/srv/site', isFolder: true }]);
  link.ready();
  for (const each of packages) {
    sender.send(installed(each));
    vi.advanceTimersByTime(20);
    link.raise(rate);
  }
  while (link.unanswered > 0) link.raise(rate);
  vi.advanceTimersByTime(20);
  expect(link.unanswered).toBe(0);
  return link;
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `package-${at}`);
const guestFolder = (name: string) => `/C/site/node_modules/${name}`;

describe('an installation into node_modules', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('is one event for each file, for a guest that keeps up', () => {
    const packages = names(20);
    const { told } = install(packages, WINDOW);
    expect(told).toHaveLength(packages.length * (FILES + 1));
    const one = told.find(({ path }) => path === `${guestFolder('package-7')}/3.js`);
    expect(one).toMatchObject({ operations: 'cmaw' });
  });

  test('is far fewer events than changes for one that does not, and never more than it takes at once', () => {
    const packages = names(500);
    const { told, mostUnanswered } = install(packages, 5);
    const changes = packages.length * installed('x').length;
    expect(changes).toBeGreaterThan(100_000);
    // At most what is raised meanwhile, and one full queue of single events or rescans at the end.
    expect(told.length).toBeLessThan(500 * 5 + WINDOW + 4_000);
    expect(mostUnanswered).toBe(WINDOW);
  });

  test('leaves no folder of which nothing is told: its files, or that it is to be looked at again', () => {
    const packages = names(500);
    const { told } = install(packages, 5);
    const files = new Map<string, number>();
    const rescanned = new Set<string>();
    for (const event of told) {
      if (event.isFolder && 'operations' in event && event.operations === 'ma') rescanned.add(event.path);
      const folder = event.path.slice(0, event.path.lastIndexOf('/'));
      if (!event.isFolder) files.set(folder, (files.get(folder) ?? 0) + 1);
    }
    const isTold = (folder: string) => files.get(folder) === FILES || rescanned.has(folder);
    expect(packages.filter((name) => !isTold(guestFolder(name)))).toEqual([]);
    expect(rescanned.size).toBeGreaterThan(0);
  });
});
