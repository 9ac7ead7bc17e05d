// `weft machine prepare`: what a machine needs to join, in a folder that is copied there. Pure but for what is passed in.
import { MACHINE_DNS } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { canonicalAddress, isIpAddress, machineClaimFault } from '../../model/index.ts';
import { fieldAt, recordsOf } from '../../plain/index.ts';
import { formatProxyEnv, type ProxyEnv } from './proxy-env.ts';
import { ROOT_CERTIFICATE, TOKEN } from './units.ts';

/** What is said of the machine. */
export interface Preparation {
  readonly group: string;
  readonly namespace: string;
  readonly address: string;
  /** `weft.example:15012` */
  readonly controlPlane: string;
  /** Whether the proxy answers names on the machine. */
  readonly dns: boolean;
  /** Blocks of addresses whose connections the proxy takes; undefined for explicit mode. */
  readonly intercept: readonly string[] | undefined;
}

/** What of a WorkloadGroup a machine needs to know. */
export interface GroupFacts {
  readonly serviceAccount: string;
  readonly ports: readonly number[];
}

/** Hosts without an address of their own get one of these; nobody else may use them (RFC 1112 section 4: reserved). */
export const VIRTUAL_RANGE = '240.240.0.0/16';

/** Of the object as the API server has it. */
export function groupFacts(object: unknown): GroupFacts {
  const template = fieldAt(object, 'spec', 'template');
  const account = fieldAt(template, 'serviceAccount');
  const ports = Object.values((fieldAt(template, 'ports') ?? {}) as object).filter(
    (each): each is number => typeof each === 'number',
  );
  return { serviceAccount: typeof account === 'string' && account !== '' ? account : 'default', ports };
}

/** The lines of proxy.env. Throws the WeftError `bad-configuration`. */
export function proxyEnvOf(preparation: Preparation, group: GroupFacts): ProxyEnv {
  const { namespace, address, controlPlane, dns, intercept } = preparation;
  if (!isIpAddress(address))
    throw bad(`--address is '${address}'; it takes the address of the machine at which its app is called`);
  const fault = machineClaimFault({ group: preparation.group, address: canonicalAddress(address) });
  if (fault !== undefined) throw bad(`--group or --address: ${fault}`);
  if (!/^[a-zA-Z0-9.[\]:-]+$/.test(controlPlane))
    throw bad(`--control-plane is '${controlPlane}'; it takes HOST:PORT, such as weft.example:15012`);
  const virtual = dns && intercept !== undefined;
  const proxyFlags = [
    ...(intercept === undefined ? ['--no-redirect'] : []),
    ...['--workload-group', preparation.group, '--pod-namespace', namespace],
    ...['--service-account', group.serviceAccount, '--pod-ips', address],
    ...['--control-plane', controlPlane, '--token', TOKEN, '--root-certificate', ROOT_CERTIFICATE],
    ...['--state', '/var/lib/weft-proxy'],
    ...(dns ? ['--dns', MACHINE_DNS] : []),
    ...(virtual ? ['--virtual-addresses', VIRTUAL_RANGE] : []),
  ];
  return { proxyFlags, initFlags: intercept ? initFlags(preparation, group, intercept, virtual) : [] };
}

/** No more than is meant: the ports of the app come in through the proxy, and the addresses of the mesh go out through it. */
function initFlags(
  { group, namespace }: Preparation,
  { ports }: GroupFacts,
  cidrs: readonly string[],
  virtual: boolean,
): readonly string[] {
  const wrong = cidrs.find(each => !/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(each));
  if (wrong !== undefined || cidrs.length === 0)
    throw bad(`--intercept is '${wrong ?? ''}'; it takes blocks of addresses, such as 10.96.0.0/12`);
  if (ports.length === 0)
    throw bad(
      `WorkloadGroup ${namespace}/${group} names no ports (spec.template.ports), so that nobody knows what to intercept; add the ports of the app`,
    );
  const outbound = virtual ? [...cidrs, VIRTUAL_RANGE] : cidrs;
  return [`--only-inbound-ports=${ports.join(',')}`, `--only-outbound-cidrs=${outbound.join(',')}`];
}

/** What goes into the folder, by name. */
export function preparedFiles(
  env: ProxyEnv,
  token: string,
  roots: string,
): readonly { readonly name: string; readonly text: string; readonly secret: boolean }[] {
  return [
    { name: 'proxy.env', text: formatProxyEnv(env), secret: false },
    { name: 'root-cert.pem', text: roots, secret: false },
    { name: 'token', text: `${token}\n`, secret: true },
  ];
}

/** Addresses of the control plane that the cluster itself gives to clients outside of it; '' where it gives none. */
export function balancerOf(service: unknown, port: number): string {
  const [first] = recordsOf(fieldAt(service, 'status', 'loadBalancer', 'ingress'));
  const host = first?.hostname ?? first?.ip;
  return typeof host === 'string' && host !== '' ? `${host}:${port}` : '';
}

function bad(message: string): WeftError {
  return new WeftError('bad-configuration', message, { source: 'config' });
}
