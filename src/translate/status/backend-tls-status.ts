// What the status of a BackendTLSPolicy says: for each Gateway of ours that sends to one of its Services, whether it holds.
import {
  type BackendTls,
  GATEWAY_CONTROLLER,
  type Mesh,
  mirrorsOf,
  type ObjectRef,
  type Problem,
  type RouteTable,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import { backendTlsTrouble, whyNoService } from '../assemble/gateway-problems.ts';
import { fieldsOf } from '../fields.ts';
import { GATEWAY_GROUP, readTargetRefs } from '../gateway/index.ts';
import { Report } from '../report.ts';
import { attachedCondition } from './gateway-status.ts';
import type { AncestorStatus, Condition, StatusContent } from './object-status.ts';
import { idOf } from './table-index.ts';
import { isFatal, joined } from './words.ts';

/** Which Gateways of ours send to a Service, by the Service's host; `namespace/name` of each. */
export class GatewayBackends {
  readonly #mesh: Mesh;
  #found: Map<string, Set<string>> | undefined;

  constructor(mesh: Mesh) {
    this.#mesh = mesh;
  }

  of(host: string): ReadonlySet<string> {
    this.#found ??= this.#look();
    return this.#found.get(host) ?? new Set();
  }

  #look(): Map<string, Set<string>> {
    const found = new Map<string, Set<string>>();
    for (const table of [...this.#mesh.routeTables.values()].flat()) {
      const { attachment } = table;
      if (attachment === undefined || !speaksTls(table) || !this.#holds(table)) continue;
      for (const host of hostsOf(table)) {
        const gateways = found.get(host) ?? new Set();
        found.set(host, gateways.add(attachment.gateway));
      }
    }
    return found;
  }

  #holds({ attachment, from }: RouteTable): boolean {
    const { gateway, section, port } = attachment!;
    const place = {
      ref: from,
      ...(section !== undefined && { section }),
      ...(port !== undefined && { port }),
    };
    return attachedCondition(gateway, place, this.#mesh)?.status === 'True';
  }
}

/** Bytes that are not read go on as they are. */
function speaksTls({ attachment }: RouteTable): boolean {
  return attachment?.kind === 'http' || attachment?.kind === 'grpc' || attachment?.kind === 'tls';
}

function hostsOf({ http, tcp }: RouteTable): readonly string[] {
  const requests = http.flatMap(rule => [
    ...(rule.action.kind === 'forward' ? rule.action.targets : []),
    ...mirrorsOf(rule).map(({ target }) => target),
  ]);
  return [...requests, ...tcp.flatMap(({ targets }) => targets)].map(({ host }) => host);
}

/** What `problems` and the mesh say of the object. */
export function backendTlsStatus(
  object: KubeObject,
  ref: ObjectRef,
  problems: readonly Problem[],
  mesh: Mesh,
  backends: GatewayBackends,
): StatusContent {
  const targets = readTargetRefs(fieldsOf(object, 'spec', new Report(ref)), new Report(ref)).map(each => ({
    ...each,
    host: `${each.name}.${ref.namespace}.svc.${mesh.clusterDomain}`,
  }));
  const gateways = new Set(targets.flatMap(({ host }) => [...backends.of(host)]));
  const ancestors = [...gateways].sort().map((gateway): AncestorStatus => {
    const [namespace = '', name = ''] = gateway.split('/');
    const here = targets.filter(({ host }) => backends.of(host).has(gateway));
    return {
      ancestorRef: { group: GATEWAY_GROUP, kind: 'Gateway', namespace, name },
      controllerName: GATEWAY_CONTROLLER,
      conditions: conditionsOf(ref, here, problems, mesh),
    };
  });
  return { shape: 'ancestors', ancestors };
}

type Target = ReturnType<typeof readTargetRefs>[number] & { readonly host: string };

function conditionsOf(
  ref: ObjectRef,
  targets: readonly Target[],
  problems: readonly Problem[],
  mesh: Mesh,
): readonly Condition[] {
  const own = (host: string): BackendTls | undefined =>
    mesh.backendTls.get(host)?.find(each => idOf(each.from) === idOf(ref));
  const policy = targets.map(({ host }) => own(host)).find(each => each !== undefined);
  const wrongKind = problems.find(
    each => each.code === 'reference-kind-invalid' && each.path?.startsWith('spec.validation'),
  );
  const trouble = policy && backendTlsTrouble(policy, mesh);
  // Of one that cannot be read it is not known whom it trusts.
  const refs = problems.some(isFatal) ? undefined : (wrongKind?.message ?? trouble?.why);
  const resolved: Condition =
    refs === undefined
      ? { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' }
      : {
          ...{ type: 'ResolvedRefs', status: 'False', message: refs },
          reason: wrongKind === undefined ? 'InvalidCACertificateRef' : 'InvalidKind',
        };
  return [acceptedOf(ref, targets, problems, mesh, trouble?.all === true ? refs : undefined), resolved];
}

function acceptedOf(
  ref: ObjectRef,
  targets: readonly Target[],
  problems: readonly Problem[],
  mesh: Mesh,
  nobodyTrusted: string | undefined,
): Condition {
  const not = (reason: string, message: string): Condition => ({
    ...{ type: 'Accepted', status: 'False' },
    ...{ reason, message },
  });
  const errors = problems.filter(isFatal);
  if (errors.length > 0) return not('Invalid', joined(errors.map(each => each.message)));
  const missing = targets.map(each => whyNoService(each, mesh));
  if (missing.every(each => each !== undefined)) return not('TargetNotFound', joined([...new Set(missing)]));
  const winners = targets.map(
    ({ host, portName }) => mesh.backendTls.get(host)?.find(each => each.portName === portName)?.from,
  );
  const lost = winners.filter(each => each !== undefined && idOf(each) !== idOf(ref));
  if (lost.length === winners.length && lost.length > 0)
    return not('Conflicted', `${lost[0]!.namespace}/${lost[0]!.name} speaks of the same ports and is older`);
  if (nobodyTrusted !== undefined) return not('NoValidCACertificate', nobodyTrusted);
  return {
    type: 'Accepted',
    status: 'True',
    reason: 'Accepted',
    message: 'its upstreams are spoken to by TLS',
  };
}
