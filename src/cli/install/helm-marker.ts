// Places in objects where the chart's templates have something else than a text.
import { recordOf } from '../../plain/index.ts';

/** Stands where the template has an expression. */
export const marker = (words: string): string => `@@${words}@@`;

/** Entries of a list that stand there by a condition. */
export function listedIf<T>(condition: string, entries: readonly T[]): readonly (T | string)[] {
  return [marker(`if ${condition}`), ...entries, marker('end')];
}

/** Fields that stand there by a condition; once in a map, since keys are. */
export function fieldsIf(
  condition: string,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return { [marker(`if ${condition}`)]: '', ...fields, [marker('end')]: '' };
}

/** A list whose entries that `belongs` names stand there by a condition. */
export function whereListed(
  list: unknown,
  belongs: (entry: unknown) => boolean,
  condition: string,
): readonly unknown[] {
  return (list as readonly unknown[]).flatMap(each => (belongs(each) ? listedIf(condition, [each]) : [each]));
}

/** A Deployment with its only container changed. */
export function mapContainer(
  deployment: Readonly<Record<string, unknown>>,
  change: (container: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const spec = recordOf(deployment.spec);
  const template = recordOf(spec.template);
  const pod = recordOf(template.spec);
  const [container] = pod.containers as readonly [Readonly<Record<string, unknown>>];
  const changed = { ...template, spec: { ...pod, containers: [change(container)] } };
  return { ...deployment, spec: { ...spec, template: changed } };
}
