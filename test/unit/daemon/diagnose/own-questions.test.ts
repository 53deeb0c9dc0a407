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

test('a daemon has what a script prints in the VM, and how it ends', async () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const { open, seen } = shellThat(
    [
      { stream: 'stdout', bytes: bytes('/dev/sda 1 2\n') },
      { stream: 'stderr', bytes: bytes('df: /mnt: gone\n') },
    ],
    1,
  );
  expect(await answerTo('guest-file-systems', open)).toEqual({
    text: '$ df -Pk; df -Pi\n/dev/sda 1 2\ndf: /mnt: gone\n(exit code 1)\n',
  });
  expect(seen).toEqual({ commands: [['sh', '-c', 'df -Pk; df -Pi']], isInputOver: true, closed: 1 });
});
