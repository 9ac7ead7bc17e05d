import type { ApiObject } from '../../kubernetes/index.ts';
import { GATEWAY_CLASS, GATEWAY_CONTROLLER } from '../../model/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';

const gatewayKind = 'Gateway.gateway.networking.k8s.io';
const classKind = 'GatewayClass.gateway.networking.k8s.io';

/**
 * In which namespaces Secrets are read: those that Gateways of ours name certificates in. Nowhere else is there any reason to,
 * and nowhere else has the control plane the right to.
 */
export class CredentialNamespaces {
  readonly #gateways = new Map<
    string,
    { readonly className: string; readonly namespaces: readonly string[] }
  >();
  readonly #controllers = new Map<string, string>();

  /** Whether objects of the kind have a say. */
  static concerns(kind: string): boolean {
    return kind === gatewayKind || kind === classKind;
  }

  put(kind: string, key: string, object: ApiObject): void {
    const spec = recordOf(object.spec);
    if (kind === classKind) this.#controllers.set(key, String(spec.controllerName));
    else
      this.#gateways.set(key, {
        className: String(spec.gatewayClassName),
        namespaces: namespacesOf(key, spec),
      });
  }

  delete(kind: string, key: string): void {
    if (kind === classKind) this.#controllers.delete(key);
    else this.#gateways.delete(key);
  }

  get wanted(): ReadonlySet<string> {
    const ours = [...this.#gateways.values()].filter(({ className }) => this.#isOurs(className));
    return new Set(ours.flatMap(each => each.namespaces));
  }

  #isOurs(className: string): boolean {
    const controller = this.#controllers.get(className);
    return controller === undefined ? className === GATEWAY_CLASS : controller === GATEWAY_CONTROLLER;
  }
}

/** Of the certificates that its listeners name. */
function namespacesOf(key: string, spec: Readonly<Record<string, unknown>>): readonly string[] {
  const own = key.split('/')[0]!;
  return recordsOf(spec.listeners).flatMap(listener =>
    recordsOf(recordOf(listener.tls).certificateRefs).map(({ namespace }) =>
      typeof namespace === 'string' && namespace !== '' ? namespace : own,
    ),
  );
}
