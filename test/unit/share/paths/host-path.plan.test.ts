import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHostPath, writeHostPath, type PathRule } from '../../../../src/share/paths/host-path.plan.js';

const RULES: readonly PathRule[] = ['windows', 'linux'];

/** What the text is in the VM: a path, `other` (left unchanged), or `refused`. */
function inVm(text: string, rule: PathRule): string {
  const read = readHostPath(text, rule);
  if (read.kind === 'host') return 'other';
  return read.kind === 'drive' || read.kind === 'guest' ? read.path : read.kind;
}

describe("the socket or pipe that DOCKER_HOST names, in the VM: the engine's own socket", () => {
  it.each<[string, string, PathRule]>([
    ['/run/mobyvm/docker.sock', '/run/mobyvm/docker.sock', 'linux'],
    ['/run/mobyvm/docker.sock', '/var/run/mobyvm/docker.sock', 'linux'],
    ['/run/mobyvm/docker.sock', '//run/./mobyvm/docker.sock', 'linux'],
    ['/tmp/r a/docker.sock', '/tmp/r a/docker.sock', 'linux'],
    ['\\\\.\\pipe\\own_engine', '\\\\.\\pipe\\Own_Engine', 'windows'],
  ])('of %s, %s by the rule of %s', (address, text, rule) => {
    expect(readHostPath(text, rule, address)).toEqual({ kind: 'guest', path: '/var/run/docker.sock' });
  });

  it.each([
    '/run/mobyvm',
    '/run/mobyvm/docker.sock2',
    '/srv/run/mobyvm/docker.sock',
    'run/mobyvm/docker.sock',
  ])('is not %s', (text) => {
    expect(readHostPath(text, 'linux', '/run/mobyvm/docker.sock').kind).not.toBe('guest');
  });
});

describe('a plain path under the rule of Linux', () => {
  it.each([
    ['/home/me/src', '/home/me/src'],
    ['/home//me/../you/./src/', '/home/you/src'],
    ['/', '/'],
  ])('%s may be one of the host: %s', (text, path) => {
    expect(readHostPath(text, 'linux')).toEqual({ kind: 'host', path });
  });

  it('is left alone under the rule of Windows', () => {
    expect(readHostPath('/home/me/src', 'windows')).toEqual({ kind: 'other' });
  });
});

describe("a user's path in the VM", () => {
  it.each([
    // text, under the rule of Windows, under that of Linux
    ['C:\\Users\\x', '/C/Users/x', '/C/Users/x'],
    ['c:\\Users\\x', '/C/Users/x', '/C/Users/x'],
    ['c:/Users/x', '/C/Users/x', '/C/Users/x'],
    ['C:\\', '/C', '/C'],
    ['C:/', '/C', '/C'],
    ['C:', '/C', '/C'],
    ['d:', '/D', '/D'],
    ['\\\\?\\C:\\x', '/C/x', '/C/x'],
    ['\\\\?\\c:\\', '/C', '/C'],
    ['\\\\.\\C:\\x', '/C/x', '/C/x'],
    ['//?/C:/x', '/C/x', 'other'],
    ['//c/Users', '/C/Users', 'other'],
    ['/c/Users', '/C/Users', 'other'],
    ['/c', '/C', 'other'],
    ['/C/Users', '/C/Users', '/C/Users'],
    ['/host_mnt/c/Users', '/C/Users', 'other'],
    ['/host_mnt/c', '/C', 'other'],
    ['/mnt/c/Users', '/C/Users', 'other'],
    ['/mnt/c', '/C', 'other'],
    ['/mnt/cache', 'other', 'other'],
    ['/cache/x', 'other', 'other'],
    ['C:\\Users/x\\y/z', '/C/Users/x/y/z', '/C/Users/x/y/z'],
    ['C:\\\\Users\\\\x', '/C/Users/x', '/C/Users/x'],
    ['C:\\Users\\x\\', '/C/Users/x', '/C/Users/x'],
    ['c:/Users/x///', '/C/Users/x', '/C/Users/x'],
    ['C:\\a\\.\\b\\..\\c', '/C/a/c', '/C/a/c'],
    ['C:\\..\\..\\x', '/C/x', '/C/x'],
    ['C:\\Program Files (x86)\\My App', '/C/Program Files (x86)/My App', '/C/Program Files (x86)/My App'],
    ['C:\\a.b\\.config\\..c', '/C/a.b/.config/..c', '/C/a.b/.config/..c'],
    ['C:\\a.\\b. .', '/C/a/b', '/C/a./b. .'],
    ['C:\\a \\b\\', '/C/a /b', '/C/a /b'],
    ['C:\\...\\b', '/C/.../b', '/C/.../b'],
    ['\\\\?\\C:\\a.\\b ', '/C/a./b ', '/C/a./b '],
    ['C:\\Übung\\日本\\🐳', '/C/Übung/日本/🐳', '/C/Übung/日本/🐳'],
    [`C:\\${'long\\'.repeat(800)}x`, `/C/${'long/'.repeat(800)}x`, `/C/${'long/'.repeat(800)}x`],
    [`C:\\${'long\\'.repeat(820)}x`, 'refused', 'refused'],
    ['\\\\.\\pipe\\docker_engine', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['//./pipe/docker_engine', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['\\\\.\\pipe\\mobyvm_engine', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['//?/pipe/mobyvm_engine', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['//./pipe/foo', 'refused', 'refused'],
    ['//var/run/docker.sock', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['/run/../run//docker.sock', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['/var/run/docker.sock.d', 'other', 'other'],
    ['\\\\.\\PIPE\\Docker_Engine', '/var/run/docker.sock', '/var/run/docker.sock'],
    ['\\\\.\\pipe\\foo', 'refused', 'refused'],
    ['\\\\server\\share\\x', 'refused', 'refused'],
    ['\\\\?\\UNC\\server\\share', 'refused', 'refused'],
    ['\\\\?\\Volume{01234567-89ab}\\x', 'refused', 'refused'],
    ['C:Users\\x', 'refused', 'refused'],
    ['c:x', 'refused', 'refused'],
    ['\\Users\\x', 'refused', 'other'],
    ['C:\\a\\b:stream', 'refused', '/C/a/b:stream'],
    ['C:\\a\\*', 'refused', '/C/a/*'],
    ['C:\\a\0', 'refused', 'refused'],
    ['/var/run/docker.sock', 'other', 'other'],
    ['/', 'other', 'other'],
    ['', 'other', 'other'],
    ['c', 'other', 'other'],
    ['my-volume', 'other', 'other'],
    ['./x', 'other', 'other'],
    ['~/x', 'other', 'other'],
  ])('%s is %s on Windows and %s on Linux', (text, onWindows, onLinux) => {
    expect(inVm(text, 'windows')).toBe(onWindows);
    expect(inVm(text, 'linux')).toBe(onLinux);
  });

  it('is rejected with a reason that quotes it, and advice', () => {
    expect(readHostPath('C:site', 'windows')).toEqual({
      kind: 'refused',
      reason: '"C:site" is relative to the current folder on drive C, which mobyvm does not know',
      advice: 'Use the full path, such as C:\\site.',
    });
  });

  it('is unchanged when converted again', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...RULES), (text, rule) => {
        const once = readHostPath(`C:\\${text}`, rule);
        if (once.kind !== 'drive') return;
        const written = writeHostPath(once.path, rule);
        if (written !== undefined) expect(readHostPath(written, rule)).toEqual(once);
      }),
    );
  });
});

describe("a guest path in the user's form", () => {
  it.each([
    ['/C/Users/x', 'C:\\Users\\x', 'C:\\Users\\x'],
    ['/C', 'C:\\', 'C:\\'],
    ['/C/a b/日本', 'C:\\a b\\日本', 'C:\\a b\\日本'],
    ['/C/a.', '\\\\?\\C:\\a.', 'C:\\a.'],
    ['/C/a ', '\\\\?\\C:\\a ', 'C:\\a '],
    ['/C/a:b', undefined, 'C:\\a:b'],
    ['/C/a\\b', undefined, undefined],
    ['/C/', undefined, undefined],
    ['/C//a', undefined, undefined],
    ['/C/../a', undefined, undefined],
    ['/c/Users', undefined, undefined],
    ['/CC/x', undefined, undefined],
    ['/var/lib/docker', undefined, undefined],
  ])('%s is %s on Windows and %s on Linux', (path, onWindows, onLinux) => {
    expect(writeHostPath(path, 'windows')).toBe(onWindows);
    expect(writeHostPath(path, 'linux')).toBe(onLinux);
  });

  it('is converted back to the same path', () => {
    const segment = fc.string({
      unit: fc.constantFrom('a', 'B', '.', ' ', 'é', '日', ':', '\\', '?', '-', '🐳'),
    });
    const path = fc
      .tuple(fc.constantFrom('C', 'D', 'Z'), fc.array(segment, { maxLength: 5 }))
      .map(([drive, segments]) => ['', drive, ...segments].join('/'));
    fc.assert(
      fc.property(path, fc.constantFrom(...RULES), (guestPath, rule) => {
        const written = writeHostPath(guestPath, rule);
        if (written !== undefined) expect(inVm(written, rule)).toBe(guestPath);
      }),
      { numRuns: 2_000 },
    );
  });
});
