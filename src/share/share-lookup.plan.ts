interface Pointed {
  readonly points: readonly string[];
}

/**
 * Finds the share that a path in the VM belongs to, by the longest mount point above it.
 * @param path absolute, without dot segments
 */
export function shareAt<S extends Pointed>(path: string, shares: readonly S[]): S | undefined {
  let found: { readonly share: S; readonly length: number } | undefined;
  for (const share of shares) {
    for (const point of share.points) {
      if (!isWithin(path, point) || (found !== undefined && found.length >= point.length)) continue;
      found = { share, length: point.length };
    }
  }
  return found?.share;
}

/**
 * Windows ignores the case of names, the VM does not: a path below a shared folder gets the spelling of the mount
 * point.
 */
export function spelledAsPoint(path: string, shares: readonly Pointed[]): string {
  const folded = path.toLowerCase();
  for (const { points } of shares) {
    const point = points.find((each) => isWithin(folded, each.toLowerCase()) && path[1] === each[1]);
    if (point !== undefined) return point + path.slice(point.length);
  }
  return path;
}

/** Whether a path is that folder, or below it. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? folder : `${folder}/`);
}
