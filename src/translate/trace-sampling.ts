import type { RouteRule } from '../model/index.ts';
import type { KubeObject } from '../registry/index.ts';
import type { Report } from './report.ts';

const annotation = 'weft.dev/trace-sampling';

/**
 * The rules of a routing object with what its annotation says of traces: percent of the requests that belong to none yet. No
 * dialect has a field for it.
 */
export function tracedRules(
  rules: readonly RouteRule[],
  { metadata }: KubeObject,
  report: Report,
): readonly RouteRule[] {
  const said = metadata.annotations?.[annotation];
  if (said === undefined) return rules;
  const traceSampling = Number(said);
  if (said.trim() !== '' && traceSampling >= 0 && traceSampling <= 100)
    return rules.map(rule => ({ ...rule, traceSampling }));
  const path = `metadata.annotations['${annotation}']`;
  report.warn('field-invalid', path, `${path} is '${said}'; it takes a percentage, 0 to 100`);
  return rules;
}
