// The control plane: how fast a change reaches everybody, and what the pipeline does at scale. Both programs stand for themselves
// too.

import { VERSION } from '../../src/config/version.ts';
import { readResult } from '../load/load-result.ts';
import { summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

const wire = (proxies: number): Scenario => ({
  name: `discovery-${proxies}`,
  title: `an endpoint change to ${proxies} subscribed proxies over mutual TLS, server and clients in one process`,
  unit: 'change',
  run: (_, settings) =>
    program(
      'bench/discovery-wire.ts',
      ['--proxies', `${proxies}`, '--changes', settings.quick ? '30' : '100'],
      settings,
    ),
});

const scale: Scenario = {
  name: 'discovery-scale',
  title: '10,000 Services in the pipeline, changes to 1,000 in-process subscribers',
  unit: 'change',
  run: (_, settings) =>
    program('bench/discovery-scale.ts', ['--changes', settings.quick ? '200' : '500'], settings),
};

/** See above. */
export const discoveryScenarios: readonly Scenario[] = [wire(10), wire(1000), scale];

/** Runs one on the CPU of the proxies, as a control plane would be alone on its. */
async function program(file: string, flags: readonly string[], settings: BenchSettings): Promise<Outcome> {
  const stage = new Stage(settings);
  try {
    const lines: string[] = [];
    const running = stage.proxy(process.execPath, [file, ...flags], { onLine: line => lines.push(line) });
    const code = await running.ended();
    if (code !== 0) throw new Error(`${file} ended with ${code}: ${running.errors.trim()}`);
    const figures = readResult(lines.join('\n')) as unknown as Record<string, number>;
    return { proxies: summarise([{ proxy: 'weft', version: VERSION, figures }]), notices: [] };
  } finally {
    await stage.close();
  }
}
