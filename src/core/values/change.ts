/** The result of a resource's `plan`: what must change to get from the observed state to the wanted one. */
export type Change =
  | { readonly kind: 'none' }
  | { readonly kind: 'create' }
  | { readonly kind: 'update'; readonly fields: readonly string[] }
  | { readonly kind: 'replace'; readonly reason: string };
