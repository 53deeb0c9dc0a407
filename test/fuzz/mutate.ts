/** A small seeded generator (mulberry32), so that a run can be repeated from its seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns an integer from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * limit);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }
}

const MAX_BYTES = 4_096;
const BOUNDARY_VALUES = [0, 1, 0x0a, 0x0d, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff];

/** Returns a seed changed in one to eight ways, or now and then bytes without any form. */
export function mutate(random: Random, corpus: readonly Buffer[], tokens: readonly Buffer[]): Buffer {
  if (corpus.length === 0 || random.chance(50))
    return Buffer.from(Array.from({ length: random.below(64) }, () => random.below(256)));
  let bytes = Buffer.from(random.pick(corpus));
  for (let left = 1 + random.below(8); left > 0; left -= 1)
    bytes = changed(random, bytes, { corpus, tokens });
  return bytes.subarray(0, MAX_BYTES);
}

interface Sources {
  readonly corpus: readonly Buffer[];
  readonly tokens: readonly Buffer[];
}

function changed(
  random: Random,
  bytes: Buffer<ArrayBuffer>,
  { corpus, tokens }: Sources,
): Buffer<ArrayBuffer> {
  const at = random.below(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + random.below(random.chance(8) ? 256 : 8));
  const replace = (middle: Uint8Array, removed: number): Buffer<ArrayBuffer> =>
    Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(at + removed)]);
  switch (random.below(9)) {
    case 0:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.below(256);
      return bytes;
    case 2:
      if (at < bytes.length) bytes[at] = random.pick(BOUNDARY_VALUES);
      return bytes;
    case 3:
      return replace(Buffer.alloc(0), length);
    case 4:
      return replace(bytes.subarray(at, at + length), 0);
    case 5:
      return Buffer.from(bytes.subarray(0, at));
    case 6: {
      const other = random.pick(corpus);
      const from = random.below(other.length + 1);
      return replace(other.subarray(from, from + 1 + random.below(64)), random.chance(2) ? length : 0);
    }
    default:
      return tokens.length === 0 ? bytes : replace(random.pick(tokens), random.chance(2) ? length : 0);
  }
}

/** Returns the shortest input found by leaving parts out for which `fails` still holds. */
export function shrink(input: Buffer, fails: (input: Buffer) => boolean): Buffer {
  let smallest = input;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length;) {
      const shorter = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (fails(shorter)) smallest = shorter;
      else at += size;
    }
  }
  return smallest;
}
