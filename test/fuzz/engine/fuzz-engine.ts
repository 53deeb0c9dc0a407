import { Random, shrink } from '../mutate.js';
import { compare, type Mismatch, type Sockets } from './compare.js';
import { generate, type Case } from './generate.js';

export interface EngineFuzz {
  readonly seed: number;
  /** How many requests are sent each way; a case has one to four. */
  readonly count: number;
  /** How many connections are used at the same time. */
  readonly workers: number;
  /** The first case; 0 if absent. A failure is repeated by its own number. */
  readonly from?: number;
  readonly onProgress?: (requests: number) => void;
}

export interface EngineFuzzReport {
  readonly requests: number;
  readonly cases: number;
  /** How often each deliberate difference was seen. */
  readonly differences: ReadonlyMap<string, number>;
  /** One of each kind. */
  readonly failures: readonly EngineFailure[];
}

export interface EngineFailure extends Mismatch {
  readonly index: number;
  /** The smallest requests found that differ; the same both ways unless they name paths of the host. */
  readonly sent: Case;
}

/** A difference that does not come again is one of time: two requests that met in the engine. */
const ATTEMPTS = 3;
const SHRINK_SENDS = 60;
const MAX_FAILURES = 8;

/** Sends generated requests both ways until the count is reached or one differs. */
export async function fuzzEngine(sockets: Sockets, options: EngineFuzz): Promise<EngineFuzzReport> {
  const { seed, count, workers, from = 0, onProgress } = options;
  const differences = new Map<string, number>();
  let [requests, cases] = [0, 0];
  const failures = new Map<string, EngineFailure>();
  const work = async (): Promise<void> => {
    while (requests < count && failures.size < MAX_FAILURES) {
      const index = from + cases;
      cases += 1;
      const sent = generate(new Random(seed * 1_000_003 + index), index);
      requests += sent.methods.length;
      const { seen, mismatch } = await compare(sockets, sent);
      for (const name of seen) differences.set(name, (differences.get(name) ?? 0) + 1);
      if (mismatch !== undefined && !failures.has(kindOf(mismatch)) && (await isReal(sockets, sent)))
        failures.set(kindOf(mismatch), { index, sent, ...mismatch });
      if (index % 500 === 0) onProgress?.(requests);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  const smallest: EngineFailure[] = [];
  for (const failure of failures.values()) {
    const sent = await smaller(sockets, failure.sent);
    smallest.push({ ...failure, sent, ...(await compare(sockets, sent)).mismatch });
  }
  return { requests, cases, differences, failures: smallest };
}

function kindOf({ straight, through }: Mismatch): string {
  return JSON.stringify([straight, through]).replaceAll(/\d+/g, '#').slice(0, 300);
}

async function isReal(sockets: Sockets, sent: Case): Promise<boolean> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1)
    if ((await compare(sockets, sent)).mismatch === undefined) return false;
  return true;
}

/** Leaves parts out as long as the difference remains. */
async function smaller(sockets: Sockets, sent: Case): Promise<Case> {
  if (!sent.straight.equals(sent.through)) return sent;
  let smallest = sent;
  let left = SHRINK_SENDS;
  // `shrink` decides without waiting, so that it is asked for the next candidate again and again.
  const known = new Map<string, boolean>();
  for (;;) {
    let open: Buffer | undefined;
    const result = shrink(sent.straight, (input) => {
      const answer = known.get(input.toString('latin1'));
      if (answer === undefined) open ??= input;
      return answer ?? false;
    });
    smallest = { ...sent, straight: result, through: result };
    if (open === undefined || left === 0) return smallest;
    left -= 1;
    const candidate = { ...sent, straight: open, through: open };
    known.set(open.toString('latin1'), (await compare(sockets, candidate)).mismatch !== undefined);
  }
}

export function describeFailure({ index, sent, straight, through }: EngineFailure, seed: number): string {
  return [
    `seed ${seed}, case ${index}`,
    `sent straight: ${JSON.stringify(sent.straight.toString('latin1'))}`,
    `sent through:  ${JSON.stringify(sent.through.toString('latin1'))}`,
    `straight: ${JSON.stringify(straight)}`,
    `through:  ${JSON.stringify(through)}`,
  ].join('\n');
}
