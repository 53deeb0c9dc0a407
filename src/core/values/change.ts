/** What must change to get from what was observed to what is wanted: the outcome of a resource's `plan`. */
export type Change =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | { readonly kind: 'update'; readonly fields: readonly string[] }
  | { readonly kind: 'replace'; readonly reason: string };
