import type { VmExit } from '../driver.js';

/** What is known after QEMU has exited. */
export interface ExitEvidence {
  readonly pid: number;
  /** What mobyvm requested, for example "powered off"; undefined if it did not request the end. */
  readonly intent: string | undefined;
  /** `reason` of QMP's last SHUTDOWN event (`ShutdownCause` in QEMU qapi/run-state.json). */
  readonly shutdownCause: string | undefined;
  /** The reason for a kernel panic seen on the console. */
  readonly kernelPanic: string | undefined;
  /** The last line that QEMU itself wrote; empty if it wrote nothing. */
  readonly lastMessage: string;
}

/**
 * Explains how the machine ended and who ended it. A panic is reported even if mobyvm had just asked for the
 * end.
 */
export function explainExit(evidence: ExitEvidence): VmExit {
  const { intent, kernelPanic, lastMessage, pid, shutdownCause } = evidence;
  if (kernelPanic !== undefined) {
    return { reason: 'died', detail: `The guest's kernel panicked: ${kernelPanic}.` };
  }
  if (intent !== undefined) return { reason: 'host', detail: `QEMU (pid ${pid}) exited: ${intent}.` };
  switch (shutdownCause) {
    case 'guest-shutdown':
      return { reason: 'guest', detail: 'The guest shut itself down.' };
    case 'guest-reset':
    case 'subsystem-reset':
      return { reason: 'guest', detail: 'The guest requested a reboot.' };
    case 'guest-panic':
      return { reason: 'died', detail: "The guest's kernel panicked." };
    case 'host-signal':
      return { reason: 'died', detail: `QEMU (pid ${pid}) was terminated by a signal from another process.` };
    case 'host-qmp-quit':
      return { reason: 'died', detail: `QEMU (pid ${pid}) was told to quit by another QMP client.` };
    case undefined:
      return { reason: 'died', detail: withWords(`QEMU (pid ${pid}) was killed or crashed`, lastMessage) };
    default:
      return {
        reason: 'died',
        detail: withWords(`QEMU (pid ${pid}) exited (${shutdownCause})`, lastMessage),
      };
  }
}

function withWords(sentence: string, lastMessage: string): string {
  return lastMessage === '' ? `${sentence}.` : `${sentence}; its last message: ${lastMessage}`;
}
