// Linkerd's default-inbound-policy, on pods and on namespaces.
import { INBOUND_ACCESS, type InboundAccess } from '../model/index.ts';
import type { KubeObject } from '../registry/index.ts';
import type { Report } from './report.ts';

export const DEFAULT_INBOUND_POLICY = 'config.linkerd.io/default-inbound-policy';

/** What the annotation says; undefined where it is absent. What cannot be read lets nobody in, as Linkerd makes no such pod. */
export function readInboundAccess({ metadata }: KubeObject, report: Report): InboundAccess | undefined {
  const value = metadata.annotations?.[DEFAULT_INBOUND_POLICY];
  if (value === undefined || INBOUND_ACCESS.includes(value as InboundAccess)) return value as InboundAccess;
  const path = `metadata.annotations['${DEFAULT_INBOUND_POLICY}']`;
  const words = `'${value}' is none of ${INBOUND_ACCESS.join(', ')}; until it is corrected nobody is let in where no Server says who is`;
  report.fail('field-invalid', path, `${path}: ${words}`);
  return 'deny';
}
