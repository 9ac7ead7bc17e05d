import type { RouteRule } from '../../model/index.ts';
import { hostRules, type PathOf } from './hosts.ts';
import { INGRESS_DEFAULTS, type ReadIngress } from './ingress-model.ts';

/** The rules of an Ingress as if it were the only one, for whoever asks whether proxies take them. */
export function rulesAlone(ingress: ReadIngress): readonly RouteRule[] {
  const { settings } = ingress;
  return ingress.rules.flatMap(({ host, paths }) => {
    const all = paths.map((path): PathOf => ({ path, ingress, settings }));
    const canaries = settings.canary === undefined ? [] : all;
    return hostRules(
      { host, paths: all, canaries, tls: ingress.tls.length > 0, httpsPort: 443 },
      INGRESS_DEFAULTS,
    ).rules;
  });
}
