import type { Logger } from '../../core/host/index.js';
import type { OperationEvent } from '../../protocol/messages.js';

/** What the log keeps of an operation's steps: how each ended. */
export function logStep(event: OperationEvent, logger: Logger): void {
  if (event.event === 'step.done') {
    const { step, change, durationMs } = event;
    logger.info('step.done', { step, change, durationMs: Math.round(durationMs) });
  } else if (event.event === 'step.failed') {
    logger.error('step.failed', { step: event.step, code: event.error.code, message: event.error.message });
  } else if (event.event === 'step.undone') {
    logger.info('step.undone', { step: event.step });
  }
}
