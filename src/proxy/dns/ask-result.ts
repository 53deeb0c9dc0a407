/** What came of asking one upstream once. Failures are everyday here, so they are values and not errors. */
export type AskResult =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  /** `aborted` when the caller did not want to know any more. */
  | { readonly kind: 'failed'; readonly reason: string };
