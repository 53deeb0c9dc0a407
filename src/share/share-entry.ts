import { z } from 'zod';
import type { Share } from './share.js';

/** A share as it is kept: who owns its files in the VM comes from the settings. */
export type ShareEntry = Omit<Share, 'owner'>;

const path = z.string().min(1).max(4_096);
const account = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('private') }),
  z.strictObject({ kind: z.literal('user'), user: z.string().min(1).max(256) }),
]);

const entry = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  name: path,
  hostPath: path,
  points: z.array(path).min(1).max(8),
  isReadOnly: z.boolean(),
  account,
});

/** More would each need a mount and a look every few seconds. */
export const MAX_SHARES = 64;

/** The file with the list of shares. */
export const shareFile = z.strictObject({
  version: z.literal(1),
  shares: z.array(entry).max(MAX_SHARES),
});
export type ShareFile = z.infer<typeof shareFile>;
