import { MobyvmError } from '../../core/index.js';
import type { ControlClient } from '../control/client.js';
import type { OperationEvent, OperationName } from '../control/protocol.js';
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
  const cancel = (): void => {
    context.terminal.error('Interrupted; undoing what was done (Ctrl-C again to leave that to the daemon).');
    // The events of the undoing still come through the operation's own stream.
    client.cancel().catch(() => undefined);
  };
  context.interrupted.addEventListener('abort', cancel, { once: true });
  try {
    const last = await follow(client, name, context, renderer);
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

async function follow(
  client: ControlClient,
  name: OperationName,
  context: CommandContext,
  renderer: ProgressRenderer,
): Promise<OperationEvent | undefined> {
  let last: OperationEvent | undefined;
  for await (const event of client.operate(name, { pid: context.pid, command: context.commandLine })) {
    renderer.event(event);
    last = event;
  }
  return last;
}
