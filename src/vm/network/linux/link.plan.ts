import type { Change } from '../../../core/values/index.js';
import { foreignObject, type Ownership } from '../ownership.plan.js';
import type { HostLink } from './ip.codec.js';

/** One of mobyvm's links as observed. */
export interface LinkFound {
  readonly link: HostLink;
  readonly ipv6Off: boolean;
  readonly ownership: Ownership;
}

/** What a link of a certain name must be. */
export interface LinkExpectation {
  readonly name: string;
  readonly isExpectedKind: (link: HostLink) => boolean;
  /** What to call a link that is not ours, without its name. */
  readonly describe: (link: HostLink) => string;
  /** The command that removes a link that is not ours; undefined if that is not safe to suggest. */
  readonly removal: (link: HostLink) => string | undefined;
  /** The fields that differ from what is wanted. */
  readonly wrongFields: (found: LinkFound) => readonly string[];
}

/** @throws MobyvmError MOBYVM_FOREIGN_OBJECT */
export function planLink(found: LinkFound | undefined, expected: LinkExpectation): Change {
  if (found === undefined) return { kind: 'create' };
  const { link, ownership } = found;
  const { name } = expected;
  if (ownership === 'foreign' || !expected.isExpectedKind(link) || link.name !== name) {
    throw foreignObject(`${expected.describe(link)} "${name}"`, {
      tag: link.alias,
      removal: expected.removal(link),
    });
  }
  const fields = expected.wrongFields(found);
  return fields.length === 0 ? { kind: 'none' } : { kind: 'update', fields };
}
