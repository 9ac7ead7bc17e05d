import { HAPROXY_CONFIG, INGRESS_CONFIG, MESH_CONFIG } from '../../config/index.ts';
import type { ApiObject } from '../../kubernetes/index.ts';
import {
  BACKEND_SECRETS,
  fieldsRef,
  GATEWAY_CLASS,
  GATEWAY_CONTROLLER,
  INGRESS_CONTROLLER,
  INGRESS_FIELDS,
  INGRESS_SECRETS,
} from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import { BesideProxies } from './beside-proxies.ts';
import { ClassMentions } from './class-mentions.ts';

const gatewayKind = 'Gateway.gateway.networking.k8s.io';
const classKind = 'GatewayClass.gateway.networking.k8s.io';
const backendTlsKind = 'BackendTLSPolicy.gateway.networking.k8s.io';
const setKinds = ['ListenerSet.gateway.networking.k8s.io', 'XListenerSet.gateway.networking.x-k8s.io'];
const ingressKind = 'Ingress.networking.k8s.io';
const serviceKind = 'Service';
/** Whether an object of Traefik's kinds names Secrets, which are in its own namespace. */
const namesSecrets: Readonly<Record<string, (spec: Spec) => boolean>> = {
  Middleware: spec => recordOf(spec.basicAuth).secret !== undefined,
  IngressRoute: spec => recordOf(spec.tls).secretName !== undefined,
  TLSOption: spec => recordOf(spec.clientAuth).secretNames !== undefined,
};
const traefikGroup = /^([A-Za-z]+)\.traefik\.(?:io|containo\.us)$/;
const ingressClassKind = 'IngressClass.networking.k8s.io';
const configMapKind = 'ConfigMap';

const readEverywhere: ReadonlySet<string> = new Set([...MESH_CONFIG, INGRESS_CONFIG, HAPROXY_CONFIG]);

const kinds: ReadonlySet<string> = new Set([
  gatewayKind,
  classKind,
  backendTlsKind,
  ingressKind,
  ingressClassKind,
  ...setKinds,
]);

/** What holds credentials: Secrets certificates with their keys, ConfigMaps authorities. */
export type CredentialKind = 'Secret' | 'ConfigMap';

/** What of an object that names Secrets counts. */
interface Naming {
  /** '' where it names none, and the default class's then counts. */
  readonly className: string;
  readonly namespaces: readonly string[];
  /** The same of ConfigMaps. */
  readonly configMaps?: readonly string[];
}

/** A class of Ingresses. */
interface IngressClassOf extends Naming {
  readonly isOurs: boolean;
  readonly isDefault: boolean;
}

/**
 * In which namespaces Secrets are read: those that Gateways and Ingresses of ours, and DestinationRules, name some in. Nowhere
 * else is there any reason to, and nowhere else has the control plane the right to.
 */
export class CredentialNamespaces {
  readonly #gateways = new Map<string, Naming>();
  /** Where BackendTLSPolicies name ConfigMaps. They count wherever there is a Gateway of ours. */
  readonly #policies = new Map<string, string>();
  /** Where ListenerSets name certificates. The same. */
  readonly #sets = new Map<string, readonly string[]>();
  readonly #controllers = new Map<string, string>();
  /** Where classes have the settings of their gateways' proxies. */
  readonly #defaults = new Map<string, readonly string[]>();
  /** Namespaces with Secrets that Ingresses name. */
  readonly #ingresses = new ClassMentions();
  /** ConfigMaps with fields of headers that Ingresses name, and those that settings of ingress-nginx do. */
  readonly #fields = new ClassMentions();
  readonly #settings = new Map<string, readonly string[]>();
  /**
   * Services whose annotations name Secrets for TLS to them, and objects of Traefik's kinds that name some. They count wherever
   * there is a class of ours.
   */
  readonly #backends = new Map<string, string>();
  readonly #ingressClasses = new Map<string, IngressClassOf>();
  readonly #beside = new BesideProxies();

  /** Whether objects of the kind have a say. */
  static concerns(kind: string, key: string): boolean {
    return kind === configMapKind ? key.endsWith(`/${INGRESS_CONFIG}`) : kinds.has(kind);
  }

  /** Whether the namespaces may be others now. */
  put(kind: string, key: string, object: ApiObject): boolean {
    if (kind === serviceKind) return this.#putBackend(key, object);
    if (traefikGroup.test(kind)) return this.#putTraefik(kind, key, object);
    if (!CredentialNamespaces.concerns(kind, key)) return this.#beside.put(kind, key, object);
    this.#put(kind, key, object);
    return true;
  }

  /** The same. */
  delete(kind: string, key: string): boolean {
    if (kind === serviceKind) return this.#backends.delete(key);
    if (traefikGroup.test(kind)) return this.#backends.delete(`${kind} ${key}`);
    if (!CredentialNamespaces.concerns(kind, key)) return this.#beside.delete(kind, key);
    this.#delete(kind, key);
    return true;
  }

  #putTraefik(kind: string, key: string, { spec }: ApiObject): boolean {
    const id = `${kind} ${key}`;
    const names = namesSecrets[traefikGroup.exec(kind)![1]!]?.(recordOf(spec)) === true;
    if (!names) return this.#backends.delete(id);
    this.#backends.set(id, key.split('/')[0]!);
    return true;
  }

  #putBackend(key: string, { metadata }: ApiObject): boolean {
    const annotations = recordOf(recordOf(metadata).annotations);
    if (!BACKEND_SECRETS.some(each => annotations[each] !== undefined)) return this.#backends.delete(key);
    this.#backends.set(key, key.split('/')[0]!);
    return true;
  }

  #put(kind: string, key: string, object: ApiObject): void {
    const spec = recordOf(object.spec);
    const annotations = recordOf(recordOf(object.metadata).annotations);
    const own = key.split('/')[0]!;
    switch (kind) {
      case classKind:
        this.#controllers.set(key, String(spec.controllerName));
        this.#defaults.set(key, parametersOf('', spec.parametersRef));
        break;
      case gatewayKind:
        this.#gateways.set(key, {
          className: String(spec.gatewayClassName),
          namespaces: certificatesOf(own, spec),
          configMaps: [
            ...authoritiesOf(own, spec),
            ...parametersOf(own, recordOf(spec.infrastructure).parametersRef),
          ],
        });
        break;
      case backendTlsKind:
        if (recordsOf(recordOf(spec.validation).caCertificateRefs).length > 0) this.#policies.set(key, own);
        else this.#policies.delete(key);
        break;
      case setKinds[0]:
      case setKinds[1]:
        this.#sets.set(`${kind} ${key}`, certificatesOf(own, spec));
        break;
      case ingressKind: {
        const named = annotations['kubernetes.io/ingress.class'] ?? spec.ingressClassName ?? '';
        this.#ingresses.set(key, String(named), ofIngress(own, spec, annotations));
        this.#fields.set(key, String(named), fieldsOf(own, annotations, INGRESS_FIELDS.annotations));
        break;
      }
      case ingressClassKind:
        this.#ingressClasses.set(key, {
          className: key,
          isOurs: spec.controller === INGRESS_CONTROLLER,
          isDefault: annotations['ingressclass.kubernetes.io/is-default-class'] === 'true',
          namespaces: namespaceOf(annotations['weft.dev/default-certificate']),
        });
        break;
      case configMapKind:
        this.#settings.set(key, fieldsOf('', recordOf(object.data), INGRESS_FIELDS.keys));
        break;
    }
  }

  #delete(kind: string, key: string): void {
    if (kind === ingressKind) {
      this.#ingresses.delete(key);
      this.#fields.delete(key);
    }
    this.#sets.delete(`${kind} ${key}`);
    for (const [of, map] of [
      [classKind, this.#controllers],
      [classKind, this.#defaults],
      [gatewayKind, this.#gateways],
      [backendTlsKind, this.#policies],
      [ingressClassKind, this.#ingressClasses],
      [configMapKind, this.#settings],
    ] as const)
      if (of === kind) map.delete(key);
  }

  wanted(kind: CredentialKind): ReadonlySet<string> {
    return kind === 'Secret' ? this.#secrets() : this.#configMaps();
  }

  #configMaps(): ReadonlySet<string> {
    const gateways = [...this.#gateways.values()].filter(({ className }) => this.#isOurs(className));
    if (gateways.length === 0) return new Set();
    const classes = new Set(gateways.map(each => each.className));
    const defaults = [...classes].flatMap(each => this.#defaults.get(each) ?? []);
    const named = gateways.flatMap(each => each.configMaps ?? []);
    return new Set([...named, ...defaults, ...this.#policies.values()]);
  }

  #secrets(): ReadonlySet<string> {
    const gateways = [...this.#gateways.values()].filter(({ className }) => this.#isOurs(className));
    const classes = [...this.#ingressClasses.values()].filter(each => each.isOurs);
    const named = [...gateways, ...classes].flatMap(each => each.namespaces);
    const sets = gateways.length === 0 ? [] : [...this.#sets.values()].flat();
    const backends = classes.length === 0 ? [] : this.#backends.values();
    return new Set([
      ...named,
      ...this.#ingresses.of(each => this.#isOurIngress(each)),
      ...sets,
      ...backends,
      ...this.#beside.wanted,
    ]);
  }

  /** ConfigMaps with fields of headers, `namespace/name`: those that Ingresses of ours name, and their settings. */
  fields(): ReadonlySet<string> {
    if (![...this.#ingressClasses.values()].some(each => each.isOurs)) return new Set();
    const named = this.#fields.of(each => this.#isOurIngress(each));
    return new Set([...named, ...[...this.#settings.values()].flat()]);
  }

  #isOurIngress(className: string): boolean {
    if (className !== '') return this.#ingressClasses.get(className)?.isOurs === true;
    return [...this.#ingressClasses.values()].some(each => each.isOurs && each.isDefault);
  }

  #isOurs(className: string): boolean {
    const controller = this.#controllers.get(className);
    return controller === undefined ? className === GATEWAY_CLASS : controller === GATEWAY_CONTROLLER;
  }
}

type Spec = Readonly<Record<string, unknown>>;

/** Of certificates of its listeners, and of the one for upstreams. */
function certificatesOf(own: string, spec: Spec): readonly string[] {
  const shown = recordOf(recordOf(spec.tls).backend).clientCertificateRef;
  const listeners = recordsOf(spec.listeners);
  return namespacesOf(own, [
    ...listeners.flatMap(({ tls }) => recordsOf(recordOf(tls).certificateRefs)),
    ...(shown === undefined ? [] : [recordOf(shown)]),
  ]);
}

/** Of authorities of clients. */
function authoritiesOf(own: string, spec: Spec): readonly string[] {
  const { default: otherwise, perPort } = recordOf(recordOf(spec.tls).frontend);
  const validations = [otherwise, ...recordsOf(perPort).map(({ tls }) => tls)];
  const refs = validations.flatMap(each => recordsOf(recordOf(recordOf(each).validation).caCertificateRefs));
  return namespacesOf(own, refs);
}

function namespacesOf(own: string, refs: readonly Spec[]): readonly string[] {
  return refs.map(({ namespace }) => (typeof namespace === 'string' && namespace !== '' ? namespace : own));
}

/** Of its certificates, logins and authorities, which are all in its own namespace. */
function ofIngress(
  own: string,
  spec: Readonly<Record<string, unknown>>,
  annotations: Readonly<Record<string, unknown>>,
): readonly string[] {
  const names =
    recordsOf(spec.tls).some(({ secretName }) => typeof secretName === 'string' && secretName !== '') ||
    INGRESS_SECRETS.some(each => annotations[each] !== undefined);
  return names ? [own] : [];
}

/** ConfigMaps that some of these texts name; of an Ingress only those of its `own` namespace. */
function fieldsOf(
  own: string,
  texts: Readonly<Record<string, unknown>>,
  names: readonly string[],
): readonly string[] {
  return names.flatMap(each => {
    const ref = fieldsRef(String(texts[each] ?? ''), own);
    if (ref === undefined || (own !== '' && !ref.startsWith(`${own}/`))) return [];
    // Those with settings are read wherever they are.
    return readEverywhere.has(ref.slice(ref.indexOf('/') + 1)) ? [] : [ref];
  });
}

function namespaceOf(text: unknown): readonly string[] {
  const [namespace = '', name = ''] = String(text ?? '').split('/');
  return name === '' ? [] : [namespace];
}

/** Of settings of a gateway's proxies. */
function parametersOf(own: string, ref: unknown): readonly string[] {
  const { kind, namespace = own } = recordOf(ref);
  return kind === 'ConfigMap' && typeof namespace === 'string' && namespace !== '' ? [namespace] : [];
}
