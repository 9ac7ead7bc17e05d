// weft authz check: who may call what, decided by the code that proxies run.
import type { ObjectMesh } from '../../analyze/index.ts';
import { Authorizer } from '../../authorization/index.ts';
import { formatRef, type ObjectRef } from '../../model/index.ts';
import { PathNormalizer, RequestParts } from '../../routing/index.ts';
import type { CheckFlags } from '../authz.ts';
import { headOf } from '../route/request.ts';
import { type Cell, type Screen, table } from '../table.ts';
import { gatewaysOf } from './gateways.ts';
import { type Called, principalOf, workloadsOf } from './workloads.ts';

/** One caller at one port of one workload. */
export interface CheckAnswer {
  /** `shop/web`, `plaintext`, or `outside` of who comes to a gateway. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly allowed: boolean;
  /** In words. */
  readonly why: string;
  /** The policy that refuses. */
  readonly policy?: string;
  /** Who an external authorizer is asked besides; its answer is not known here. */
  readonly asks?: readonly string[];
}

const parts = new RequestParts();

/** Who is called: a workload, or a gateway. */
interface Callee extends Pick<Called, 'name' | 'inbound'> {
  readonly address: string;
  /** What a request names that names nothing. */
  readonly host: string;
  /** Whoever comes to a gateway is nobody of the mesh. */
  readonly isGateway?: true;
}

/** Asks for every pair of caller and called that the flags leave. */
export function checkOf(
  mesh: ObjectMesh,
  method: string,
  path: string,
  { from, to, namespace, host, header, bytes = false }: CheckFlags,
): readonly CheckAnswer[] {
  const called = calleesOf(mesh, to, namespace);
  const callers: readonly (Called | undefined)[] =
    from === 'plaintext'
      ? [undefined]
      : from === undefined
        ? [...workloadsOf(mesh, undefined), undefined]
        : workloadsOf(mesh, from);
  const headers = header.map(line => splitHeader(line));
  return called.flatMap(callee => {
    const { ports } = callee.inbound;
    const numbers = ports.length === 0 ? [0] : ports.map(({ number }) => number);
    return numbers.flatMap(port =>
      callersOf(callee, callers).map(caller => {
        const name = callee.inbound.ports.find(({ number }) => number === port)?.service?.host;
        const request = [method, path, host ?? name ?? callee.host, headers, bytes] as const;
        return answerOf(callee, port, caller, ...request);
      }),
    );
  });
}

function calleesOf(
  mesh: ObjectMesh,
  to: string | undefined,
  namespace: string | undefined,
): readonly Callee[] {
  const gateways = gatewaysOf(mesh, to, namespace).map(
    (each): Callee => ({ ...each, address: '', host: each.name.split('/').at(-1)!, isGateway: true }),
  );
  if (to !== undefined && gateways.length > 0) return gateways;
  const workloads = workloadsOf(mesh, to, namespace).map(({ name, inbound, workload }): Callee => {
    return { name, inbound, address: workload.addresses[0] ?? '', host: workload.owner.name };
  });
  return [...workloads, ...gateways];
}

function callersOf(
  { isGateway }: Callee,
  callers: readonly (Called | undefined)[],
): readonly (Called | undefined)[] {
  return isGateway ? callers.filter(each => each === undefined) : callers;
}

function answerOf(
  callee: Callee,
  port: number,
  caller: Called | undefined,
  method: string,
  path: string,
  host: string,
  headers: readonly (readonly [string, string])[],
  bytes: boolean,
): CheckAnswer {
  const nobody = callee.isGateway ? 'outside' : 'plaintext';
  const base = { from: caller?.name ?? nobody, to: callee.name, port };
  const said = callee.inbound.ports.find(({ number }) => number === port);
  const mtls = said?.mtls ?? callee.inbound.defaultMtls;
  if (caller === undefined && mtls === 'strict') {
    const policy = said?.from ?? callee.inbound.defaultFrom;
    return {
      ...base,
      allowed: false,
      why: 'it takes mutual TLS only',
      ...(policy && { policy: nameOf(policy) }),
    };
  }
  const { address } = callee;
  // What is not declared as bytes is read, and judged as requests.
  const isBytes = bytes || said?.protocol === 'tcp' || said?.protocol === 'tls';
  const all = callee.inbound.authorization;
  const authorizer = Authorizer.of(all, { address, port, of: isBytes ? 'connections' : 'requests' });
  const asks = [
    ...new Set(
      (all ?? []).flatMap(({ action, provider }) => (action === 'custom' ? [provider ?? 'nobody'] : [])),
    ),
  ];
  const more = asks.length > 0 ? { asks } : {};
  if (authorizer === undefined) return { ...base, allowed: true, why: 'no policy speaks of it', ...more };
  const who = {
    principal: caller === undefined ? '' : principalOf(caller),
    address: caller?.workload.addresses[0] ?? '',
    serverName: '',
  };
  if (isBytes) return { ...base, ...verdictOf(authorizer.judgeConnection(who)), ...more };
  const head = headOf({ method, target: path, headers: [['Host', host], ...headers] });
  head.retain();
  if (!PathNormalizer.of(callee.inbound.pathNormalization).normalize(head))
    return { ...base, allowed: false, why: 'its path holds %00, which is refused' };
  parts.read(head);
  return { ...base, ...verdictOf(authorizer.judge({ caller: who, head, parts, token: undefined })), ...more };
}

function verdictOf(denial: ReturnType<Authorizer['judge']>): Pick<CheckAnswer, 'allowed' | 'why' | 'policy'> {
  if (denial === undefined) return { allowed: true, why: 'the policies allow it' };
  const { words, policy } = denial;
  return { allowed: false, why: words, ...(policy && { policy: nameOf(policy.from) }) };
}

function nameOf(ref: ObjectRef): string {
  return formatRef(ref);
}

function splitHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return [
    line.slice(0, colon < 0 ? line.length : colon).trim(),
    colon < 0 ? '' : line.slice(colon + 1).trim(),
  ];
}

/** As a table. */
export function checkText(answers: readonly CheckAnswer[], screen: Screen): readonly string[] {
  if (answers.length === 0) return ['nobody is called: no workload has a proxy'];
  const rows = answers.map(({ from, to, port, allowed, why, asks }): Cell[] => [
    from,
    to,
    port === 0 ? 'any' : String(port),
    { text: allowed ? 'yes' : 'no', colour: allowed ? 'green' : 'red' },
    asks === undefined || !allowed ? why : `${why}, if ${asks.join(' and ')} does too`,
  ]);
  return table(['FROM', 'TO', 'PORT', 'MAY', 'BECAUSE'], rows, screen);
}
