import { z } from 'zod';
import { LastBytes } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import {
  diagnosisQuestions,
  type AskDaemon,
  type AskedEvidence,
  type AskedProbe,
} from '../../protocol/diagnosis-questions.js';
import type { OpenShell } from '../control/shell-connection.js';

/** The end is kept: of kernel messages it is the latest. */
const KEPT_BYTES = 256 * 1024;
const report = z.object({ findings: z.array(z.unknown()) });

/**
 * What a daemon asks itself for a diagnosis: the same as `mobyvm diagnose`, which gives up a daemon that hangs.
 * @param request answers a request of the control API
 */
export function ownQuestions(request: AskDaemon['request'], openShell: OpenShell): readonly AskedProbe[] {
  const { method, path } = ROUTES.examineHost;
  return diagnosisQuestions({
    request,
    findings: async (signal) => report.parse(await request({ method, path }, signal)).findings,
    inGuest: (script, signal) => outputOf(openShell, script, signal),
  });
}

async function outputOf(open: OpenShell, script: string, signal: AbortSignal): Promise<AskedEvidence> {
  let shell;
  try {
    shell = await open({ command: ['sh', '-c', script] }, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { absent: `no shell in the VM: ${textOf(error)}` };
  }
  const close = (): void => void shell.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    shell.endInput();
    const printed = new LastBytes(KEPT_BYTES);
    for await (const { bytes } of shell.output()) printed.add(bytes);
    const exitCode = await shell.exitCode;
    const failure = exitCode === 0 ? '' : `(exit code ${exitCode})\n`;
    return { text: `${printed.text()}${failure}` };
  } finally {
    signal.removeEventListener('abort', close);
    await shell.close();
  }
}
