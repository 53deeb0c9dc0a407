import { MobyvmError } from '../core/values/index.js';
import { errorOf } from '../protocol/error-text.js';
import type { OperationEvent, OperationName, OperationRequest } from '../protocol/messages.js';
import type { CommandContext } from './context.js';
import type { ControlClient } from './control-client.js';
import { ProgressRenderer } from './render-progress.js';

/** What an operation takes beside who asks for it. */
export type OperationArguments = Omit<OperationRequest, 'id' | 'requester'>;

/**
 * Runs an operation of the daemon and shows its progress. Ctrl-C cancels it: the daemon undoes what it did, and
 * only then does this end.
 * @throws MobyvmError what made the operation fail
 */
export async function runOperation(
  context: CommandContext,
  client: ControlClient,
  name: OperationName,
  args: OperationArguments = {},
): Promise<void> {
  const renderer = new ProgressRenderer(context.terminal);
  const leave = new AbortController();
  let isOurs = true;
  let hasBegun = false;
  const cancel = (): void => {
    // Another command started the operation: this one only stops waiting for it.
    if (!isOurs) return leave.abort();
    // The daemon can only cancel what it knows of; its first event says that it does.
    if (!hasBegun) return;
    context.terminal.error('Interrupted; undoing what was done (Ctrl-C again to leave that to the daemon).');
    // The events of the undoing still come through the operation's own stream.
    client.cancel().catch(() => undefined);
  };
  const begun = (): void => {
    hasBegun = true;
    if (context.interrupted.aborted) cancel();
  };
  // Interrupted while the daemon was starting: there is nothing to undo yet.
  if (context.interrupted.aborted) throw interruptedError(name);
  context.interrupted.addEventListener('abort', cancel, { once: true });
  try {
    let last: OperationEvent | undefined;
    const request = { requester: { pid: context.pid, command: context.commandLine }, ...args };
    for await (const event of client.operate(name, request, leave.signal)) {
      if (event.event === 'operation.joined') isOurs = false;
      if (last === undefined) begun();
      renderer.event(event);
      last = event;
    }
    if (leave.signal.aborted) throw leftError(name);
    if (last?.event === 'operation.failed') throw errorOf(last.error);
    if (last?.event !== 'operation.done') throw daemonLostError(name);
  } finally {
    renderer.stop();
    context.interrupted.removeEventListener('abort', cancel);
  }
}

function interruptedError(name: OperationName): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ABORTED',
    `"mobyvm ${name}" was interrupted before it began; nothing was changed.`,
    `Run "mobyvm ${name}" again when you want it to finish.`,
  );
}

function leftError(name: OperationName): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ABORTED',
    `No longer waiting; "mobyvm ${name}" continues for the command that started it.`,
    'See how it ends with `mobyvm status --watch`; `mobyvm down` stops it.',
  );
}

function daemonLostError(name: OperationName): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DAEMON_NOT_RUNNING',
    `The daemon exited in the middle of "mobyvm ${name}".`,
    'See `mobyvm logs`, then run the command again: it continues from the current state.',
  );
}
