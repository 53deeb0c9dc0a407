import { MobyvmError } from '../../core/values/index.js';

/** A request that is refused before it is looked at. */
export class RefusedError extends MobyvmError {
  constructor(
    /** Of the response. */
    readonly status: 401 | 403 | 415,
    reason: string,
  ) {
    super(
      'MOBYVM_CONTROL_ACCESS',
      `The request was refused: ${reason}.`,
      'Open the dashboard with `mobyvm dashboard`.',
    );
  }
}
