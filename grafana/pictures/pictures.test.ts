import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dashboards, dashboardText } from '../index.ts';
import type { PrometheusApi, Series } from '../reading/prometheus-api.ts';
import type { DashboardJson } from '../reading/queries.ts';
import { draw } from './draw.ts';
import { formatted } from './units.ts';

test('values are written as Grafana writes them', () => {
  const rows: [number, string, number | undefined, string][] = [
    [0, 'short', undefined, '0'],
    [1_234_567, 'short', undefined, '1.23 Mil'],
    [0.9876, 'percentunit', 2, '98.76%'],
    [52_428_800, 'bytes', undefined, '50 MiB'],
    [1500, 'ms', undefined, '1.5 s'],
    [0.25, 'ms', undefined, '250 µs'],
    [86_381, 's', undefined, '24 hours'],
    [42.06, 'reqps', undefined, '42.1 req/s'],
  ];
  for (const [value, unit, decimals, words] of rows) assert.equal(formatted(value, unit, decimals), words);
});

/** Answers every query with these series. */
function api(series: readonly Series[]): PrometheusApi {
  const answer = (): Promise<readonly Series[]> => Promise.resolve(series);
  // Only what a picture asks.
  return { query: answer, queryRange: answer } as unknown as PrometheusApi;
}

const shown = { fromS: 0, toS: 60, times: { rangeS: 60, stepS: 10, scrapeS: 10 } };

async function pictures(series: readonly Series[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-pictures-'));
  try {
    const pages = [...dashboards().values()].map(dashboard => ({
      dashboard: JSON.parse(dashboardText(dashboard)) as DashboardJson,
      choice: { namespace: '<&"' },
    }));
    await draw(api(series), pages, shown, folder);
    return readdirSync(folder).map(file => readFileSync(join(folder, file), 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a picture of each dashboard is whole, says that it is no screenshot, and has no number that is none', async () => {
  const labels = { destination_service: '<script>', response_code: '503' };
  const series = [{ labels, samples: [10, 20, 60].map(atS => [atS, atS * 1.5] as const) }];
  const all = await pictures(series);
  assert.equal(all.length, dashboards().size);
  for (const text of all) {
    assert.match(text, /not a screenshot of Grafana/);
    assert.doesNotMatch(text, /NaN|undefined|Infinity|<script>/);
    const open = text.match(/<(svg|g|text|title)\b/g)!.length;
    assert.equal(text.match(/<\/(svg|g|text|title)>/g)!.length, open);
  }
});

test('where there is nothing, the picture has the words of the panel', async () => {
  const all = (await pictures([])).join('');
  assert.match(all, /nothing failed in this time/);
  assert.match(all, /no requests in this time/);
});
