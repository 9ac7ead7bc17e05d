// What a rule is, before it becomes YAML: the plain rules file and the PrometheusRule object are made of the same ones.

/** A query that Prometheus evaluates now and then and keeps under a name: `level:metric:operation`. */
export interface Recording {
  readonly record: string;
  readonly expr: string;
}

/** Something that somebody should know of. */
export interface Alert {
  /** Begins with `Weft`, so that routes of an Alertmanager can tell it by its name. */
  readonly alert: string;
  readonly expr: string;
  /** How long it must hold. */
  readonly for: string;
  /** `critical`: users suffer now, or will within hours. `warning`: within days. `info`: look when there is time. */
  readonly severity: 'critical' | 'warning' | 'info';
  /** One line. May hold `{{ $labels.NAME }}` and `{{ $value | FUNCTION }}`, as the description may. */
  readonly summary: string;
  /** What it means for whom. */
  readonly description: string;
  /** What to do, with the command of weft that tells more; commands stand between backticks. */
  readonly runbook: string;
}

/** Rules that are evaluated one after the other. */
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly (Recording | Alert)[];
}

/**
 * By how much a counter grew, those included that were first seen within the window: a series that begins with its first event
 * has no increase to Prometheus.
 */
export function grewWithin(window: string, counter: string): string {
  return `(increase(${counter}[${window}]) > 0 or (${counter} unless ${counter} offset ${window}) > 0)`;
}

/** A rule as Prometheus reads it. */
export function ruleObject(rule: Recording | Alert): Readonly<Record<string, unknown>> {
  if ('record' in rule) return { record: rule.record, expr: rule.expr };
  const { alert, expr, severity, summary, description, runbook } = rule;
  return {
    alert,
    expr,
    for: rule.for,
    labels: { severity },
    annotations: { summary, description, runbook },
  };
}

/** `{ groups: … }`: the content of a rules file, and the spec of a PrometheusRule. */
export function rulesObject(groups: readonly RuleGroup[]): {
  readonly groups: readonly { readonly name: string; readonly rules: readonly object[] }[];
} {
  return { groups: groups.map(({ name, rules }) => ({ name, rules: rules.map(ruleObject) })) };
}
