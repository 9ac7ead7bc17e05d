import type { CallerMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Reading } from './reading.ts';

/** Name of the gateway that stands for all sidecars. */
export const MESH = 'mesh';

/**
 * Who asks, and on which port, as matches of all protocols have it; undefined for a match that is only for gateways, and so for
 * nobody here. As in Istio, a match that names gateways does not look at labels and namespaces.
 */
export function readSource(match: Fields, { report }: Reading): CallerMatch | undefined {
  const port = match.port('port');
  const labels = match.strings('sourceLabels');
  const namespace = match.text('sourceNamespace');
  const gateways = match.texts('gateways');
  if (gateways.length === 0) {
    const matchLabels = labels && Object.keys(labels).length > 0 ? { matchLabels: labels } : undefined;
    return given({ port, labels: matchLabels, namespace: namespace || undefined });
  }
  const path = match.at('gateways');
  if (!gateways.includes(MESH)) {
    const message = `${path}: this match is for gateways only, which are not supported yet; it has no effect`;
    report.warn('field-not-supported', path, message);
    return undefined;
  }
  if (labels || namespace) {
    const what = labels ? 'sourceLabels' : 'sourceNamespace';
    const message = `${match.at(what)} has no effect beside gateways, as in Istio; take gateways out`;
    report.warn('field-not-supported', match.at(what), message);
  }
  return given({ port });
}

/** Whether the object's `gateways` include the sidecars; gateways proper are named as not supported. */
export function isForSidecars(spec: Fields, { report }: Reading): boolean {
  const gateways = spec.texts('gateways');
  if (gateways.length === 0) return true;
  const others = gateways.filter(each => each !== MESH);
  const holds = gateways.includes(MESH);
  if (others.length > 0) {
    const rest = holds ? 'it holds for sidecars' : 'this object has no effect';
    const message = `spec.gateways: gateways (${others.join(', ')}) are not supported yet; ${rest}`;
    report.warn('field-not-supported', 'spec.gateways', message);
  }
  return holds;
}
