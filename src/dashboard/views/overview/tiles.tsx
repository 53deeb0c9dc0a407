import { Chart } from '../../chart.js';
import type { Live } from '../../live.js';
import type { Sample } from '../../samples.js';

const MIB = 1_048_576;

/** What the VM does now, and did in the last two minutes. */
export function Tiles({ live }: { live: Live }) {
  const { usage, processors, memory, traffic, queries, status, ports, dns } = live;
  const { cpus = 1, memoryMiB } = status?.vm ?? {};
  return (
    <div class="tiles">
      {usage?.processorSeconds !== undefined && (
        <section class="card">
          <Chart
            label="Processor"
            names={['']}
            samples={partsOf(processors, cpus)}
            unit="part"
            full={1}
            note={cpus === 1 ? 'of 1 processor' : `of ${cpus} processors`}
          />
        </section>
      )}
      {usage?.memoryBytes !== undefined && (
        <section class="card">
          <Chart
            label="Memory"
            names={['']}
            samples={memory}
            unit="bytes"
            {...(memoryMiB === undefined
              ? {}
              : { full: memoryMiB * MIB, note: `of ${memoryMiB} MiB, taken from this host` })}
          />
        </section>
      )}
      {ports !== undefined && ports.length > 0 && (
        <section class="card">
          <Chart label="Port traffic" names={['in', 'out']} samples={traffic} unit="bytes/s" />
        </section>
      )}
      {dns !== undefined && (
        <section class="card">
          <Chart label="DNS queries" names={['']} samples={queries} unit="count/s" />
        </section>
      )}
    </div>
  );
}

function partsOf(samples: readonly Sample[], cpus: number): readonly Sample[] {
  return samples.map(({ at, values }) => ({
    at,
    values: values.map((value) => (value === null ? null : value / cpus)),
  }));
}
