import { z } from 'zod';
import { MAX_FILE_ID, MAX_FILE_MODE } from '../core/values/index.js';
import type { Share } from './share.js';

/** A share as it is kept: of the owner of its files only what was chosen for it. */
export type ShareEntry = Omit<Share, 'owner'>;

const path = z.string().min(1).max(4_096);
const account = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('private') }),
  z.strictObject({ kind: z.literal('user'), user: z.string().min(1).max(256) }),
]);

const id = z.int().min(0).max(MAX_FILE_ID).optional();
const mode = z.int().min(0).max(MAX_FILE_MODE).optional();

const entry = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  name: path,
  hostPath: path,
  points: z.array(path).min(1).max(8),
  isReadOnly: z.boolean(),
  account,
  chosenOwner: z.strictObject({ uid: id, gid: id, fileMode: mode, directoryMode: mode }).optional(),
});

/** More would each need a mount and a look every few seconds. */
export const MAX_SHARES = 64;

/** The file with the list of shares. */
export const shareFile = z.strictObject({
  version: z.literal(1),
  shares: z.array(entry).max(MAX_SHARES),
});
export type ShareFile = z.infer<typeof shareFile>;
