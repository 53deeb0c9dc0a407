import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeFanotifyEvents,
  FANOTIFY,
  handleKey,
} from '../../../../src/share/events/linux/fanotify.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  wireFixture,
} from '../../../support/wire-fixture.js';

const CAPTURE = wireFixture('fanotify-tmpfs');

function namesOf(mask: number): string[] {
  return Object.entries(FANOTIFY).flatMap(([name, bit]) => ((mask & bit) !== 0 ? [name] : []));
}

describe('events of fanotify', () => {
  test('are read as the kernel wrote them', () => {
    const events = decodeFanotifyEvents(CAPTURE);
    expect(
      events.map(({ mask, entry, from, to }) => [
        namesOf(mask).join(' '),
        from === undefined ? entry?.name : `${from.name ?? ''} → ${to?.name ?? ''}`,
      ]),
    ).toEqual([
      ['create isFolder', 'a'],
      ['modify closeWrite create', 'f'],
      ['rename', 'f → g ü'],
      ['rename isFolder', 'a → b'],
      ['attributes isFolder', '.'],
      // The link count of a file that is deleted: without a name.
      ['attributes', undefined],
      ['delete', 'g ü'],
      ['delete isFolder', 'b'],
    ]);
  });

  test('name a folder by the same key as target and as parent', () => {
    const [made, file, , moved] = decodeFanotifyEvents(CAPTURE);
    expect(file?.entry?.folder).toBe(made?.target);
    expect(moved?.target).toBe(made?.target);
    expect(moved?.from?.folder).toBe(made?.entry?.folder);
    expect(made?.pid).toBeGreaterThan(0);
  });

  test('that are cut off are refused, unless the cut is between two of them', () => {
    const [first] = decodeFanotifyEvents(CAPTURE);
    const length = new DataView(CAPTURE.buffer).getUint32(0, true);
    expect(decodeFanotifyEvents(CAPTURE.slice(0, length))).toEqual([first]);
    expectEveryProperPrefixRefused(CAPTURE.slice(0, length), (bytes) =>
      decodeFanotifyEvents(bytes.length === 0 ? new Uint8Array(1) : bytes),
    );
  });

  test('of any bytes give events or a CodecError', () => {
    expectValueOrCodecError(decodeFanotifyEvents, [CAPTURE]);
  });

  test('have no name if it is not UTF-8', () => {
    const bytes = CAPTURE.slice();
    const at = bytes.indexOf('a'.charCodeAt(0), 24 + 20);
    bytes[at] = 0xff;
    expect(decodeFanotifyEvents(bytes)[0]?.entry?.name).toBeUndefined();
  });

  test('of different files have different keys', () => {
    const bytes = fc.uint8Array({ maxLength: 16 });
    const fsid = fc.uint8Array({ minLength: 8, maxLength: 8 });
    const key = fc.tuple(fsid, fc.integer(), bytes);
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(handleKey(...a) === handleKey(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });
});
