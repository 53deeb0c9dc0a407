import { z } from 'zod';
import { MAX_FILE_ID, OCTAL_MODE } from '../core/values/index.js';

/** About shares; see messages.ts for the requests. */

export const shareState = z.enum([
  'off',
  'mounting',
  'healthy',
  'needs-credentials',
  'unreachable',
  'refused',
  'removed',
]);
export type ShareState = z.infer<typeof shareState>;

const id = z.int().min(0).max(MAX_FILE_ID);
const mode = z.string().regex(OCTAL_MODE);

/** How files look in the VM; the modes in octal. */
export const shareOwner = z.strictObject({ uid: id, gid: id, fileMode: mode, directoryMode: mode });
export type ShareOwner = z.infer<typeof shareOwner>;

export const listedShare = z.object({
  id: z.string(),
  name: z.string(),
  hostPath: z.string(),
  /** Where it is in the VM. */
  points: z.array(z.string()),
  isReadOnly: z.boolean(),
  /** The user whose rights the VM has; absent for mobyvm's own account. */
  user: z.string().optional(),
  owner: shareOwner,
  state: shareState,
  /** What failed, why, and what to do. */
  step: z.string().optional(),
  reason: z.string().optional(),
  remedy: z.string().optional(),
});
export type ListedShare = z.infer<typeof listedShare>;

export const shareListing = z.object({ shares: z.array(listedShare) });
export type ShareListing = z.infer<typeof shareListing>;

const text = z.string().max(8_192);
export const shareAddRequest = z.strictObject({
  name: text,
  path: text.optional(),
  isReadOnly: z.boolean(),
  user: text.optional(),
  /** Secret. */
  password: text.optional(),
  /** What differs from the settings. */
  owner: shareOwner.partial().optional(),
});
export type ShareAddRequest = z.infer<typeof shareAddRequest>;

export const shareNameRequest = z.strictObject({ name: text });
export const shareCredentialsRequest = z.strictObject({ name: text, password: text });

/** What can be shared with one click. Any other folder can be shared by its path. */
export const shareOffers = z.object({
  /** The host has drives; otherwise a letter stands for a folder. */
  hasDrives: z.boolean(),
  /** The drives, or the folders of the host's users. `name` is what a request to share it needs. */
  offers: z.array(z.object({ name: z.string(), hostPath: z.string() })),
});
export type ShareOffers = z.infer<typeof shareOffers>;

export const shareRemoved = z.object({ name: z.string(), hostPath: z.string() });
export type ShareRemoved = z.infer<typeof shareRemoved>;

export const shareCheck = z.object({
  steps: z.array(
    z.object({
      step: z.string(),
      verdict: z.enum(['ok', 'failed', 'skipped']),
      detail: z.string(),
      remedy: z.string(),
    }),
  ),
});
export type ShareCheck = z.infer<typeof shareCheck>;
