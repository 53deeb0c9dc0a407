import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changesOfNotifications,
  decodeFileNotifications,
  type FileNotification,
} from '../../../../src/share/events/windows/file-notify.codec.js';
import { expectEveryProperPrefixRefused, expectValueOrCodecError } from '../../../support/wire-fixture.js';

const ACTIONS = ['added', 'removed', 'modified', 'renamed-from', 'renamed-to'] as const;

/** As Windows fills the buffer: each record but the last is padded to a multiple of four. */
function bufferOf(notifications: readonly FileNotification[]): Uint8Array {
  const records = notifications.map(({ action, name }, index) => {
    const isLast = index === notifications.length - 1;
    const length = 12 + name.length * 2;
    const padded = isLast ? length : Math.ceil(length / 4) * 4;
    const record = new Uint8Array(padded);
    const view = new DataView(record.buffer);
    view.setUint32(0, isLast ? 0 : padded, true);
    view.setUint32(4, ACTIONS.indexOf(action) + 1, true);
    view.setUint32(8, name.length * 2, true);
    for (let at = 0; at < name.length; at += 1) view.setUint16(12 + at * 2, name.charCodeAt(at), true);
    return record;
  });
  return Uint8Array.from(records.flatMap((record) => [...record]));
}

const SAMPLE: readonly FileNotification[] = [
  { action: 'renamed-from', name: 'src\\a.ts' },
  { action: 'renamed-to', name: 'src\\ü.ts' },
  { action: 'modified', name: 'x' },
];

describe('a buffer of ReadDirectoryChangesW', () => {
  test('comes back as it was', () => {
    const notification = fc.record({
      action: fc.constantFrom(...ACTIONS),
      name: fc.string({ unit: 'binary', minLength: 1, maxLength: 100 }),
    });
    fc.assert(
      fc.property(fc.array(notification), (all) => {
        expect(decodeFileNotifications(bufferOf(all))).toEqual(all);
      }),
    );
  });

  test('that is cut off is refused', () => {
    expectEveryProperPrefixRefused(bufferOf(SAMPLE).slice(0), (bytes) => {
      // No bytes at all is what Windows returns when there was too much for the buffer.
      if (bytes.length === 0) return decodeFileNotifications(new Uint8Array(1));
      return decodeFileNotifications(bytes);
    });
  });

  test('of any bytes gives notifications or a CodecError', () => {
    expectValueOrCodecError(decodeFileNotifications, [bufferOf(SAMPLE)]);
  });

  test('keeps what it knows beside an action that it does not', () => {
    const bytes = bufferOf(SAMPLE);
    new DataView(bytes.buffer).setUint32(4, 9, true);
    expect(decodeFileNotifications(bytes)).toEqual(SAMPLE.slice(1));
  });
});

describe('notifications', () => {
  test('of a rename are one move', () => {
    expect(changesOfNotifications(SAMPLE, 'C:\\site').slice(0, 1)).toEqual([
      { kind: 'moved', path: 'C:\\site\\src\\a.ts', to: 'C:\\site\\src\\ü.ts', isFolder: false },
    ]);
  });

  test('of half a rename are a deletion or a creation', () => {
    const halves: readonly FileNotification[] = [
      { action: 'renamed-to', name: 'in' },
      { action: 'renamed-from', name: 'out' },
      { action: 'added', name: 'new' },
      { action: 'renamed-from', name: 'gone' },
    ];
    expect(changesOfNotifications(halves, 'D:\\').map((change) => [change.kind, change.path])).toEqual([
      ['created', 'D:\\in'],
      ['deleted', 'D:\\out'],
      ['created', 'D:\\new'],
      ['deleted', 'D:\\gone'],
    ]);
  });
});
