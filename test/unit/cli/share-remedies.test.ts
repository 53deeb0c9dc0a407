import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import yargs from 'yargs';
import { COMMANDS } from '../../../src/cli/definitions.js';
import { validOwner } from '../../../src/cli/valid-options.js';
import { parseOctalMode } from '../../../src/core/values/index.js';
import { run } from '../../../src/core/host/index.js';
import { shareHealth } from '../../../src/daemon/shares/share-health.js';
import type { Shares } from '../../../src/share/index.js';
import { findShare, newShare, type ShareRequest } from '../../../src/share/new-share.plan.js';
import type { PathRule } from '../../../src/share/paths/host-path.plan.js';
import { accountOf } from '../../../src/share/samba/samba-account.js';
import { changeAccountCommands, shareCommand } from '../../../src/share/share-command.plan.js';
import type { ShareEntry } from '../../../src/share/share-entry.js';
import { credentialsError } from '../../../src/share/share-errors.js';
import { DEFAULT_OWNER } from '../../../src/share/share.js';
import { failureOfHealth, failureOfMount } from '../../../src/share/state/share-failure.plan.js';

/** Commands in what users are advised to do: each is parsed by the real definitions, and does what it is meant to do. */
const NAMES: readonly (readonly [PathRule, Partial<ShareRequest> & { readonly name: string }])[] = [
  ['linux', { name: 'C', path: '/srv/site' }],
  ['linux', { name: 'D', path: "/srv/it's $HOME `here`", isReadOnly: true }],
  ['linux', { name: '/home/me/src' }],
  ['linux', { name: '/home/me/my files', isReadOnly: true, user: 'me' }],
  ['linux', { name: '/home/me/"quoted" \\and !more' }],
  ['linux', { name: 'E', path: '/srv', owner: { uid: 33, gid: 0, fileMode: 0o640, directoryMode: 0o75 } }],
  ['windows', { name: 'C' }],
  ['windows', { name: 'C:\\work\\my files', isReadOnly: true }],
  ['windows', { name: 'C:\\work\\100%', user: 'CORP\\me' }],
];

function requestOf(request: Partial<ShareRequest> & { readonly name: string }): ShareRequest {
  return { path: undefined, isReadOnly: false, user: undefined, ...request };
}

function entryOf(rule: PathRule, request: ShareRequest): ShareEntry {
  const made = newShare(request, rule, []);
  if (made.kind === 'refused') throw new TypeError(made.message);
  return made.share;
}

/** Those that a text names: up to its end, to the next one, or to the backtick that closes it. */
function commandsIn(remedy: string): readonly string[] {
  return remedy
    .split(/, then (?=mobyvm )/)
    .map((part) => /(?<tick>`?)(?<command>mobyvm .*)/.exec(part)?.groups ?? {})
    .map(({ tick = '', command = '' }) => (tick === '' ? command : (/^[^`]*/.exec(command)?.[0] ?? '')));
}

/** As the shell of the platform gives it to the program. */
async function argumentsOf(command: string, rule: PathRule): Promise<readonly string[]> {
  if (rule === 'windows')
    return [...command.matchAll(/"([^"]*)"|[^\s"]+/g)].map(([word, quoted]) => quoted ?? word).slice(1);
  const script = `mobyvm() { printf '%s\\0' "$@"; }\n${command}\n`;
  return (await run('sh', ['-s'], { input: script, cwd: tmpdir() })).stdout.split('\0').slice(0, -1);
}

function ownerIn(argv: Readonly<Record<string, unknown>>): ShareRequest['owner'] {
  const { fileMode, directoryMode, ...ids } =
    validOwner({
      uid: argv['uid'] as number | undefined,
      gid: argv['gid'] as number | undefined,
      fileMode: argv['fileMode'] as string | undefined,
      directoryMode: argv['dirMode'] as string | undefined,
    }) ?? {};
  const modes = {
    ...(fileMode === undefined ? {} : { fileMode: parseOctalMode(fileMode) }),
    ...(directoryMode === undefined ? {} : { directoryMode: parseOctalMode(directoryMode) }),
  };
  return argv['uid'] === undefined && fileMode === undefined ? undefined : { ...ids, ...modes };
}

interface Parsed {
  readonly verb: string;
  readonly request: ShareRequest;
}

async function parsed(command: string, rule: PathRule): Promise<Parsed> {
  const [group, verb = '', ...words] = await argumentsOf(command, rule);
  expect([group, verb]).toEqual(['share', expect.stringMatching(/^(?:add|remove|check|set-credentials)$/)]);
  let isChosen = false;
  const parser = yargs()
    .strict()
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw new Error(`${command}: ${message ?? error?.message ?? ''}`);
    });
  for (const each of COMMANDS.filter(({ name }) => name.startsWith('share ')))
    each.addTo(parser, () => (isChosen = true));
  const argv = await parser.parseAsync([verb, ...words]);
  expect(isChosen).toBe(true);
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const isReadOnly = argv['readOnly'] === true;
  return {
    verb,
    request: {
      name: text(argv['name']) ?? '',
      path: text(argv['path']),
      user: text(argv['user']),
      isReadOnly,
      owner: ownerIn(argv),
    },
  };
}

describe.each(NAMES)('on %s, for %j', (rule, given) => {
  const request = requestOf(given);
  const entry = entryOf(rule, request);
  const share = { ...entry, owner: DEFAULT_OWNER };

  test.each([undefined, 'NAME'])('a share can be given another account: %s', async (user) => {
    const [remove = '', add = '', ...more] = commandsIn(`Do so: ${changeAccountCommands(entry, user)}`);
    expect(more).toEqual([]);
    const removed = await parsed(remove, rule);
    expect(removed.verb).toBe('remove');
    expect(findShare(removed.request.name, [entry])).toBe(entry);
    const added = await parsed(add, rule);
    expect(added.verb).toBe('add');
    const account = user === undefined ? { kind: 'private' } : { kind: 'user', user };
    expect(newShare(added.request, rule, [])).toEqual({ kind: 'share', share: { ...entry, account } });
  });

  test('each failure names a command that finds the share', async () => {
    const steps = ['tcp', 'negotiate', 'login', 'tree', 'mount'] as const;
    const errnos = [0, 2, 5, 13, 111, 127];
    const remedies = [
      ...errnos.flatMap((errno) =>
        steps.map((step) => failureOfMount({ ok: false, step, errno, text: '' }, share.name)),
      ),
      ...errnos.map((errno) => failureOfHealth(errno, share.name)),
    ].map(({ failure }) => failure.remedy);
    const texts = [...remedies, credentialsError(share.id, 'No.').remedy, shareCommand('check', share.name)];
    const commands = new Set(texts.flatMap(commandsIn).filter((each) => each.startsWith('mobyvm share')));
    expect(commands.size).toBeGreaterThanOrEqual(3);
    for (const command of commands)
      expect(findShare((await parsed(command, rule)).request.name, [share])).toBe(share);
  });

  test('a second one is refused with the command that removes the first', async () => {
    const again = newShare(request, rule, [entry]);
    if (again.kind !== 'refused') throw new TypeError('It is shared twice.');
    const [command = ''] = commandsIn(again.remedy);
    expect(findShare((await parsed(command, rule)).request.name, [entry])).toBe(entry);
  });
});

test.each([
  ['linux', { name: 'C', isReadOnly: true }],
  ['linux', { name: 'C:\\site', user: 'me' }],
  ['linux', { name: '/home/me/my files', path: '/home', isReadOnly: true }],
  ['linux', { name: '/', isReadOnly: true }],
  ['linux', { name: '/c/my files', user: 'me' }],
  ['windows', { name: 'C:\\work', path: 'D:\\my files', isReadOnly: true }],
  ['windows', { name: 'C', path: 'D:\\my files', user: 'me' }],
] as const)('on %s, %j is refused with a command that is accepted', async (rule, given) => {
  const request = requestOf(given);
  const result = newShare(request, rule, []);
  if (result.kind !== 'refused') throw new TypeError('It is accepted.');
  const [command = ''] = commandsIn(result.remedy);
  const { verb, request: advised } = await parsed(command, rule);
  expect(verb).toBe('add');
  expect(newShare(advised, rule, [])).toMatchObject({
    kind: 'share',
    share: {
      isReadOnly: request.isReadOnly,
      account: request.user === undefined ? { kind: 'private' } : { kind: 'user', user: request.user },
    },
  });
});

test('an account that Linux does not have is replaced by complete commands', async () => {
  const entry = entryOf('linux', requestOf({ name: 'C', path: '/srv/my files', user: 'no@body' }));
  const credentials = {
    read: () => Promise.resolve(undefined),
    write: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    list: () => Promise.resolve([]),
    setAsideIfUnreadable: () => Promise.resolve(false),
  };
  const found = await accountOf(
    { ...entry, owner: DEFAULT_OWNER },
    credentials,
    new AbortController().signal,
  );
  const remedy = 'problem' in found ? found.problem.remedy : '';
  const [, add = ''] = commandsIn(remedy);
  expect((await parsed(add, 'linux')).request).toEqual(requestOf({ name: 'C', path: '/srv/my files' }));
});

test.each(['linux', 'windows'] as const)(
  'a bind that is not shared on %s names a whole command',
  async (rule) => {
    const none: Pick<Shares, 'list' | 'problemOf'> = {
      list: () => [],
      problemOf: () => Promise.resolve(undefined),
    };
    const health = shareHealth(none as Shares, rule);
    const problem = await health.problemOf('D', '/D/x');
    const [command = ''] = commandsIn(problem?.remedy ?? '');
    const { request } = await parsed(command, rule);
    const path = request.path === 'FOLDER' ? '/srv/folder' : request.path;
    expect(newShare({ ...request, path }, rule, []).kind).toBe('share');
  },
);
