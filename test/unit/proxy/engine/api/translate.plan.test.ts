import { describe, expect, it } from 'vitest';
import { PATH_MEMBERS, type Shape } from '../../../../../src/proxy/engine/api/path-sites.plan.js';
import { decodeJsonText, JsonScanner } from '../../../../../src/proxy/engine/api/json-text.codec.js';
import {
  errorToHost,
  toGuest,
  toHost,
  type Request,
} from '../../../../../src/proxy/engine/api/translate.plan.js';
import { hostPaths } from '../../../../../src/share/index.js';

const paths = hostPaths('windows');

function request(text: string): Request {
  const bytes = Buffer.from(text).toString('latin1');
  const scanner = new JsonScanner(bytes, PATH_MEMBERS);
  scanner.advance(Infinity);
  return { text: bytes, document: scanner.document };
}

function guest(value: unknown, shape: Shape): unknown {
  const read = toGuest(request(JSON.stringify(value)), shape, paths);
  if (read.kind === 'refused') return read.message;
  return read.text === undefined ? 'as it came' : JSON.parse(read.text);
}

function host(value: unknown, shape: Shape): unknown {
  const json = JSON.stringify(value);
  const text = toHost(json, { root: decodeJsonText(json), shape }, paths);
  return text === undefined ? 'as it came' : JSON.parse(text);
}

const bind = (Source: string) => ({ Type: 'bind', Source, Target: '/C/data', ReadOnly: true });
const localVolume = (device: string) => ({ type: 'none', o: 'bind', device });

describe('paths in requests', () => {
  it.each<[string, Shape, unknown, unknown]>([
    [
      'binds',
      'container',
      { HostConfig: { Binds: ['C:\\site:/data:ro', 'vol:/x', 'c:/data'] } },
      { HostConfig: { Binds: ['/C/site:/data:ro', 'vol:/x', 'c:/data'] } },
    ],
    [
      'bind mounts, and no other source',
      'container',
      { HostConfig: { Mounts: [bind('C:\\site'), { Type: 'volume', Source: 'C:\\x' }] } },
      { HostConfig: { Mounts: [bind('/C/site'), { Type: 'volume', Source: 'C:\\x' }] } },
    ],
    [
      'devices of local volumes',
      'container',
      {
        HostConfig: {
          Mounts: [{ Type: 'volume', VolumeOptions: { DriverConfig: { Options: localVolume('D:\\x') } } }],
        },
      },
      {
        HostConfig: {
          Mounts: [{ Type: 'volume', VolumeOptions: { DriverConfig: { Options: localVolume('/D/x') } } }],
        },
      },
    ],
    [
      'names in any case, as Go reads them',
      'container',
      { hostconfig: { BINDS: ['C:\\x:/y'] } },
      { hostconfig: { BINDS: ['/C/x:/y'] } },
    ],
    [
      'the pipe of the engine',
      'container',
      { HostConfig: { Mounts: [bind('\\\\.\\pipe\\docker_engine'), bind('//./pipe/mobyvm_engine')] } },
      { HostConfig: { Mounts: [bind('/var/run/docker.sock'), bind('/var/run/docker.sock')] } },
    ],
    [
      'services',
      'spec',
      { TaskTemplate: { ContainerSpec: { Mounts: [bind('C:\\a')] } } },
      { TaskTemplate: { ContainerSpec: { Mounts: [bind('/C/a')] } } },
    ],
    [
      'local volumes',
      'volume',
      { Name: 'x', DriverOpts: localVolume('C:\\x') },
      { Name: 'x', DriverOpts: localVolume('/C/x') },
    ],
    [
      'settings of plugins',
      'settings',
      ['mount.source=C:\\x', 'DEBUG=C:\\x', 'data.source=/var/x'],
      ['mount.source=/C/x', 'DEBUG=C:\\x', 'data.source=/var/x'],
    ],
    ['the old body of start', 'hostConfig', { Binds: ['C:\\x:/y'] }, { Binds: ['/C/x:/y'] }],
  ])('become guest paths: %s', (_what, shape, request, sent) => {
    expect(guest(request, shape)).toEqual(sent);
  });

  it.each<[string, Shape, unknown]>([
    ['labels', 'container', { Labels: { 'com.docker.compose.project.working_dir': 'C:\\app' } }],
    ['environment and command', 'container', { Env: ['X=C:\\x:/y'], Cmd: ['C:\\x'] }],
    ['paths of the VM', 'container', { HostConfig: { Binds: ['/var/run/docker.sock:/d'] } }],
    ['volumes of other drivers', 'volume', { Driver: 'nfs', DriverOpts: localVolume('C:\\x') }],
    ['network volumes', 'volume', { DriverOpts: { type: 'cifs', o: 'addr=x', device: '//server/share' } }],
    ['unexpected shapes', 'container', { HostConfig: { Binds: 'C:\\x:/y', Mounts: [7, null] } }],
    ['null', 'container', null],
  ])('are unchanged: %s', (_what, shape, request) => {
    expect(guest(request, shape)).toBe('as it came');
  });

  it('are found where the engine finds them', () => {
    for (const text of [
      '{"HostConfig":{"bind\u017f":["C:\\\\x:/y"]}}',
      '{"Ho\u017ftConfig":{"\\u0042inds":["C:\\\\x:/y"]}}',
      '{"Binds":["C:\\\\x:/y"]}',
      '{"HostConfig":{"Binds":["C:\\\\x:/y"]}} and text',
      `{"x":${'['.repeat(9_000)}${']'.repeat(9_000)},"HostConfig":{"Binds":["C:\\\\x:/y"]}}`,
    ])
      expect(toGuest(request(text), 'container', paths), text.slice(0, 40)).toMatchObject({
        text: expect.stringContaining('["/C/x:/y"]') as string,
        paths: [{ path: '/C/x' }],
      });
  });

  it('of services are found whatever the case of the type, and without one', () => {
    for (const Type of ['bind', 'BIND', ''])
      expect(
        guest({ TaskTemplate: { ContainerSpec: { Mounts: [{ Type, Source: 'C:\\a' }] } } }, 'spec'),
      ).toEqual({
        TaskTemplate: { ContainerSpec: { Mounts: [{ Type, Source: '/C/a' }] } },
      });
  });

  it.each([
    '{"HostConfig":{"Mounts":[{"Type":"volume","Source":"C:\\\\x"}],"mounts":[{"Type":"bind"}]}}',
    '{"HostConfig":{},"ho\u017ftconfig":{}}',
    '{"Binds":null,"Binds":["/C/x:/y"]}',
  ])('are refused if the engine would merge repeated members: %s', (text) => {
    expect(toGuest(request(text), 'container', paths)).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/has the member "\S+" more than once/i) as string,
    });
  });

  it.each<[string, unknown, RegExp]>([
    [
      'a network path',
      { HostConfig: { Binds: ['\\\\server\\share:/x'] } },
      /network path.*docker volume create/,
    ],
    ['another pipe', { HostConfig: { Mounts: [bind('\\\\.\\pipe\\x')] } }, /named pipe "x"/],
    [
      'a mount of a pipe',
      { HostConfig: { Mounts: [{ Type: 'npipe', Source: '\\\\.\\pipe\\docker_engine' }] } },
      /type npipe.* -v \/\/var\/run\/docker\.sock:\/var\/run\/docker\.sock/,
    ],
    [
      'an address as the source',
      { HostConfig: { Binds: ['unix:///run/x.sock:/var/run/docker.sock'] } },
      /begins with an address.* -v \/\/var\/run\/docker\.sock:/,
    ],
    ['a relative path', { HostConfig: { Mounts: [bind('C:x')] } }, /Use the full path, such as C:\\x/],
    [
      'a Windows device name',
      { HostConfig: { Devices: [{ PathOnHost: 'COM3' }] } },
      /"COM3" is a Windows device/,
    ],
    [
      'a GPU',
      { HostConfig: { DeviceRequests: [{ Count: -1, Capabilities: [['compute'], ['gpu', 'nvidia']] }] } },
      /cannot use a GPU, because the VM has none\. Leave out --gpus/,
    ],
  ])('are refused with advice: %s', (_what, request, message) => {
    expect(guest(request, 'container')).toMatch(message);
  });

  it('leave requests for other devices to the engine', () => {
    const DeviceRequests = [{ Driver: 'cdi', DeviceIDs: ['gpu'], Options: { gpu: 'gpu' } }];
    expect(guest({ HostConfig: { DeviceRequests } }, 'container')).toBe('as it came');
  });

  it('report the drives that they need', () => {
    const text = JSON.stringify({ HostConfig: { Binds: ['c:/b:/x', '/D/y:/y', 'vol:/z'] } });
    expect(toGuest(request(text), 'container', paths)).toMatchObject({
      paths: [
        { drive: 'C', path: '/C/b', asWritten: 'C:\\b' },
        { drive: 'D', path: '/D/y', asWritten: 'D:\\y' },
      ],
    });
  });
});

describe('paths in responses', () => {
  it.each<[string, Shape, unknown, unknown]>([
    [
      'an inspected container',
      'container',
      {
        HostConfig: { Binds: ['/C/site:/data:ro'], Mounts: [bind('/C/a')] },
        Mounts: [bind('/C/site'), { Type: 'volume', Source: '/C/x' }],
        Config: { Labels: { x: '/C/site' } },
      },
      {
        HostConfig: { Binds: ['C:\\site:/data:ro'], Mounts: [bind('C:\\a')] },
        Mounts: [bind('C:\\site'), { Type: 'volume', Source: '/C/x' }],
        Config: { Labels: { x: '/C/site' } },
      },
    ],
    ['listed containers', 'containers', [{ Mounts: [bind('/C/a')] }], [{ Mounts: [bind('C:\\a')] }]],
    [
      'services',
      'services',
      [{ Spec: { TaskTemplate: { ContainerSpec: { Mounts: [bind('/C/a')] } } } }],
      [{ Spec: { TaskTemplate: { ContainerSpec: { Mounts: [bind('C:\\a')] } } } }],
    ],
    [
      'tasks',
      'tasks',
      [{ Spec: { ContainerSpec: { Mounts: [bind('/C/a')] } } }],
      [{ Spec: { ContainerSpec: { Mounts: [bind('C:\\a')] } } }],
    ],
    [
      'volumes',
      'volumes',
      { Volumes: [{ Driver: 'local', Options: localVolume('/C/a'), Mountpoint: '/var/lib/x' }] },
      { Volumes: [{ Driver: 'local', Options: localVolume('C:\\a'), Mountpoint: '/var/lib/x' }] },
    ],
    [
      'plugins',
      'plugins',
      [{ Settings: { Mounts: [{ Source: '/C/a' }] } }],
      [{ Settings: { Mounts: [{ Source: 'C:\\a' }] } }],
    ],
    [
      'disk usage',
      'usage',
      {
        Volumes: [{ Driver: 'local', Options: localVolume('/C/a') }],
        Containers: [{ Mounts: [bind('/C/a')] }],
      },
      {
        Volumes: [{ Driver: 'local', Options: localVolume('C:\\a') }],
        Containers: [{ Mounts: [bind('C:\\a')] }],
      },
    ],
    ['no path on a drive', 'container', { Mounts: [bind('/var/x')] }, 'as it came'],
  ])('become host paths: %s', (_what, shape, response, shown) => {
    expect(host(response, shape)).toEqual(shown);
  });
});

describe('the text of an error', () => {
  const known = [
    { drive: 'C', path: '/C/site', asWritten: 'C:\\site' },
    { drive: 'C', path: '/C/site/a b', asWritten: 'C:\\site\\a b' },
  ];

  it.each([
    ['bind source path does not exist: /C/site', 'bind source path does not exist: C:\\site'],
    ['mount "/C/site/a b": no', 'mount "C:\\site\\a b": no'],
    ['is /C/site. So', 'is C:\\site. So'],
    ['/C/site.bak and /C/sites and /x/C/site and /C/other', undefined],
  ])('%s becomes %s', (message, shown) => {
    const text = errorToHost(JSON.stringify({ message, other: '/C/site' }), known);
    expect(text && JSON.parse(text)).toEqual(shown && { message: shown, other: '/C/site' });
  });
});
