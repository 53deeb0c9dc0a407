/** The result of one check of `mobyvm doctor`. */
export interface Finding {
  /** Kebab-case, stable. */
  readonly id: string;
  /** What was checked, for example "Hyper-V feature". */
  readonly title: string;
  readonly verdict: Verdict;
  /** What was found; no full stop at the end. */
  readonly detail: string;
  /** What the user can do. Every problem has one. */
  readonly remedy?: string;
  /** `mobyvm doctor --fix` can repair it without interrupting anything. */
  readonly isFixable?: boolean;
}

/** A finding without the name of the check. */
export type Judgement = Omit<Finding, 'id' | 'title'>;

/**
 * - `problem`: mobyvm cannot work
 * - `notice`: it works, but the user should know
 * - `unknown`: it could not be checked
 */
export type Verdict = 'fine' | 'notice' | 'problem' | 'unknown';

/** A fact, or why it could not be determined. */
export type Fact<T> = { readonly known: T } | { readonly unknown: string; readonly remedy?: string };

/** Two facts that are judged together; what is not known of the first is said first. */
export function both<A, B>(one: Fact<A>, other: Fact<B>): Fact<readonly [A, B]> {
  if ('unknown' in one) return one;
  return 'unknown' in other ? other : { known: [one.known, other.known] };
}

export type Known<F> = Extract<F, { readonly known: unknown }>['known'];

/** Judges a fact, or reports that it could not be determined. */
export function judged<T>(id: string, title: string, fact: Fact<T>, judge: (known: T) => Judgement): Finding {
  if ('unknown' in fact) {
    const { unknown, remedy } = fact;
    return { id, title, ...unseen(unknown), ...(remedy !== undefined && { remedy }) };
  }
  return { id, title, ...judge(fact.known) };
}

export function fine(detail: string): Judgement {
  return { verdict: 'fine', detail };
}

export function problem(detail: string, remedy: string): Judgement {
  return { verdict: 'problem', detail, remedy };
}

export function notice(detail: string, remedy: string): Judgement {
  return { verdict: 'notice', detail, remedy };
}

export function unseen(reason: string): Judgement {
  return { verdict: 'unknown', detail: `could not be checked: ${reason}` };
}
