import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBindSpec, encodeBindSpec } from '../../../../src/share/paths/bind-spec.codec.js';
import { hostPaths } from '../../../../src/share/index.js';

describe('a bind', () => {
  it.each([
    ['/src:/dst', ['/src', '/dst', undefined]],
    ['/src:/dst:ro', ['/src', '/dst', 'ro']],
    ['data:/dst:rw,z', ['data', '/dst', 'rw,z']],
    ['C:\\Windows:/host', ['C:\\Windows', '/host', undefined]],
    ['C:\\Windows:/host:ro', ['C:\\Windows', '/host', 'ro']],
    ['c:/Users/x:/data:cached', ['c:/Users/x', '/data', 'cached']],
    ['C:\\:/data', ['C:\\', '/data', undefined]],
    ['C::/data:ro', ['C:', '/data', 'ro']],
    ['C:/:/data', ['C:/', '/data', undefined]],
    ['\\\\?\\c:\\windows:/z', ['\\\\?\\c:\\windows', '/z', undefined]],
    ['\\\\server\\share:/share', ['\\\\server\\share', '/share', undefined]],
    ['\\\\.\\pipe\\foo:/pipe:foo:ro', ['\\\\.\\pipe\\foo', '/pipe', 'foo:ro']],
    ['\\\\.\\pipe\\a:b:/pipe', ['\\\\.\\pipe\\a:b', '/pipe', undefined]],
    ['c:/data', ['c', '/data', undefined]],
    ['c:/data:ro', ['c', '/data', 'ro']],
    ['c:/data:', ['c', '/data', '']],
    ['c:data', ['c', 'data', undefined]],
  ])('%s has the parts %j', (text, [source, target, options]) => {
    expect(decodeBindSpec(text)).toEqual({ source, target, options });
    expect(encodeBindSpec(decodeBindSpec(text)!)).toBe(text);
  });

  it.each(['/data', '', 'C:\\data', 'data:', ':/data'])('%j has no source', (text) => {
    expect(decodeBindSpec(text)).toBeUndefined();
  });

  it('is encoded to the same text, whatever its parts', () => {
    const text = fc.string({
      unit: fc.constantFrom('c', ':', '/', '\\', '?', '.', 'ro', 'pipe', ',', '\0', 'é'),
    });
    fc.assert(
      fc.property(text, (bind) => {
        const spec = decodeBindSpec(bind);
        if (spec !== undefined) expect(encodeBindSpec(spec)).toBe(bind);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a user's bind", () => {
  const paths = hostPaths('windows');

  it.each([
    ['C:\\site:/data:ro', '/C/site:/data:ro'],
    ['c:/a b:/data:rw,rshared', '/C/a b:/data:rw,rshared'],
    ['\\\\.\\pipe\\docker_engine:/var/run/docker.sock', '/var/run/docker.sock:/var/run/docker.sock'],
    ['/c/site:/data:delegated', '/C/site:/data:delegated'],
    ['c:/data', 'c:/data'],
    ['site:/data', 'site:/data'],
    ['\\\\server\\share:/data', '\\\\server\\share:/data'],
  ])('%s is %s for the engine', (bind, text) => {
    expect(paths.readBind(bind)?.text).toBe(text);
  });

  it.each([
    ['/C/site:/data:ro', 'C:\\site:/data:ro'],
    ['/C:/data', 'C:\\:/data'],
    ['/var/lib/x:/data', undefined],
    ['C:/data', undefined],
    ['/C/site', undefined],
  ])('%s of the engine is %s for the user', (bind, text) => {
    expect(paths.writeBind(bind)).toBe(text);
    if (text !== undefined) expect(paths.readBind(text)?.text).toBe(bind);
  });
});

describe('a bind whose options are a path', () => {
  it.each([
    'unix:///run/mobyvm/docker.sock:/var/run/docker.sock',
    'npipe:////./pipe/docker_engine:/var/run/docker.sock',
    'tcp://localhost:2375:/x/y',
  ])('begins with an address: %s is refused with the bind to use', (bind) => {
    expect(hostPaths('linux').readBind(bind)?.source).toMatchObject({
      kind: 'refused',
      advice: expect.stringContaining('-v //var/run/docker.sock:/var/run/docker.sock') as string,
    });
  });

  it.each(['C:\\site:C:\\data', '/a:/b:/c', 'vol:/x:/y:ro'])('%s is refused with the form to use', (bind) => {
    expect(hostPaths('windows').readBind(bind)?.source).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('SOURCE:TARGET[:OPTIONS]') as string,
    });
  });
});
