import { CodecError } from '../../core/values/index.js';
import type { MountHealth } from '../guest-mounts.js';

/**
 * The lines on the link `share-health`, besides its greeting; guest/share-link writes and reads the same:
 *
 *     host → guest    probe NUMBER ID
 *     guest → host    probed NUMBER ID HEALTH     the answer, within a second
 *                     health ID HEALTH            at each change, and for every share after the greeting
 *
 * HEALTH is `mounted`, `absent` or `broken ERRNO`, with the errno of statfs(2), or ETIMEDOUT if it does not return.
 */
export type GuestHealthLine =
  | {
      readonly kind: 'probed';
      /** 1-999,999,999, chosen by the host. */
      readonly number: number;
      readonly id: string;
      readonly health: MountHealth;
    }
  | { readonly kind: 'health'; readonly id: string; readonly health: MountHealth };

export interface ProbeLine {
  readonly number: number;
  readonly id: string;
}

export const MAX_PROBE_NUMBER = 999_999_999;

const ID = '[A-Za-z0-9_-]{1,64}';
const NUMBER = '[1-9][0-9]{0,8}';
const HEALTH = '(mounted|absent|broken ([1-9][0-9]{0,3}))';
const PROBE = new RegExp(`^probe (${NUMBER}) (${ID})$`);
const PROBED = new RegExp(`^probed (${NUMBER}) (${ID}) ${HEALTH}$`);
const CHANGED = new RegExp(`^health (${ID}) ${HEALTH}$`);

/** @throws CodecError for an id or number that is malformed */
export function encodeProbeLine({ number, id }: ProbeLine): string {
  const line = `probe ${number} ${id}`;
  decodeProbeLine(line);
  return line;
}

/** @throws CodecError for anything else */
export function decodeProbeLine(line: string): ProbeLine {
  const match = PROBE.exec(line);
  if (match === null) throw new CodecError('probe', 0, 'is malformed');
  return { number: Number(match[1]), id: match[2] ?? '' };
}

/** @throws CodecError for an id, number or errno that is malformed */
export function encodeHealthLine(line: GuestHealthLine): string {
  const health = line.health.kind === 'broken' ? `broken ${line.health.errno}` : line.health.kind;
  const text =
    line.kind === 'probed' ? `probed ${line.number} ${line.id} ${health}` : `health ${line.id} ${health}`;
  decodeHealthLine(text);
  return text;
}

/** @throws CodecError for anything else */
export function decodeHealthLine(line: string): GuestHealthLine {
  const probed = PROBED.exec(line);
  if (probed !== null) {
    const [, number, id = '', health = '', errno] = probed;
    return { kind: 'probed', number: Number(number), id, health: healthOf(health, errno) };
  }
  const changed = CHANGED.exec(line);
  if (changed === null) throw new CodecError('health line', 0, 'is malformed');
  const [, id = '', health = '', errno] = changed;
  return { kind: 'health', id, health: healthOf(health, errno) };
}

function healthOf(health: string, errno: string | undefined): MountHealth {
  if (errno !== undefined) return { kind: 'broken', errno: Number(errno) };
  return { kind: health === 'mounted' ? 'mounted' : 'absent' };
}
