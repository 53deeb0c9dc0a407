import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { chartOptions, valueText, type Unit } from './chart-options.js';
import { timeText } from './format.js';
import { SILENT_SECONDS, upToNow, type Sample } from './samples.js';
import { useLive, useNow } from './store.js';

interface ChartProps {
  readonly label: string;
  /** One per line of the chart. */
  readonly names: readonly string[];
  readonly samples: readonly Sample[];
  readonly unit: Unit;
  /** What the vertical axis spans at least, for example the memory that the VM has. */
  readonly full?: number;
  readonly note?: string;
}

/** The last two minutes. It stops where the daemon was last heard. */
export function Chart({ label, names, samples, unit, full, note }: ChartProps) {
  const { connection, heardMs } = useLive();
  const now = useNow();
  const isLive = connection === 'live';
  const endMs = isLive ? now : (heardMs ?? now);
  const kind = unit.endsWith('/s') ? 'rate' : 'level';
  const shown = isLive ? upToNow(samples, endMs / 1_000, kind) : samples;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const current = { endSeconds: endMs / 1_000, full, endText: isLive ? 'now' : timeText(endMs) };
  const view = useRef(current);
  view.current = current;
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const draw = (): uPlot =>
      new uPlot(chartOptions({ element, names, unit, view }), dataOf(shown, names.length), element);
    plot.current = draw();
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    resized.observe(element);
    // A canvas does not follow the style sheet.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    const recolour = (): void => {
      plot.current?.destroy();
      plot.current = draw();
    };
    scheme.addEventListener('change', recolour);
    return () => {
      scheme.removeEventListener('change', recolour);
      resized.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(dataOf(shown, names.length)), [samples, endMs, full]);
  const texts = latestOf(samples, { kind, now: endMs / 1_000, names }).map((value, at) => ({
    name: names[at] ?? '',
    text: value === null ? '–' : valueText(value, unit),
  }));
  const summary = texts.map(({ name, text }) => `${name} ${text}`.trim()).join(', ');
  return (
    <figure class="chart" aria-label={`${label}: ${summary}`} role="img">
      <figcaption class={texts.length === 1 ? undefined : 'several'}>
        <span class="chart-label">{label}</span>
        {texts.map(({ name, text }, at) => (
          <span key={name} class={texts.length === 1 ? '' : `series series-${at}`}>
            {name !== '' && <small>{name}</small>} <strong>{text}</strong>
          </span>
        ))}
        {note !== undefined && <small>{note}</small>}
      </figcaption>
      <div ref={place} class="plot" />
    </figure>
  );
}

interface Reading {
  readonly kind: 'rate' | 'level';
  readonly now: number;
  readonly names: readonly string[];
}

/** A rate that was not sent for a while is zero. */
function latestOf(samples: readonly Sample[], { kind, now, names }: Reading): readonly (number | null)[] {
  const last = samples.at(-1);
  if (last === undefined) return names.map(() => null);
  return kind === 'rate' && now - last.at > SILENT_SECONDS ? last.values.map(() => 0) : last.values;
}

function dataOf(samples: readonly Sample[], series: number): uPlot.AlignedData {
  const ys = Array.from({ length: series }, (_, at) => samples.map(({ values }) => values[at] ?? null));
  return [samples.map(({ at }) => at), ...ys];
}
