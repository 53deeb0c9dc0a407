import { timeLimit } from '../core/host/index.js';
import { diagnosisQuestions, type AskedProbe } from '../protocol/diagnosis-questions.js';
import type { CommandContext } from './context.js';
import { ControlClient } from './control-client.js';
import { findingsOf } from './doctor.js';
import { guestOutput } from './guest-output.js';

const DAEMON_MS = 15_000;

/** What `mobyvm diagnose` asks the daemon, which may hang or be gone. */
export function questionsOverSocket(context: CommandContext): readonly AskedProbe[] {
  const { paths, rights } = context;
  const client = new ControlClient(paths.controlSocket, rights);
  return diagnosisQuestions({
    request: (request, signal) => client.ask(request, signal),
    // A daemon that hangs must leave time for the checks that need none.
    findings: (signal) => findingsOf(context, timeLimit(DAEMON_MS, signal)),
    inGuest: (script, signal) => guestOutput(client, script, signal),
  });
}
