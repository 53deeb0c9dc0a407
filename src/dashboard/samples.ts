import type { PortListing } from './messages.js';

/** A value of a chart, and when it was measured: seconds since 1970. Null where nothing is known. */
export interface Sample {
  readonly at: number;
  readonly values: readonly (number | null)[];
}

type Port = PortListing['ports'][number];

/** Bytes per second through a port. */
export interface PortRate {
  readonly in: number;
  readonly out: number;
}

export interface PortRates {
  /** Seconds since 1970. */
  readonly at: number;
  readonly byPort: ReadonlyMap<string, PortRate>;
}

const KEPT_SAMPLES = 240;
/** Counters are sent each second when they have changed. */
export const SILENT_SECONDS = 2.5;

export function portKey({ protocol, hostIp, hostPort }: Port): string {
  return `${protocol} ${hostIp} ${hostPort}`;
}

/** What went through each port since it was looked at before; nothing yet for a port that is new. */
export function ratesOf(
  before: readonly Port[],
  ports: readonly Port[],
  seconds: number,
): PortRates['byPort'] {
  const earlier = new Map(before.map((port) => [portKey(port), port]));
  return new Map(
    ports.map((port) => {
      const { bytesIn, bytesOut } = earlier.get(portKey(port)) ?? port;
      const rate = {
        in: Math.max(0, port.bytesIn - bytesIn) / seconds,
        out: Math.max(0, port.bytesOut - bytesOut) / seconds,
      };
      return [portKey(port), rate];
    }),
  );
}

/**
 * How many seconds a rate covers that is measured now. The daemon looks each second; on a busy host the events come late,
 * and then several at once.
 */
export function secondsSince(samples: readonly Sample[], at: number): number {
  return Math.min(Math.max(at - (samples.at(-1)?.at ?? at - 1), 0.8), 1.5);
}

export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  return [...samples, sample].slice(-KEPT_SAMPLES);
}

/** States are sent when they change: what was not sent meanwhile was zero. */
export function withRate(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  return withSample([...samples, ...silence(samples, sample.at - 1)], sample);
}

/** Nothing is known about the time from the last sample to now. */
export function withGap(samples: readonly Sample[], at: number): readonly Sample[] {
  const last = samples.at(-1);
  return last === undefined ? samples : withSample(samples, { at, values: last.values.map(() => null) });
}

/** The samples up to now of a rate that was not sent for a while. */
export function upToNow(samples: readonly Sample[], at: number, kind: 'rate' | 'level'): readonly Sample[] {
  const last = samples.at(-1);
  if (last === undefined) return samples;
  return [...samples, ...(kind === 'level' ? [{ at, values: last.values }] : silence(samples, at))];
}

function silence(samples: readonly Sample[], to: number): readonly Sample[] {
  const last = samples.at(-1);
  if (last === undefined || to - last.at < SILENT_SECONDS - 1) return [];
  const values = last.values.map(() => 0);
  return [
    { at: last.at + 1, values },
    { at: to, values },
  ];
}
