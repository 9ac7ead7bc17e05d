import type { JSX } from 'preact';
import type { PageHistory } from '../../src/dashboard/contract.ts';
import { formatBytes, formatMs, formatRate, formatShare } from '../state/format.ts';
import { Chart } from './chart.tsx';
import { useHistory } from './use-history.ts';

const none: PageHistory = {
  atMs: [],
  rps: [],
  errors: [],
  p50: [],
  p90: [],
  p99: [],
  busy: [],
  memoryBytes: [],
};

/** Traffic, failures, latency and saturation over time. */
export function GoldenSignals({ kind, of }: { kind: 'workload' | 'pod'; of: string }): JSX.Element {
  const answer = useHistory(kind, of);
  if (typeof answer === 'string') return <p role="alert">Its history cannot be had: {answer}</p>;
  const { atMs, rps, errors, p50, p90, p99, busy, memoryBytes } = answer ?? none;
  return (
    <div class="charts">
      <Chart
        title="Traffic"
        atMs={atMs}
        format={each => `${formatRate(each)}/s`}
        lines={[{ name: 'requests', values: rps, colour: '--accent' }]}
      />
      <Chart
        title="Failures"
        atMs={atMs}
        format={each => `${formatRate(each)}/s`}
        lines={[{ name: 'failed', values: errors, colour: '--error' }]}
      />
      <Chart
        title="Latency"
        atMs={atMs}
        format={formatMs}
        lines={[
          { name: 'p50', values: p50, colour: '--line-1' },
          { name: 'p90', values: p90, colour: '--line-2', dash: [6, 3] },
          { name: 'p99', values: p99, colour: '--line-3', dash: [2, 2] },
        ]}
      />
      <Chart
        title="Busy"
        atMs={atMs}
        format={formatShare}
        lines={[{ name: 'event loop', values: busy, colour: '--accent' }]}
      />
      <Chart
        title="Memory"
        atMs={atMs}
        format={formatBytes}
        lines={[{ name: 'resident', values: memoryBytes, colour: '--accent' }]}
      />
    </div>
  );
}
