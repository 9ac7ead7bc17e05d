// The cases as a file that `promtool test rules` reads.
import type { Alert } from '../../src/cli/install/prometheus/index.ts';
import type { AlertCase, AlertCases, FiringCase, RecordingCase } from './case.ts';

/** From here on rules are evaluated every five minutes: a test of a day would take as long as all others. */
const slowFromMinutes = 120;

/**
 * The objects to write, each a file; `rules`: the path of the rules file. `groups`: its groups in their order; without it
 * promtool evaluates them in any, and what goes by recordings of another group comes a step later or not.
 */
export function promtoolTests(
  rules: string,
  groups: readonly string[],
  alerts: readonly Alert[],
  cases: readonly AlertCases[],
  recordings: readonly RecordingCase[],
): readonly object[] {
  const tests = [
    ...cases.flatMap(({ alert, fires, quiet }) => {
      const rule = alerts.find(each => each.alert === alert)!;
      return [
        ...fires.map(each => ofAlert(rule, 'fires', each, [expected(rule, each)])),
        ...quiet.map(each => ofAlert(rule, 'is quiet', each, [])),
      ];
    }),
    ...recordings.map(ofRecording),
  ];
  const file = (evaluation_interval: string, slow: boolean): object => ({
    rule_files: [rules],
    group_eval_order: groups,
    evaluation_interval,
    tests: tests.filter(each => each.minutes >= slowFromMinutes === slow).map(({ test }) => test),
  });
  return [file('1m', false), file('5m', true)];
}

interface Timed {
  readonly minutes: number;
  readonly test: object;
}

function given({ name, series }: AlertCase, of: string): object {
  const input_series = Object.entries(series).map(([text, values]) => ({ series: text, values }));
  return { name: `${of}: ${name}`, interval: '1m', input_series };
}

function ofAlert({ alert }: Alert, does: string, each: AlertCase, exp_alerts: readonly object[]): Timed {
  const alert_rule_test = [{ eval_time: `${each.atMinutes}m`, alertname: alert, exp_alerts }];
  return { minutes: each.atMinutes, test: { ...given(each, `${alert} ${does}`), alert_rule_test } };
}

function expected({ severity, ...rule }: Alert, { labels, value }: FiringCase): object {
  const read = (text: string): string =>
    text
      .replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '')
      .replaceAll(/\{\{ \$value \| \w+ \}\}/g, value ?? 'a case gives no value for this text');
  const { summary, description, runbook } = rule;
  const exp_annotations = {
    summary: read(summary),
    description: read(description),
    runbook: read(runbook),
  };
  return { exp_labels: { ...labels, severity }, exp_annotations };
}

function ofRecording(each: RecordingCase): Timed {
  const exp_samples = each.samples.map(({ labels, value }) => {
    const text = Object.entries(labels).map(([label, said]) => `${label}="${said}"`);
    return { labels: `{${text.join(',')}}`, value };
  });
  const promql_expr_test = [
    { expr: `round(${each.record}, 0.001)`, eval_time: `${each.atMinutes}m`, exp_samples },
  ];
  return { minutes: each.atMinutes, test: { ...given(each, each.record), promql_expr_test } };
}
