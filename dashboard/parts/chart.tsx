import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { isDark } from '../state/theme.ts';

/** A line. */
export interface Line {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** A custom property of the style: `--accent`. */
  readonly colour: string;
  /** Told apart without colours. */
  readonly dash?: readonly number[];
}

interface ChartProps {
  readonly title: string;
  readonly atMs: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
}

const height = 150;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Lines over time, with the last values in words. */
export function Chart({ title, atMs, lines, format }: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const dark = isDark.value;
  const enough = atMs.length > 1;
  const data = [atMs.map(each => each / 1_000), ...lines.map(each => [...each.values])] as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  // Colours are read from the style, which the theme changes.
  useEffect(() => {
    if (!enough || box.current === null) return;
    const element = box.current;
    const made = new uPlot(optionsOf(element.clientWidth, lines, format), latest.current, element);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [dark, enough, title]);
  useEffect(() => plot.current?.setData(data), [data]);
  const last = lines.map(({ name, values }) => {
    const value = values.at(-1);
    return `${name} ${value === null || value === undefined ? '–' : format(value)}`;
  });
  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <span class="keys">
          {lines.map(({ name, colour, dash }, at) => (
            <span key={name}>
              <svg width="18" height="8" aria-hidden="true">
                <line
                  x1="0"
                  y1="4"
                  x2="18"
                  y2="4"
                  stroke={`var(${colour})`}
                  stroke-width="2"
                  stroke-dasharray={dash?.join(' ')}
                />
              </svg>
              {last[at]}
            </span>
          ))}
        </span>
      </figcaption>
      {enough ? (
        <div ref={box} role="img" aria-label={`${title} over time; now ${last.join(', ')}`} />
      ) : (
        <p class="waiting">The line begins with the second answer of the proxies.</p>
      )}
    </figure>
  );
}

function optionsOf(width: number, lines: readonly Line[], format: (value: number) => string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui',
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.15 : 1] } },
    axes: [
      { ...axis, space: 80, size: 26, values: (_, splits) => splits.map(each => clock.format(each * 1_000)) },
      { ...axis, size: 62, space: 36, values: (_, splits) => splits.map(each => format(each)) },
    ],
    series: [
      {},
      ...lines.map(({ name, colour: of, dash }) => ({
        label: name,
        stroke: colour(of),
        width: 1.6,
        points: { show: false },
        ...(dash && { dash: [...dash] }),
      })),
    ],
  };
}
