import { describe, expect, test } from 'vitest';
import { reportOf } from '../../../src/core/values/index.js';
import { errorOf } from '../../../src/protocol/error-text.js';
import { dockerHostLine, missingRightsError, rightsOf } from '../../../src/protocol/platform.js';

describe('the line that sets DOCKER_HOST', () => {
  test.each([
    ['linux', '/run/mobyvm/docker.sock', 'export DOCKER_HOST=unix:///run/mobyvm/docker.sock'],
    ['linux', '/tmp/r a/docker.sock', "export DOCKER_HOST='unix:///tmp/r a/docker.sock'"],
    ['linux', "/tmp/it's/$x/docker.sock", `export DOCKER_HOST='unix:///tmp/it'\\''s/$x/docker.sock'`],
    ['windows', '\\\\.\\pipe\\mobyvm_engine', "$env:DOCKER_HOST = 'npipe:////./pipe/mobyvm_engine'"],
  ] as const)('on %s for %s is quoted for the shell', (platform, endpoint, line) => {
    expect(dockerHostLine(platform, endpoint)).toBe(line);
  });
});

test.each([
  ['linux', /sudo/],
  ['windows', /elevated/],
] as const)('missing rights on %s are reported with a remedy', (platform, remedy) => {
  const rights = rightsOf(platform, () => Promise.resolve(false));
  expect(missingRightsError(rights).remedy).toMatch(remedy);
});

test('an error is unchanged after it was passed to another process', () => {
  const error = missingRightsError({ remedy: 'Use sudo.' });
  expect(reportOf(errorOf(reportOf(error)))).toEqual(reportOf(error));
});
