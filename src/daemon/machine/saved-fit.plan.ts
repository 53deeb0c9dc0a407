/** What a guest was given at its boot and keeps until it boots again, also while it is saved. */
export interface GivenToGuest {
  /** Size and time of the boot image, whose file system the guest has mounted. */
  readonly image: string;
  /** Settings that only a boot applies, by their names. */
  readonly settings: Readonly<Record<string, string>>;
  /** A digest of the certificates and the token by which guest and host know each other. */
  readonly credentials: string;
  /** Ids of the shares that the guest may have mounted. */
  readonly shares: readonly string[];
}

/** What to do with a saved guest. `because` is a clause that says what has changed. */
export type SavedFit =
  | { readonly kind: 'resume' }
  /** It could run, but not with what the next start wants: it is resumed only to shut down. */
  | { readonly kind: 'shut down'; readonly because: string }
  /** It cannot run any more. */
  | { readonly kind: 'discard'; readonly because: string };

/** A setting with this value fits whatever the guest has. */
export const ANY_VALUE = 'auto';

/** @param given undefined if it is not known what the guest was given */
export function fitOfSaved(given: GivenToGuest | undefined, wanted: GivenToGuest): SavedFit {
  if (given === undefined) return { kind: 'shut down', because: 'it is not known what it was started with' };
  const changed = changedSettings(given.settings, wanted.settings);
  // Another folder: the image that the guest uses may well be unchanged.
  const isOtherImage = changed.includes('image.directory');
  if (given.image !== wanted.image && !isOtherImage)
    return { kind: 'discard', because: 'its boot image was replaced' };
  if (changed.length > 0) return { kind: 'shut down', because: `${changed.join(', ')} changed` };
  if (given.credentials !== wanted.credentials)
    return { kind: 'shut down', because: 'its certificates or its token were renewed' };
  const removed = given.shares.filter((id) => !wanted.shares.includes(id));
  if (removed.length > 0)
    return { kind: 'shut down', because: `it has shares that were removed: ${removed.join(', ')}` };
  return { kind: 'resume' };
}

/** Names of the settings that both know and that differ. */
function changedSettings(given: GivenToGuest['settings'], wanted: GivenToGuest['settings']): string[] {
  return Object.keys(wanted).filter((name) => {
    const [from, to] = [given[name], wanted[name]];
    return from !== undefined && to !== ANY_VALUE && from !== to;
  });
}
