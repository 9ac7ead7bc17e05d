import type { CallerMatch } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import { gatewayInFull } from './gateway-routes.ts';
import type { Reading } from './reading.ts';

/** Name of the gateway that stands for all sidecars. */
export const MESH = 'mesh';

/**
 * Who asks, and on which port, as matches of all protocols have it; undefined for a match that is only for gateways, and so for
 * nobody here. As in Istio, a match that names gateways does not look at labels and namespaces.
 */
export function readSource(match: Fields, reading: Reading): CallerMatch | undefined {
  const { report, namespace: own, gateway, isForGateways } = reading;
  const port = match.port('port');
  const labels = match.strings('sourceLabels');
  const namespace = match.text('sourceNamespace');
  const gateways = match.texts('gateways');
  if (gateway !== undefined) {
    const isMeant = gateways.length === 0 || gateways.some(each => gatewayInFull(each, own) === gateway);
    return isMeant ? given({ port }) : undefined;
  }
  if (gateways.length === 0) {
    const matchLabels = labels && Object.keys(labels).length > 0 ? { matchLabels: labels } : undefined;
    return given({ port, labels: matchLabels, namespace: namespace || undefined });
  }
  const path = match.at('gateways');
  if (!gateways.includes(MESH)) {
    if (isForGateways === true) return undefined;
    const message = `${path}: this match is for gateways that spec.gateways does not name; it has no effect`;
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

/** For whom the object's rules are, in order: the mesh (undefined), and gateways by their full names. */
export function readGateways(spec: Fields, namespace: string): readonly (string | undefined)[] {
  const gateways = spec.texts('gateways');
  if (gateways.length === 0) return [undefined];
  const all = gateways.map(each => (each === MESH ? undefined : gatewayInFull(each, namespace)));
  return [...new Set(all)];
}
