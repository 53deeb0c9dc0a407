import { isSameAccount } from './account-name.plan.js';

/** One share as Windows has it. */
export interface FoundShare {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  readonly cachingMode: string;
  readonly enumeration: string;
  readonly access: readonly AccessEntry[];
  /** It has the mark of our machine. */
  readonly isOurs: boolean;
}

export interface AccessEntry {
  readonly account: string;
  readonly isAllowed: boolean;
  readonly right: string;
}

export interface WantedShare {
  readonly name: string;
  readonly path: string;
  readonly account: string;
  readonly isReadOnly: boolean;
}

export interface ShareComparison {
  /** To be created, those that are wrong included. */
  readonly missing: readonly WantedShare[];
  /** Ours, and no longer wanted or not as wanted. */
  readonly wrong: readonly string[];
  /** Others' shares with names that we want. */
  readonly foreign: readonly FoundShare[];
}

/** The right that a share's account gets: it never may change permissions. */
export function rightFor({ isReadOnly }: WantedShare): 'Read' | 'Change' {
  return isReadOnly ? 'Read' : 'Change';
}

export function compareShares(found: readonly FoundShare[], wanted: readonly WantedShare[]): ShareComparison {
  const named = (name: string): FoundShare | undefined => found.find((each) => isSame(each.name, name));
  const isRight = (each: FoundShare): boolean => {
    const there = wanted.find(({ name }) => isSame(name, each.name));
    return there !== undefined && isAsWanted(each, there);
  };
  return {
    missing: wanted.filter(({ name }) => {
      const here = named(name);
      return here === undefined || (here.isOurs && !isRight(here));
    }),
    wrong: found.filter((each) => each.isOurs && !isRight(each)).map(({ name }) => name),
    foreign: wanted.flatMap(({ name }) => {
      const here = named(name);
      return here === undefined || here.isOurs ? [] : [here];
    }),
  };
}

function isAsWanted(found: FoundShare, wanted: WantedShare): boolean {
  const [entry, ...more] = found.access;
  return (
    isSame(found.path, wanted.path) &&
    found.cachingMode === 'None' &&
    found.enumeration === 'Unrestricted' &&
    entry?.isAllowed === true &&
    more.length === 0 &&
    entry.right === rightFor(wanted) &&
    isSameAccount(entry.account, wanted.account)
  );
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
