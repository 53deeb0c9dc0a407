import { MobyvmError } from '../core/values/index.js';
import type { ControlClient } from './control-client.js';
import type { OperationEvent, OperationName } from '../protocol/messages.js';
import type { CommandContext } from './context.js';
import { ProgressRenderer } from './render-progress.js';

/**
 * Runs an operation of the daemon and shows its progress. Ctrl-C cancels it: the daemon undoes what it did, and
 * only then does this end.
 * @throws MobyvmError what made the operation fail
 */
export async function runOperation(
  context: CommandContext,
  client: ControlClient,
  name: OperationName,
): Promise<void> {
  const renderer = new ProgressRenderer(context.terminal);
  const leave = new AbortController();
  let isOurs = true;
  let hasBegun = false;
  const cancel = (): void => {
    // What somebody else started is not ours to stop: who only waits for it just leaves.
    if (!isOurs) return leave.abort();
    // The daemon can stop only what it has heard of: its first event is waited for.
    if (!hasBegun) return;
    context.terminal.error('Interrupted; undoing what was done (Ctrl-C again to leave that to the daemon).');
    // The events of the undoing still come through the operation's own stream.
    client.cancel().catch(() => undefined);
  };
  const begun = (): void => {
    hasBegun = true;
    if (context.interrupted.aborted) cancel();
  };
  // Interrupted while the daemon was being started: there is nothing to undo yet.
  if (context.interrupted.aborted) throw interrupted(name);
  context.interrupted.addEventListener('abort', cancel, { once: true });
  try {
    let last: OperationEvent | undefined;
    const requester = { pid: context.pid, command: context.commandLine };
    for await (const event of client.operate(name, requester, leave.signal)) {
      if (event.event === 'operation.joined') isOurs = false;
      if (last === undefined) begun();
      renderer.event(event);
      last = event;
    }
    if (leave.signal.aborted) throw left(name);
    if (last?.event === 'operation.failed') {
      const { code, message, remedy, details } = last.error;
      throw new MobyvmError(code, message, remedy, { details });
    }
    if (last?.event !== 'operation.done') {
      throw new MobyvmError(
        'MOBYVM_DAEMON_NOT_RUNNING',
        `The daemon ended in the middle of "mobyvm ${name}".`,
        'Look at `mobyvm logs`, then run the command again: it goes on from what is there.',
      );
    }
  } finally {
    renderer.stop();
    context.interrupted.removeEventListener('abort', cancel);
  }
}

function interrupted(name: OperationName): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ABORTED',
    `"mobyvm ${name}" was interrupted before it began; nothing was changed.`,
    'Run it again when you like.',
  );
}

function left(name: OperationName): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ABORTED',
    `No longer waiting; "mobyvm ${name}" goes on for whoever started it.`,
    'See how it ends with `mobyvm status --watch`; `mobyvm down` stops it.',
  );
}
