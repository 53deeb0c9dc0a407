import type uPlot from 'uplot';
import { bytesText } from './format.js';

/** Bytes and counts per second, bytes, or the part of the processors that is busy: 1 is all. */
export type Unit = 'bytes/s' | 'count/s' | 'bytes' | 'part';

export interface ChartView {
  /** Where the time axis ends, seconds since 1970. */
  readonly endSeconds: number;
  readonly full: number | undefined;
  /** What the end of the time axis is called: `now`, or a time. */
  readonly endText: string;
}

export interface ChartParts {
  readonly element: HTMLElement;
  readonly names: readonly string[];
  readonly unit: Unit;
  readonly view: { readonly current: ChartView };
}

/** Seconds that a chart spans. */
const SPAN = 120;
/** What the vertical axis spans at least. */
const LEAST: Readonly<Record<Unit, number>> = { 'bytes/s': 1_024, bytes: 1_048_576, 'count/s': 1, part: 1 };
/** Steps between the marks of an axis for bytes. */
const POWERS_OF_TWO = Array.from({ length: 50 }, (_, exponent) => 2 ** exponent);

export function valueText(value: number, unit: Unit): string {
  switch (unit) {
    case 'bytes/s':
      return `${bytesText(value)}/s`;
    case 'bytes':
      return bytesText(value);
    case 'count/s':
      return `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
    case 'part':
      return `${Math.round(value * 100)} %`;
  }
}

export function chartOptions({ element, names, unit, view }: ChartParts): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(element.clientWidth, 100),
    height: element.clientHeight,
    legend: { show: false },
    cursor: { show: false },
    // Room for half of a label at the right end.
    padding: [8, 18, 0, 0],
    scales: {
      x: { range: () => [view.current.endSeconds - SPAN, view.current.endSeconds] },
      y: { range: (_plot, _low, high) => [0, topOf(high, unit, view.current.full)] },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 4,
        splits: () => [SPAN, SPAN / 2, 0].map((ago) => view.current.endSeconds - ago),
        values: () =>
          view.current.endText === 'now' ? ['', '1 min ago', 'now'] : ['', '', view.current.endText],
      },
      {
        ...axis,
        size: unit.startsWith('bytes') ? 74 : 46,
        gap: 6,
        space: 32,
        ...(unit.startsWith('bytes') ? { incrs: POWERS_OF_TWO } : {}),
        values: (_plot, ticks) => ticks.map((tick) => valueText(tick, unit)),
      },
    ],
    series: [
      {},
      ...names.map((name, at) => ({
        label: name,
        stroke: colour(`--series-${at}`),
        ...(at === 0 ? { fill: colour('--series-fill') } : {}),
        width: 1.5,
        points: { show: false },
      })),
    ],
  };
}

/** A chart with a natural limit shows all of it, so that half is half. */
function topOf(high: number | null, unit: Unit, full: number | undefined): number {
  const most = high ?? 0;
  return full !== undefined && most <= full ? full : Math.max(most, LEAST[unit]) * 1.1;
}
