import { hostReport, kvpListing, machineStatus, type MachineStatus } from '../../../src/protocol/messages.js';
import { shareCheck } from '../../../src/protocol/share-messages.js';
import type { ProgramAnswer } from './module-host.js';

/** What mobyvm's program prints, checked against the protocol. */
export const printed = {
  status(changes: Partial<MachineStatus> = {}): ProgramAnswer {
    return json(machineStatus.parse({ ...RUNNING, ...changes }));
  },
  kvp(
    pool: 'host' | 'guest' | 'intrinsic',
    items: Readonly<Record<string, string>>,
    secrets: readonly string[] = [],
  ) {
    const listed = Object.entries(items).map(([name, value]) => ({
      ...{ name, value: secrets.includes(name) ? '***' : value, isSecret: secrets.includes(name) },
    }));
    return json({ pool, ...kvpListing.parse({ items: listed, unreadable: 0 }) });
  },
  doctor(findings: readonly object[]): ProgramAnswer {
    return json(hostReport.parse({ findings }));
  },
  shareCheck(steps: readonly object[]): ProgramAnswer {
    return { ...json(shareCheck.parse({ steps })), exitCode: 1 };
  },
  error(code: string, message: string, remedy: string): ProgramAnswer {
    return { stderr: `mobyvm: ${message}\n  → ${remedy}\n  ${code} · mobyvm explain ${code}\n`, exitCode: 1 };
  },
};

function json(value: object): ProgramAnswer {
  return { stdout: `${JSON.stringify(value)}\n` };
}

const RUNNING: MachineStatus = {
  state: 'running',
  since: '2025-11-29T07:41:45.000Z',
  daemon: {
    ...{ pid: 4_100, version: '0.1.0', startedAt: '2025-11-29T07:40:00.000Z', isBackground: false },
    ...{ stateDir: 'C:\\ProgramData\\mobyvm\\state', logDir: 'C:\\ProgramData\\mobyvm\\logs' },
    settingsFile: 'C:\\ProgramData\\mobyvm\\settings.json',
  },
  vm: {
    ...{ driver: 'hyperv', state: 'running', machineId: '6d5c6f5e-58a1-4c11-9d5b-1f3c4f1b2a10' },
    ...{ cpus: 2, memoryMiB: 2_048, firmware: 'uefi' },
  },
  guest: { os: 'Moby Linux', kernel: '6.12.48', addresses: ['10.0.75.2/24', 'fe80::2/64'] },
  network: {
    ...{ name: 'mobyvm', subnet: '10.0.75.0/24', hostAddress: '10.0.75.1', vmAddress: '10.0.75.2' },
    mac: '02:00:0a:00:4b:7f',
  },
  engine: {
    endpoint: 'npipe:////./pipe/mobyvm_engine',
    reachable: true,
    version: '28.3.3',
    apiVersion: '1.51',
  },
  shares: [
    { name: 'C', hostPath: 'C:\\', isReadOnly: false, state: 'healthy' },
    {
      name: 'D',
      hostPath: 'D:\\',
      isReadOnly: true,
      state: 'unreachable',
      reason: 'no answer',
      remedy: 'Wait.',
    },
  ],
};
