import { MobyvmError } from '../../core/values/index.js';
import type { EngineState } from '../../proxy/index.js';

/** A shell needs the engine; the console does not. */
const CONSOLE = 'See what the VM prints with `mobyvm console`, which does not need the Docker Engine.';

/** Why there is no shell in a state without an engine. */
export function unavailableError(state: Exclude<EngineState, { kind: 'ready' }>): MobyvmError {
  switch (state.kind) {
    case 'stopped':
      return new MobyvmError('MOBYVM_VM_STATE', 'The VM is not running.', 'Start it with `mobyvm up`.');
    case 'starting':
      return new MobyvmError(
        'MOBYVM_VM_STATE',
        `The VM is starting: ${state.step}.`,
        `Try again when \`mobyvm status\` shows it running. ${CONSOLE}`,
      );
    case 'failed': {
      const { code, message, remedy, details } = state.error;
      return new MobyvmError(code, message, `${remedy} ${CONSOLE}`.trim(), { details });
    }
  }
}

/** Adds what still works without an engine. */
export function shellError(error: unknown): unknown {
  if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_ENGINE_UNREACHABLE') return error;
  const { code, message, remedy, details } = error;
  return new MobyvmError(code, message, `${remedy} ${CONSOLE}`.trim(), { cause: error, details });
}

export function closedError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_STATE',
    'The shell was closed, because the VM is being stopped or its Docker Engine is lost.',
    'See `mobyvm status`.',
  );
}
