import { recordOf, recordsOf } from '../../plain/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { Condition } from './object-status.ts';

/** The condition of Gateways that let in clients without a good certificate; it goes where that is no longer so. */
export const INSECURE_FRONTEND = 'InsecureFrontendValidationMode';

/**
 * That a Gateway lets clients in whatever certificate they show (GEP-91), by `spec.tls.frontend`; empty where none of it says so.
 */
export function insecureFrontend({ spec }: KubeObject): readonly Condition[] {
  const frontend = recordOf(recordOf(recordOf(spec).tls).frontend);
  const ports = recordsOf(frontend.perPort);
  const isInsecure = (config: unknown): boolean =>
    recordOf(recordOf(config).validation).mode === 'AllowInsecureFallback';
  const places = [
    ...(isInsecure(frontend.default) ? ['spec.tls.frontend.default'] : []),
    ...ports.filter(each => isInsecure(each.tls)).map(each => `port ${String(each.port)}`),
  ];
  if (places.length === 0) return [];
  const message = `clients are let in whatever certificate they show: AllowInsecureFallback of ${places.join(', ')}`;
  return [{ type: INSECURE_FRONTEND, status: 'True', reason: 'ConfigurationChanged', message }];
}
