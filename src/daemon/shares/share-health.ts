import { timeLimit } from '../../core/host/index.js';
import { lstat } from 'node:fs/promises';
import { shellWord } from '../../core/values/index.js';
import type { ShareHealth, ShareProblem } from '../../proxy/index.js';
import { isPathOfVm, shareAt, type PathRule, type Shares } from '../../share/index.js';

/** Host and VM are asked side by side; who is slower counts as broken. */
const ASK_MS = 1_700;

/** Tells for the binds of a request whether they are on shares that work. */
export function shareHealth(shares: Shares, rule: PathRule): ShareHealth {
  return {
    async problemOf(drive, path): Promise<ShareProblem | undefined> {
      const list = shares.list().map(({ share }) => share);
      const share = shareAt(path, list);
      if (share !== undefined) {
        return shares.problemOf(share.id, timeLimit(ASK_MS)).catch(() => silent(share.name));
      }
      if (drive === undefined) return hostPathProblem(path);
      const below = list.filter(({ points }) => points.some((point) => point.startsWith(`/${drive}/`)));
      return below.length === 0 ? notShared(drive, rule) : partlyShared(drive, below);
    },
  };
}

function silent(name: string): ShareProblem {
  return {
    reason: `share ${name} does not answer`,
    remedy: `\`mobyvm share check ${shellWord(name)}\` shows where it fails.`,
  };
}

/** Docker would create an empty folder of that name in the VM. */
async function hostPathProblem(path: string): Promise<ShareProblem | undefined> {
  if (isPathOfVm(path)) return undefined;
  try {
    await lstat(path);
  } catch {
    return undefined;
  }
  return {
    reason: 'that path of this host is not shared with the VM',
    remedy: `Share it, or a folder above it: mobyvm share add ${shellWord(path)}`,
  };
}

function notShared(drive: string, rule: PathRule): ShareProblem {
  const command = rule === 'linux' ? `mobyvm share add ${drive} --path FOLDER` : `mobyvm share add ${drive}`;
  return { reason: `drive ${drive} is not shared with the VM`, remedy: `Share it: ${command}` };
}

function partlyShared(drive: string, shares: readonly { readonly name: string }[]): ShareProblem {
  const names = shares.map(({ name }) => name).join(', ');
  return {
    reason: `of drive ${drive}, only ${names} is shared with the VM`,
    remedy: `Share the folder, too: mobyvm share add ${drive}:\\FOLDER`,
  };
}
