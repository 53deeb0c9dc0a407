import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import {
  decodeGroupEntry,
  encodeGroupEntry,
  findGroupId,
} from '../../../../src/daemon/linux/group-file.codec.js';

/** From /etc/group of Debian 12, with users added by `usermod -aG docker`. */
const DOCKER_LINE = 'docker:x:998:ann,bob';

describe('a line of /etc/group', () => {
  it('is decoded as Debian writes it', () => {
    expect(decodeGroupEntry(DOCKER_LINE)).toEqual({ name: 'docker', gid: 998, members: ['ann', 'bob'] });
    expect(encodeGroupEntry({ name: 'docker', gid: 998, members: ['ann', 'bob'] })).toBe(DOCKER_LINE);
  });

  it('survives encoding and decoding', () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,20}$/);
    const entry = fc.record({
      name,
      gid: fc.integer({ min: 0, max: 0xffff_fffe }),
      members: fc.array(name, { maxLength: 5 }),
    });
    fc.assert(
      fc.property(entry, (value) => {
        expect(decodeGroupEntry(encodeGroupEntry(value))).toEqual(value);
      }),
    );
  });

  it('is rejected when truncated anywhere', () => {
    // Members are optional: the shortest whole entry ends in its third colon.
    const whole = 'docker:x:998:';
    expect(decodeGroupEntry(whole).members).toEqual([]);
    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decodeGroupEntry(whole.slice(0, length)), whole.slice(0, length)).toThrow(CodecError);
    }
  });

  it('decodes arbitrary text to a value or a CodecError', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ':', ',', '9', '\n', ' ', '-', 'é') });
    fc.assert(
      fc.property(text, (line) => {
        try {
          expect(Number.isSafeInteger(decodeGroupEntry(line).gid)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
  });

  it.each(['docker:x:-1:', 'docker:x:abc:', 'docker:x::', 'docker:x:4294967295:', ':x:1:', 'a:x:1:b:c'])(
    'is rejected as %j',
    (line) => expect(() => decodeGroupEntry(line)).toThrow(CodecError),
  );
});

describe('a group lookup', () => {
  const file = 'root:x:0:\ndocker-users:x:5:\n+nis::\ndocker:x:oops:\ndocker:x:998:ann\ndocker:x:7:\n';

  it('finds the first complete entry with exactly that name and skips the rest', () => {
    expect(findGroupId(file, 'docker')).toBe(998);
    expect(findGroupId(file, 'root')).toBe(0);
  });

  it('finds nothing in an empty file', () => {
    expect(findGroupId(file, 'dock')).toBeUndefined();
    expect(findGroupId('', 'docker')).toBeUndefined();
  });
});
