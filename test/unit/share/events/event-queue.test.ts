import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GuestEvent } from '../../../../src/share/events/event-line.codec.js';
import { EventQueue } from '../../../../src/share/events/event-queue.js';

const file = (path: string, operations: string): GuestEvent => ({ path, isFolder: false, operations });
const folder = (path: string, operations: string): GuestEvent => ({ path, isFolder: true, operations });
const move = (path: string, to: string, isFolder = false): GuestEvent => ({ path, isFolder, to });

function queued(events: readonly GuestEvent[], limit = 100): GuestEvent[] {
  const queue = new EventQueue(limit);
  for (const event of events) queue.push(event);
  return queue.take(Infinity);
}

describe('events that wait', () => {
  test('of a new file are one event', () => {
    expect(
      queued([file('/a', 'c'), file('/b', 'm'), file('/a', 'm'), file('/a', 'w'), file('/a', 'm')]),
    ).toEqual([file('/a', 'cmw'), file('/b', 'm')]);
  });

  test('keep their order around a deletion', () => {
    expect(queued([file('/a', 'm'), file('/a', 'd'), file('/a', 'c'), file('/a', 'w')])).toEqual([
      file('/a', 'm'),
      file('/a', 'd'),
      file('/a', 'cw'),
    ]);
  });

  test('keep their order around a move', () => {
    expect(
      queued([file('/tmp', 'cmw'), file('/f', 'm'), move('/tmp', '/f'), file('/f', 'm'), file('/tmp', 'c')]),
    ).toEqual([file('/tmp', 'cmw'), file('/f', 'm'), move('/tmp', '/f'), file('/f', 'm'), file('/tmp', 'c')]);
  });

  test('are not merged across the move or the deletion of a folder', () => {
    expect(queued([file('/d/f', 'm'), move('/d', '/e', true), file('/d/f', 'm')])).toHaveLength(3);
    expect(queued([file('/d/f', 'm'), folder('/d', 'd'), file('/d/f', 'm')])).toHaveLength(3);
  });

  test('are not changed once they were taken', () => {
    const queue = new EventQueue(100);
    queue.push(file('/a', 'c'));
    expect(queue.take(1)).toEqual([file('/a', 'c')]);
    queue.push(file('/a', 'm'));
    expect(queue.take(1)).toEqual([file('/a', 'm')]);
  });

  test('become a rescan of their folders when there are too many', () => {
    const many = Array.from({ length: 11 }, (_, index) => file(`/m/${index % 2}/${index}`, 'cmw'));
    expect(queued(many, 10)).toEqual([folder('/m/0', 'ma'), folder('/m/1', 'ma')]);
  });

  test('become rescans of folders nearer to the root when these are too many as well', () => {
    const many = Array.from({ length: 1_001 }, (_, index) => file(`/m/${index}/f`, 'c'));
    expect(queued(many, 1_000)).toEqual([folder('/m', 'ma')]);
  });

  test('are never more than the limit, and the last event of each path is kept or covered by a rescan', () => {
    const name = fc.constantFrom('/a', '/b', '/d/a', '/d/b', '/d/e/c');
    const event: fc.Arbitrary<GuestEvent> = fc.oneof(
      fc.record({
        path: name,
        isFolder: fc.boolean(),
        operations: fc.constantFrom('c', 'm', 'd', 'cmw', 'a'),
      }),
      fc.record({ path: name, isFolder: fc.boolean(), to: name }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (events, limit) => {
        const queue = new EventQueue(limit);
        for (const next of events) {
          queue.push(next);
          expect(queue.length).toBeLessThanOrEqual(limit);
        }
        const taken = queue.take(Infinity);
        for (const { path } of events)
          expect(taken.some((kept) => path === kept.path || path.startsWith(parent(kept.path)))).toBe(true);
      }),
    );
  });
});

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}
