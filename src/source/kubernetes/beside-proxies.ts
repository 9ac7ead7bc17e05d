// Secrets that are looked for where proxies run: those that Istio's Gateways and DestinationRules name (credentialName).
import type { ApiObject } from '../../kubernetes/index.ts';
import { GATEWAY_NAME_LABEL, PART_OF } from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';

const podKind = 'Pod';
const gatewayKind = 'Gateway.networking.istio.io';
const ruleKind = 'DestinationRule.networking.istio.io';

/**
 * In which namespaces they are: where proxies of gateways run, as long as somebody names one for gateways, and where a
 * DestinationRule names one for sidecars that it selects.
 */
export class BesideProxies {
  /** By namespace: the pods of gateways. */
  readonly #pods = new Map<string, Set<string>>();
  /** Gateways and DestinationRules that name some for gateways. */
  readonly #forGateways = new Set<string>();
  /** DestinationRules that name some for sidecars. */
  readonly #forSidecars = new Map<string, string>();

  /** Whether the namespaces may be others now. Pods come and go in thousands, and few of them are gateways. */
  put(kind: string, key: string, object: ApiObject): boolean {
    const namespace = key.split('/')[0]!;
    const spec = recordOf(object.spec);
    if (kind === podKind) return this.#putPod(namespace, key, recordOf(recordOf(object.metadata).labels));
    if (kind !== gatewayKind && kind !== ruleKind) return false;
    this.delete(kind, key);
    if (kind === gatewayKind) {
      const names = recordsOf(spec.servers).some(({ tls }) => isNamed(recordOf(tls)));
      if (names) this.#forGateways.add(`${kind} ${key}`);
    } else if (policiesOf(spec).some(({ tls }) => isNamed(recordOf(tls)))) {
      const selector = recordOf(recordOf(spec.workloadSelector).matchLabels);
      this.#forGateways.add(`${kind} ${key}`);
      if (Object.keys(selector).length > 0) this.#forSidecars.set(key, namespace);
    }
    return true;
  }

  /** The same. */
  delete(kind: string, key: string): boolean {
    if (kind === podKind) return this.#deletePod(key.split('/')[0]!, key);
    if (kind !== gatewayKind && kind !== ruleKind) return false;
    this.#forGateways.delete(`${kind} ${key}`);
    if (kind === ruleKind) this.#forSidecars.delete(key);
    return true;
  }

  get wanted(): readonly string[] {
    return [...(this.#forGateways.size > 0 ? this.#pods.keys() : []), ...this.#forSidecars.values()];
  }

  #putPod(namespace: string, key: string, labels: Readonly<Record<string, unknown>>): boolean {
    const isGateway =
      labels[GATEWAY_NAME_LABEL] !== undefined &&
      Object.entries(PART_OF).every(([name, value]) => labels[name] === value);
    if (!isGateway) return this.#deletePod(namespace, key);
    const known = this.#pods.get(namespace);
    if (known === undefined) this.#pods.set(namespace, new Set([key]));
    else known.add(key);
    return known === undefined;
  }

  #deletePod(namespace: string, key: string): boolean {
    const known = this.#pods.get(namespace);
    if (known?.delete(key) !== true || known.size > 0) return false;
    return this.#pods.delete(namespace);
  }
}

type Spec = Readonly<Record<string, unknown>>;

function isNamed({ credentialName, credentialNames }: Spec): boolean {
  return [credentialName, ...(Array.isArray(credentialNames) ? (credentialNames as unknown[]) : [])].some(
    each => typeof each === 'string' && each !== '',
  );
}

/** The traffic policies of a DestinationRule, with those of its subsets and of single ports. */
function policiesOf(spec: Spec): readonly Spec[] {
  const whole = [spec, ...recordsOf(spec.subsets)].map(({ trafficPolicy }) => recordOf(trafficPolicy));
  return whole.flatMap(each => [each, ...recordsOf(each.portLevelSettings)]);
}
