import { createInterface } from 'node:readline';
import { reportOf } from '../../../src/core/values/index.js';
import { causesFirst } from '../../../src/daemon/doctor/causes.plan.js';
import { resourceFindings } from '../../../src/daemon/doctor/resource-findings.js';
import type { Finding } from '../../../src/daemon/doctor/finding.js';
import type { Operation } from '../../../src/daemon/machine/operation.js';
import type { ControlServer } from '../../../src/daemon/control/server.js';
import { controlledMachine, serveControl } from '../control-server.js';
import { LinuxAssembly } from './linux-assembly.js';

/**
 * Runs a {@link LinuxAssembly} in this process's network namespace. One JSON request per line on standard input, one
 * answer line each: `answer <id> <JSON>`. Ends with its standard input.
 */
export interface LinuxRequest {
  readonly id: number;
  readonly do:
    | 'operate'
    /** Serves the control API at the usual place, for commands that only look. Answers with the instance's folder. */
    | 'serve'
    | 'doctor'
    | 'status'
    | 'repair'
    | 'guard'
    | 'restart'
    | 'ledger'
    | 'files'
    | 'world'
    | 'refuse'
    | 'allow';
  readonly operation?: Operation;
  readonly cancelAt?: string;
}

await using assembly = await LinuxAssembly.create();
let server: ControlServer | undefined;

async function findings(): Promise<readonly Finding[]> {
  const { signal } = new AbortController();
  const resources = assembly.machine.resources();
  return causesFirst(await resourceFindings({ resources, isUp: true, signal }));
}

async function answer({ do: what, operation, cancelAt }: LinuxRequest): Promise<unknown> {
  switch (what) {
    case 'operate':
      return operation === undefined ? [] : assembly.operate(operation, cancelAt);
    case 'serve': {
      const machine = controlledMachine({ status: () => assembly.machine.status() });
      server ??= await serveControl(assembly.paths.controlSocket, { machine, examineHost: findings });
      return { folder: assembly.folder };
    }
    case 'doctor':
      return findings();
    case 'status':
      return assembly.machine.status();
    case 'repair':
      return assembly.machine.repair();
    case 'guard':
      return assembly.machine.checkGuard();
    case 'restart':
      return assembly.restartDaemon();
    case 'ledger':
      return assembly.ledger();
    case 'files':
      return assembly.stateFiles();
    case 'world': {
      const { runState, definition, disks } = assembly.world;
      return {
        boots: assembly.boots,
        vm: { runState, isDefined: definition !== undefined, disks: disks.size },
      };
    }
    case 'refuse':
    case 'allow':
      assembly.refuseStarts(what === 'refuse');
      return undefined;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as LinuxRequest;
  const result = await answer(request).catch((error: unknown) => ({ error: reportOf(error) }));
  process.stdout.write(`answer ${request.id} ${JSON.stringify(result ?? {})}\n`);
}
await server?.close();
