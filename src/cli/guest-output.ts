import type { Duplex } from 'node:stream';
import { framesOf, LastBytes, writeFrame } from '../core/host/index.js';
import { MobyvmError, textOf } from '../core/values/index.js';
import type { AskedEvidence } from '../protocol/diagnosis-questions.js';
import { errorOf } from '../protocol/error-text.js';
import {
  FROM_CLIENT,
  FROM_DAEMON,
  shellExit,
  shellFailure,
  type ShellOpen,
} from '../protocol/shell-messages.js';
import type { ControlClient } from './control-client.js';

/** The end is kept: of kernel messages it is the latest. */
const KEPT_BYTES = 256 * 1024;

/**
 * What a shell script prints in the VM, without a terminal or input. Absent if the daemon opens no shell, which needs the
 * VM and its engine; when the signal is aborted the daemon ends the script and removes what ran it.
 * @throws MobyvmError MOBYVM_DAEMON_NOT_RUNNING, or the failure of a shell that was open
 */
export async function guestOutput(
  client: Pick<ControlClient, 'openShell'>,
  script: string,
  signal: AbortSignal,
): Promise<AskedEvidence> {
  const connection = await client.openShell(signal);
  connection.on('error', () => undefined);
  const leave = (): void => void connection.destroy();
  signal.addEventListener('abort', leave, { once: true });
  try {
    signal.throwIfAborted();
    return await outputOf(connection, script);
  } finally {
    signal.removeEventListener('abort', leave);
    connection.destroy();
  }
}

async function outputOf(connection: Duplex, script: string): Promise<AskedEvidence> {
  const request: ShellOpen = { command: ['sh', '-c', script] };
  await writeFrame(connection, FROM_CLIENT.OPEN, new TextEncoder().encode(JSON.stringify(request)));
  const printed = new LastBytes(KEPT_BYTES);
  let isOpen = false;
  for await (const { type, payload } of framesOf(connection)) {
    switch (type) {
      case FROM_DAEMON.OPENED:
        isOpen = true;
        // A script that is over already takes no end of its input; what it printed is still to be read.
        await writeFrame(connection, FROM_CLIENT.INPUT_END, new Uint8Array(0)).catch(() => undefined);
        break;
      case FROM_DAEMON.STDOUT:
      case FROM_DAEMON.STDERR:
        printed.add(payload);
        break;
      case FROM_DAEMON.EXIT: {
        const { exitCode } = shellExit.parse(jsonOf(payload));
        const failure = exitCode === 0 ? '' : `(exit code ${exitCode})\n`;
        return { text: `${printed.text()}${failure}` };
      }
      case FROM_DAEMON.FAILURE: {
        const error = errorOf(shellFailure.parse(jsonOf(payload)).error);
        if (isOpen) throw error;
        return { absent: `no shell in the VM: ${textOf(error)} (${error.code})` };
      }
    }
  }
  throw new MobyvmError('MOBYVM_CONTROL_API', 'The connection to the daemon was lost.', 'See `mobyvm logs`.');
}

function jsonOf(payload: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(payload));
}
