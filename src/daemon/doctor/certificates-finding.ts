import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../core/values/index.js';
import { fine, problem, unseen, type Judgement } from './finding.js';

const NAMES = [
  ['ca', "the machine's authority"],
  ['server', "the engine's certificate"],
  ['client', "the daemon's certificate"],
] as const;
const REMEDY = 'Run `mobyvm restart`: the daemon makes new certificates and gives them to the VM.';

/** Whether the certificates of daemon and engine are valid now. @param directory as `loadCertificates` has it */
export async function judgeCertificates(directory: string, nowMs: number): Promise<Judgement> {
  const ends: number[] = [];
  for (const [name, title] of NAMES) {
    const path = join(directory, `${name}.pem`);
    const read = await readCertificate(path);
    if (read === 'absent') return unseen(`${path} does not exist`);
    if (read === 'damaged') return problem(`${title} is damaged (${path})`, REMEDY);
    const begin = Date.parse(read.validFrom);
    const end = Date.parse(read.validTo);
    if (nowMs >= end) return problem(`${title} expired on ${day(end)}`, REMEDY);
    if (nowMs < begin)
      return problem(
        `${title} is valid from ${day(begin)}, but this host's clock says ${day(nowMs)}`,
        "Set this host's clock. If it is right, `mobyvm restart` makes new certificates.",
      );
    ends.push(end);
  }
  return fine(`valid until ${day(Math.min(...ends))}`);
}

async function readCertificate(path: string): Promise<X509Certificate | 'absent' | 'damaged'> {
  try {
    return new X509Certificate(await readFile(path));
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'absent' : 'damaged';
  }
}

/** ISO 8601. */
function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
