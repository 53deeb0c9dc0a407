import { expect, test } from 'vitest';
import { MobyvmError } from '../../../../src/core/values/index.js';
import type { OpenShell } from '../../../../src/daemon/control/shell-connection.js';
import { ownQuestions } from '../../../../src/daemon/diagnose/own-questions.js';
import type { ShellOutput } from '../../../../src/daemon/guest-shell/index.js';
import type { AskedRequest } from '../../../../src/protocol/diagnosis-questions.js';

const never = new AbortController().signal;
const ANSWERS: Readonly<Record<string, unknown>> = {
  'GET /v1/doctor': { findings: [{ id: 'dns' }] },
  'GET /v1/shares': {
    shares: ['C', 'D'].map((name) => ({
      ...{ id: name, name, hostPath: `/${name}`, points: [`/${name}`], isReadOnly: false, state: 'healthy' },
      owner: { uid: 0, gid: 0, fileMode: '0777', directoryMode: '0777' },
    })),
  },
  'POST /v1/shares/check': { results: [] },
  'POST /v1/dns/query': { answer: 'known' },
};

function request({ method, path, body }: AskedRequest): Promise<unknown> {
  if (path === '/v1/shares/check' && (body as { name: string }).name === 'D')
    return Promise.reject(new Error('it hangs'));
  return Promise.resolve(ANSWERS[`${method} ${path}`]);
}

const noShell: OpenShell = () =>
  Promise.reject(new MobyvmError('MOBYVM_VM_STATE', 'The VM is stopped.', 'Start it.'));

function shellThat(printed: readonly ShellOutput[], exitCode: number) {
  const seen = { commands: [] as unknown[], isInputOver: false, closed: 0 };
  const open: OpenShell = ({ command }) => {
    seen.commands.push(command);
    return Promise.resolve({
      // eslint-disable-next-line @typescript-eslint/require-await
      output: async function* () {
        yield* printed;
      },
      exitCode: Promise.resolve(exitCode),
      write: () => Promise.resolve(),
      endInput: () => void (seen.isInputOver = true),
      resize: () => Promise.resolve(),
      close: () => {
        seen.closed += 1;
        return Promise.resolve();
      },
    });
  };
  return { open, seen };
}

const answerTo = (id: string, open = noShell): Promise<unknown> | undefined =>
  ownQuestions(request, open)
    .find((each) => each.id === id)
    ?.ask(never);

test.each([
  ['doctor', { data: [{ id: 'dns' }] }],
  ['dns-host-docker-internal', { data: { answer: 'known' } }],
  [
    'share-checks',
    {
      data: [
        { name: 'C', results: [] },
        { name: 'D', failure: 'Error: it hangs' },
      ],
    },
  ],
  ['guest-dmesg', { absent: 'no shell in the VM: The VM is stopped.' }],
])('a daemon asks itself: %s', async (id, found) => {
  expect(await answerTo(id)).toEqual(found);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PRINTED = [
  '== guest-dmesg\n[ 0.1] Linux\n== guest-services\n',
  'docker [ started ]\n(exit code 1)\n== guest-file-systems\n/dev/sda 1 2\n',
];

test('a daemon has what scripts print in the VM, from one shell', async () => {
  const { open, seen } = shellThat(
    PRINTED.map((text, index) => ({ stream: index === 0 ? 'stdout' : 'stderr', bytes: bytes(text) })),
    0,
  );
  const guest = ownQuestions(request, open).filter(({ id }) => id.startsWith('guest-'));
  expect(await Promise.all(guest.map(({ ask }) => ask(never)))).toEqual([
    { text: '$ dmesg\n[ 0.1] Linux\n' },
    { text: '$ rc-status -a\ndocker [ started ]\n(exit code 1)\n' },
    { text: '$ df -Pk; df -Pi\n/dev/sda 1 2\n' },
  ]);
  expect(seen).toMatchObject({ isInputOver: true, closed: 1 });
  expect(seen.commands).toHaveLength(1);
});

test('of a long output, the end of the first part and all others are kept', async () => {
  const { open } = shellThat([{ stream: 'stdout', bytes: bytes(PRINTED.join('').slice(19)) }], 0);
  const guest = ownQuestions(request, open);
  const found = (id: string) => guest.find((each) => each.id === id)?.ask(never);
  expect(await found('guest-dmesg')).toEqual({ text: '$ dmesg\n1] Linux\n' });
  expect(await found('guest-file-systems')).toEqual({ text: '$ df -Pk; df -Pi\n/dev/sda 1 2\n' });
});

test('a part that the scripts did not come to is absent', async () => {
  const { open } = shellThat([{ stream: 'stdout', bytes: bytes('== guest-dmesg\n') }], 137);
  expect(await answerTo('guest-services', open)).toEqual({ absent: 'the shell in the VM ended before' });
});
