import { textOf } from '../../core/values/index.js';
import { isOfImage } from './guest-steps.js';
import type { LastImage } from './last-image.js';
import { imageHasFailed } from './machine-messages.js';
import type { OperationContext } from './operation-runner.js';

export interface StartWithImage {
  readonly lastImage: LastImage;
  /** The image that the settings name. */
  readonly wanted: string;
  /** Try it again although it has failed before. */
  readonly isRetry: boolean;
  readonly context: OperationContext;
  /** Starts the machine with that image; undoes what it did if it fails. */
  readonly start: (image: string, context: OperationContext) => Promise<void>;
  readonly notice: (message: string) => void;
}

/** Starts the machine with the wanted image, or with the one before it if that one fails in the guest. */
export async function startWithImage(options: StartWithImage): Promise<void> {
  const { lastImage, wanted, isRetry, context, start, notice } = options;
  const tried = await lastImage.choose(wanted, isRetry);
  let failedStep: string | undefined;
  const emit: OperationContext['emit'] = (event) => {
    if (event.event === 'step.failed') failedStep = event.step;
    context.emit(event);
  };
  try {
    await start(tried, { ...context, emit });
  } catch (error) {
    const before =
      isOfImage(failedStep) && !context.signal.aborted ? await lastImage.before(tried) : undefined;
    if (before === undefined) throw error;
    notice(imageHasFailed(tried, textOf(error)));
    await start(before, context);
    await lastImage.hasFailed(tried, textOf(error));
  }
}
