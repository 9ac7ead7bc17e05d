// Asks a real Prometheus every query of a dashboard, as Grafana would with these variables and times.

import type { PrometheusApi, Series } from '../../grafana/reading/prometheus-api.ts';
import {
  type DashboardJson,
  type PanelJson,
  panelsOf,
  type TargetJson,
  variablesOf,
} from '../../grafana/reading/queries.ts';
import { substitute, type Times } from '../../grafana/reading/substitute.ts';

/** What the variables of a dashboard are set to. */
export type Choice = Readonly<Record<string, string | readonly string[]>>;

/** What is shown: until now, and in which steps. */
export interface Window {
  readonly fromS: number;
  readonly toS: number;
  readonly times: Times;
}

/** What came of one query of a panel: series for the first choice of variables that has some. */
export interface Asked {
  readonly panel: string;
  readonly refId: string;
  readonly series: readonly Series[];
  readonly choice: Choice;
  /** Values that are no numbers, for any choice that was tried: shown as NaN, which tells nobody anything. */
  readonly notNumbers: number;
}

/** The window of the last seconds. */
export function windowOf(rangeS: number, scrapeS: number): Window {
  const toS = Math.floor(Date.now() / 1000);
  return { fromS: toS - rangeS, toS, times: { rangeS, stepS: scrapeS, scrapeS } };
}

/** Every value that the variables can take together, each variable asked with those before it set, as Grafana does. */
export async function choicesOf(
  api: PrometheusApi,
  dashboard: DashboardJson,
  window: Window,
): Promise<Choice[]> {
  let choices: Choice[] = [{}];
  for (const { name, series, label } of variablesOf(dashboard)) {
    const all = dashboard.templating.list.find(each => each.name === name)?.includeAll === true;
    const next: Choice[] = [];
    for (const choice of choices) {
      const values = await api.labelValues(
        label,
        substitute(series, choice, window.times),
        window.fromS,
        window.toS,
      );
      if (values.length === 0) throw new Error(`${dashboard.title}: the variable ${name} has no values`);
      if (all) next.push({ ...choice, [name]: values });
      else next.push(...values.map(value => ({ ...choice, [name]: value })));
    }
    choices = next;
  }
  return choices;
}

/** Asks one query with these variables, as its panel does. */
export function ask(
  api: PrometheusApi,
  target: TargetJson,
  choice: Choice,
  window: Window,
): Promise<readonly Series[]> {
  const expr = substitute(target.expr, choice, window.times);
  return target.instant
    ? api.query(expr, window.toS)
    : api.queryRange(expr, window.fromS, window.toS, window.times.stepS);
}

/** Asks every query of a dashboard; each with one choice after the other until one has data. */
export async function judge(api: PrometheusApi, dashboard: DashboardJson, window: Window): Promise<Asked[]> {
  const choices = await choicesOf(api, dashboard, window);
  const all: Asked[] = [];
  for (const panel of panelsOf(dashboard))
    for (const target of panel.targets ?? []) all.push(await askAll(api, panel, target, choices, window));
  return all;
}

/**
 * Asks every query that goes by a variable, with variables that are set to what is not there: a link to a pod that is gone, a
 * namespace that is empty. None may be an error (it throws), and none may have values.
 */
export async function askOfNobody(
  api: PrometheusApi,
  dashboard: DashboardJson,
  window: Window,
): Promise<Asked[]> {
  const choice = Object.fromEntries(variablesOf(dashboard).map(({ name }) => [name, 'nobody-has-this-name']));
  const all: Asked[] = [];
  for (const { title, targets = [] } of panelsOf(dashboard))
    for (const target of targets) {
      if (!Object.keys(choice).some(name => new RegExp(`\\$\\{?${name}\\b`).test(target.expr))) continue;
      const series = await ask(api, target, choice, window);
      all.push({ panel: title, refId: target.refId, series, choice, notNumbers: 0 });
    }
  return all;
}

async function askAll(
  api: PrometheusApi,
  { title }: PanelJson,
  target: TargetJson,
  choices: readonly Choice[],
  window: Window,
): Promise<Asked> {
  let notNumbers = 0;
  for (const choice of choices) {
    const series = await ask(api, target, choice, window);
    notNumbers += series.flatMap(({ samples }) => samples).filter(([, value]) => Number.isNaN(value)).length;
    if (series.length > 0) return { panel: title, refId: target.refId, series, choice, notNumbers };
  }
  return { panel: title, refId: target.refId, series: [], choice: choices[0] ?? {}, notNumbers };
}
