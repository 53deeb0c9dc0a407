import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { bytesText, timeText } from './format.js';
import type { Sample } from './live.js';

/** Bytes and counts per second, bytes, or processors that are busy. */
type Unit = 'bytes/s' | 'count/s' | 'bytes' | 'processors';

interface ChartProps {
  readonly label: string;
  readonly names: readonly string[];
  readonly samples: readonly Sample[];
  readonly unit: Unit;
}

/** Steps between the marks of an axis for bytes. */
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, exponent) => 2 ** exponent);

const HEIGHT = 120;
/** Seconds that a chart spans. */
const SPAN = 120;

export function Chart({ label, names, samples, unit }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const made = new uPlot(optionsFor(element, names, unit), dataOf(samples, names.length), element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(dataOf(samples, names.length)), [samples]);
  const latest = samples.at(-1)?.values ?? names.map(() => 0);
  const texts = names.map((name, at) => `${name} ${valueText(latest[at] ?? 0, unit)}`);
  return (
    <figure class="chart" aria-label={`${label}: ${texts.join(', ')}`} role="img">
      <figcaption>
        <span>{label}</span>
        {texts.map((text, at) => (
          <span key={text} class={`series series-${at}`}>
            {text}
          </span>
        ))}
      </figcaption>
      <div ref={place} />
    </figure>
  );
}

function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case 'bytes/s':
      return `${bytesText(value)}/s`;
    case 'bytes':
      return bytesText(value);
    case 'count/s':
      return `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
    case 'processors':
      return `${Math.round(value * 100)} %`;
  }
}

/** The least that the vertical axis spans. */
const LEAST: Readonly<Record<Unit, number>> = {
  'bytes/s': 1_024,
  bytes: 1_048_576,
  'count/s': 1,
  processors: 1,
};

function dataOf(samples: readonly Sample[], series: number): uPlot.AlignedData {
  const ys = Array.from({ length: series }, (_, at) => samples.map(({ values }) => values[at] ?? 0));
  return [samples.map(({ at }) => at), ...ys];
}

function optionsFor(element: HTMLElement, names: readonly string[], unit: Unit): uPlot.Options {
  const style = getComputedStyle(element);
  const ink = style.getPropertyValue('--muted').trim();
  const line = style.getPropertyValue('--line').trim();
  const colours = ['--series-0', '--series-1'].map((name) => style.getPropertyValue(name).trim());
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width: Math.max(element.clientWidth, 100),
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: () => [Date.now() / 1_000 - SPAN, Date.now() / 1_000] },
      y: { range: (_plot, _low, high) => [0, Math.max(high, LEAST[unit]) * 1.1] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        space: 100,
        values: (_plot, ticks) => ticks.map((tick) => timeText(tick * 1_000)),
      },
      {
        ...axis,
        size: 64,
        ...(unit.startsWith('bytes') ? { incrs: POWERS_OF_TWO } : {}),
        values: (_plot, ticks) => ticks.map((tick) => valueText(tick, unit)),
      },
    ],
    series: [
      {},
      ...names.map((name, at) => ({
        label: name,
        stroke: colours[at] ?? ink,
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}
