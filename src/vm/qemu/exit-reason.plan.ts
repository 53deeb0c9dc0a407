import type { VmExit } from '../driver.js';

/** What is known when QEMU has gone. */
export interface ExitEvidence {
  readonly pid: number;
  /** What we had asked for, for example "powered off"; undefined when nobody of us wanted the end. */
  readonly intent: string | undefined;
  /** `reason` of QMP's last SHUTDOWN event (`ShutdownCause` in QEMU qapi/run-state.json). */
  readonly shutdownCause: string | undefined;
  /** The reason of a kernel panic on the console. */
  readonly kernelPanic: string | undefined;
  /** The last line that QEMU itself wrote, empty when it said nothing. */
  readonly lastWords: string;
}

/** Tells how the machine ended, and who did it. A panic counts even when we had just asked for the end. */
export function explainExit(evidence: ExitEvidence): VmExit {
  const { intent, kernelPanic, lastWords, pid, shutdownCause } = evidence;
  if (kernelPanic !== undefined) {
    return { reason: 'died', detail: `The guest's kernel panicked: ${kernelPanic}.` };
  }
  if (intent !== undefined) return { reason: 'host', detail: `QEMU (pid ${pid}) ended: ${intent}.` };
  switch (shutdownCause) {
    case 'guest-shutdown':
      return { reason: 'guest', detail: 'The guest shut itself down.' };
    case 'guest-reset':
    case 'subsystem-reset':
      return { reason: 'guest', detail: 'The guest asked for a restart.' };
    case 'guest-panic':
      return { reason: 'died', detail: "The guest's kernel panicked." };
    case 'host-signal':
      return { reason: 'died', detail: `QEMU (pid ${pid}) was ended by a signal from outside.` };
    case 'host-qmp-quit':
      return { reason: 'died', detail: `QEMU (pid ${pid}) was told to quit from outside.` };
    case undefined:
      return { reason: 'died', detail: withWords(`QEMU (pid ${pid}) was killed or crashed`, lastWords) };
    default:
      return { reason: 'died', detail: withWords(`QEMU (pid ${pid}) ended (${shutdownCause})`, lastWords) };
  }
}

function withWords(sentence: string, lastWords: string): string {
  return lastWords === '' ? `${sentence}.` : `${sentence}; it said: ${lastWords}`;
}
