/**
 * Encrypts secrets for files, with a key of the system that is not among them: copies and backups of the files, or a
 * disk in another computer, do not give the secrets away. `test/contract/secret-seal.ts` is the behaviour that each
 * implementation has.
 */
export interface SecretSeal {
  /** The text to store. @throws MobyvmError MOBYVM_STATE_FILE */
  seal(secret: string): Promise<string>;
  /**
   * The secret in a stored text; undefined if this computer cannot decrypt it. A text that was never sealed is the
   * secret itself.
   */
  open(text: string): Promise<string | undefined>;
}

/** For Linux, which has no such key of its own: only the modes of the files protect the secrets. */
export const noSeal: SecretSeal = {
  seal: (secret) => Promise.resolve(secret),
  open: (text) => Promise.resolve(text),
};
