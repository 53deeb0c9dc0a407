import { strictEqual } from 'node:assert/strict';
import { CodecError } from '../../../src/core/values/index.js';
import { decodeHealthLine, encodeHealthLine } from '../../../src/share/link/health-line.codec.js';
import type { FuzzTarget } from '../target.js';

/** A line of the guest is refused with a CodecError, or is exactly what its value is encoded as. */
export const target: FuzzTarget = {
  name: 'share-health',
  tokens: ['health ', 'probed ', 'mounted', 'absent', 'broken ', ' 112', '999999999', '\n'],
  run(input) {
    const line = input.toString('utf8');
    try {
      strictEqual(encodeHealthLine(decodeHealthLine(line)), line);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  },
};
