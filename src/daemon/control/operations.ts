import type { Logger } from '../../core/host/index.js';
import { MobyvmError, reportOf, textOf } from '../../core/values/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type { ControlledMachine } from './controlled-machine.js';
import { endpoint, RequestError, type Endpoint } from './endpoint.js';
import type { HappeningTopic } from './watched-topic.js';
import { toOperation, toWireEvent } from './wire.js';

/** Operations that wait for another one, and the clients that follow those, are few. */
const MAX_OPERATIONS = 32;

export interface OperationEndpointsOptions {
  readonly machine: ControlledMachine;
  readonly logger: Logger;
  /** Gets the events of every operation that is requested. */
  readonly events: HappeningTopic;
}

/** Starts operations, and tells the event streams how they get on. A client that goes away changes nothing. */
export function operationEndpoints({
  machine,
  logger,
  events,
}: OperationEndpointsOptions): readonly Endpoint[] {
  const active = new Set<string>();
  return [
    endpoint(ROUTES.operate, ({ params: { name }, body }) => {
      const { id, requester } = body;
      if (active.has(id))
        throw new RequestError(409, `There is an operation with the id ${id}.`, 'Use another.');
      if (active.size >= MAX_OPERATIONS) throw tooManyError();
      active.add(id);
      machine
        .operate(toOperation(name, body), requester, (event) => {
          events.emit({ type: 'operation', id, event: toWireEvent(event) });
        })
        .catch((error: unknown) => {
          logger.error('control.operation.failed', { operation: name, reason: textOf(error) });
          const failed = { event: 'operation.failed', operation: name, durationMs: 0 } as const;
          events.emit({ type: 'operation', id, event: { ...failed, error: reportOf(error) } });
        })
        .finally(() => active.delete(id));
      return { id };
    }),
    endpoint(ROUTES.cancel, async () => ({ cancelled: await machine.cancel() })),
  ];
}

function tooManyError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_BUSY',
    `${MAX_OPERATIONS} commands are waiting already.`,
    'Wait for some of them to finish.',
  );
}
