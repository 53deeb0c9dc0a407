import type { InstancePaths } from '../../protocol/paths.js';
import { imageProblem } from '../machine/last-image.js';
import { notice, type Finding } from './finding.js';

/** The image that failed, if the VM is started with the one before. */
export async function lastImageFindings({
  lastImageDir,
}: Pick<InstancePaths, 'lastImageDir'>): Promise<readonly Finding[]> {
  const found = await imageProblem(lastImageDir);
  const named = { id: 'last-image', title: 'Last boot image' };
  return found === undefined ? [] : [{ ...named, ...notice(found.problem, found.remedy) }];
}
