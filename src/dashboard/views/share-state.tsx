import type { ListedShare } from '../messages.js';
import type { Tone } from '../parts.js';

export const SHARE_TONES: Readonly<Record<ListedShare['state'], Tone>> = {
  off: 'off',
  mounting: 'busy',
  healthy: 'good',
  'needs-credentials': 'bad',
  unreachable: 'bad',
  refused: 'bad',
  removed: 'off',
};
