import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findingLines } from '../../../../src/cli/doctor.js';
import { machineStatus } from '../../../../src/protocol/messages.js';
import { linuxFindings } from '../../../../src/daemon/doctor/linux-findings.js';

const RUNNING = {
  state: 'running',
  since: '2026-11-26T10:00:00.000Z',
  daemon: {
    ...{ pid: 7, version: '0.1.0', startedAt: '2026-11-26T09:59:00.000Z', isBackground: true },
    ...{ stateDir: '/s', logDir: '/l', settingsFile: '/settings.json' },
  },
  vm: { driver: 'qemu', state: 'running', machineId: 'id' },
  network: { name: 'mobyvm0', mac: '02:00:00:00:00:01' },
  engine: { endpoint: '/run/mobyvm/docker.sock', reachable: true },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-doctor-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function look(isRoot: boolean, settings?: string) {
  const settingsFile = join(folder, settings === undefined ? 'none.json' : 'settings.json');
  if (settings !== undefined) await writeFile(settingsFile, settings);
  const signal = new AbortController().signal;
  const findings = await linuxFindings({
    ...{ isRoot, settingsFile, imageDir: folder, stateDir: join(folder, 'not/there'), signal },
    machine: undefined,
  });
  return new Map(findings.map((each) => [each.id, each]));
}

describe('doctor on Linux', () => {
  it('reports a missing image with the command that builds one', async () => {
    const findings = await look(true);
    expect(findings.get('settings')?.verdict).toBe('fine');
    expect(findings.get('image')).toMatchObject({
      verdict: 'problem',
      remedy: expect.stringContaining('mobyvm image build') as string,
    });
  });

  it('reports unreadable settings once, and not again in each check that needs them', async () => {
    const findings = await look(true, '{"vm":{"cpus":"many"},"foo":1}');
    expect(findings.get('settings')).toMatchObject({
      verdict: 'problem',
      detail: expect.stringMatching(/ has 2 problems: vm\.cpus: .* · foo: unknown setting$/) as string,
    });
    for (const id of ['image', 'subnet', 'firewall']) expect(findings.get(id)?.verdict).toBe('unknown');
  });

  it('reports the accelerator of a running VM, and accepts its memory and ports', async () => {
    const signal = new AbortController().signal;
    const running = (accelerator: string) =>
      linuxFindings({
        ...{
          isRoot: true,
          settingsFile: join(folder, 'none.json'),
          imageDir: folder,
          stateDir: folder,
          signal,
        },
        machine: machineStatus.parse({ ...RUNNING, vm: { ...RUNNING.vm, accelerator } }),
      });
    const byId = async (accelerator: string, id: string) =>
      (await running(accelerator)).find((each) => each.id === id);
    expect(await byId('tcg', 'kvm')).toMatchObject({ verdict: 'notice' });
    expect(await byId('kvm', 'kvm')).toMatchObject({ verdict: 'fine' });
    expect(await byId('kvm', 'ports')).toMatchObject({ verdict: 'fine' });
  });

  it('measures the free space where the state folder will be', async () => {
    expect((await look(true)).get('disk')?.detail).toContain(`free in ${folder}`);
  });

  it('reports as unknown what only root can see', async () => {
    const findings = await look(false);
    expect(findings.get('root')?.verdict).toBe('problem');
    for (const id of ['kvm', 'tun', 'image', 'firewall']) expect(findings.get(id)?.verdict).toBe('unknown');
  });
});

it('doctor prints a line per check, with the remedy below it, and a summary', () => {
  const lines = findingLines([
    { id: 'a', title: 'One', verdict: 'fine', detail: 'is well' },
    { id: 'b', title: 'Another', verdict: 'problem', detail: 'is \u001b[31mnot', remedy: 'Fix it.' },
    { id: 'c', title: 'Third', verdict: 'notice', detail: 'may matter', remedy: 'Look at it.' },
  ]);
  expect(lines).toEqual([
    'ok       One      is well',
    'PROBLEM  Another  is not',
    '                  → Fix it.',
    'note     Third    may matter',
    '                  → Look at it.',
    '',
    '1 problem found.',
  ]);
  const unseen = {
    id: 'd',
    title: 'Fourth',
    verdict: 'unknown',
    detail: 'it could not be looked at',
  } as const;
  expect(findingLines([unseen]).at(-1)).toMatch(/^No problems found, but 1 check could not be made/);
  expect(findingLines([]).at(-1)).toBe('No problems found.');
});
