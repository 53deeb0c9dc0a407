import { posix, win32 } from 'node:path';
import { expect, test } from 'vitest';
import { imageLocation } from '../../../src/daemon/image-location.js';

const paths = { imageDir: 'C:\\ProgramData\\mobyvm\\state\\image' };
const windows = (...parts: readonly string[]): string => win32.join(...parts);
const linux = (...parts: readonly string[]): string => posix.join(...parts);

test('the boot image is in the folder of the settings, or else in our own, which alone is ours to delete', () => {
  expect(imageLocation({ image: {} }, paths, windows)).toEqual({
    directory: paths.imageDir,
    isoPath: `${paths.imageDir}\\mobyvm.iso`,
    ownFolder: paths.imageDir,
  });
  expect(imageLocation({ image: { directory: '/srv/image' } }, paths, linux)).toEqual({
    directory: '/srv/image',
    isoPath: '/srv/image/mobyvm.iso',
    ownFolder: undefined,
  });
});

test.each([
  ['C:/images/moby', 'C:\\images\\moby\\mobyvm.iso'],
  ['D:\\', 'D:\\mobyvm.iso'],
  ['\\\\server\\share\\moby\\', '\\\\server\\share\\moby\\mobyvm.iso'],
])('on Windows %s leads to %s', (directory, isoPath) => {
  expect(imageLocation({ image: { directory } }, paths, windows).isoPath).toBe(isoPath);
});

test('an image of the package has a folder of its version, unless the settings name another', () => {
  const packaged = { directory: 'C:\\Program Files\\mobyvm\\image', version: '0123456789abcdef' };
  expect(imageLocation({ image: {} }, paths, windows, packaged)).toEqual({
    directory: `${paths.imageDir}\\0123456789abcdef`,
    isoPath: `${paths.imageDir}\\0123456789abcdef\\mobyvm.iso`,
    ownFolder: paths.imageDir,
    packaged: packaged.directory,
  });
  const named = imageLocation({ image: { directory: 'D:\\moby' } }, paths, windows, packaged);
  expect(named).toEqual({ directory: 'D:\\moby', isoPath: 'D:\\moby\\mobyvm.iso', ownFolder: undefined });
});
