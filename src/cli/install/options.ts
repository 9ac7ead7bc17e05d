// What an installation can be told, and the one place of its defaults.
import {
  ACCEPTED_MESHES,
  type AcceptedMesh,
  type InjectOptions,
  injectOptions,
  type NATIVE_SIDECARS,
  type ProxyResources,
} from '../../../webhook/index.ts';
import {
  DEFAULT_REVISION,
  isRevisionName,
  REVISION_NAME,
  SYSTEM_NAMESPACE,
  VERSION,
} from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { formatSpiffe, parseDurationMs, parseQuantity, parseSpiffe } from '../../model/index.ts';
import { BEYOND_PATTERNS, type BeyondOptions, checkBeyond, NOTHING_BEYOND } from './beyond.ts';
import { checkIssuer } from './issuer.ts';

/** CPU and memory of the control plane. */
export type InjectorResources = ProxyResources;

/** Everything that decides the manifests. Build it with `installOptions`. */
export interface InstallOptions extends BeyondOptions {
  readonly namespace: string;
  /** Which of several control planes of the cluster it is. */
  readonly revision: string;
  readonly version: string;
  /** Images of control plane and proxy. */
  readonly image: string;
  readonly proxyImage: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly replicas: number;
  readonly trustDomain: string;
  readonly clusterDomain: string;
  /** How long certificates of proxies live: `24h`. */
  readonly certificateLifetime: string;
  /** What the API server does with a labelled pod when no weft-injector answers. */
  readonly failurePolicy: 'Fail' | 'Ignore';
  /** What weft-injector does with a pod that it cannot inject. */
  readonly refusedPods: 'deny' | 'admit';
  readonly nativeSidecars: (typeof NATIVE_SIDECARS)[number];
  /** What sends traffic to proxies; pods say otherwise with `weft.dev/redirection`. */
  readonly redirection: InjectOptions['redirection'];
  readonly acceptLabels: readonly AcceptedMesh[];
  readonly logLevel: string;
  /** Of the proxies. */
  readonly proxyLogLevel: string;
  readonly accessLog: string;
  readonly resources: InjectorResources;
  readonly proxyResources: ProxyResources;
  /** Who signs in place of the control plane, as weft-injector's file of --issuer has it (YAML); '' for its own key. */
  readonly issuer: string;
  /** Where the control plane deploys proxies for Gateways: namespaces, comma-separated, `all`, or '' for nowhere. */
  readonly deployGateways: string;
  /** Where Secrets are read that gateways and sidecars use: namespaces, comma-separated, or '' for nowhere. */
  readonly secretNamespaces: string;
  /** Where certificates are fetched from ACME servers, and so Secrets written: namespaces, comma-separated, or '' for nowhere. */
  readonly certificateNamespaces: string;
  /** The oldest server that the manifests are for, `1.20`: before 1.21 a PodDisruptionBudget is policy/v1beta1. */
  readonly kubernetesVersion: string;
}

/** Complete options out of those that differ from the defaults. */
export function installOptions(given: Partial<InstallOptions> = {}): InstallOptions {
  const version = given.version ?? VERSION;
  const inject = injectOptions();
  return {
    namespace: SYSTEM_NAMESPACE,
    revision: DEFAULT_REVISION,
    version,
    image: `weft-injector:${version}`,
    proxyImage: `weft-proxy:${version}`,
    imagePullPolicy: 'IfNotPresent',
    replicas: 2,
    trustDomain: 'cluster.local',
    clusterDomain: 'cluster.local',
    certificateLifetime: '24h',
    failurePolicy: 'Ignore',
    refusedPods: 'deny',
    nativeSidecars: 'auto',
    redirection: inject.redirection,
    acceptLabels: [],
    logLevel: 'info',
    proxyLogLevel: inject.logLevel,
    accessLog: 'errors',
    resources: { cpuRequest: '50m', memoryRequest: '192Mi', memoryLimit: '1Gi' },
    proxyResources: inject.resources,
    issuer: '',
    deployGateways: '',
    secretNamespaces: '',
    certificateNamespaces: '',
    ...NOTHING_BEYOND,
    kubernetesVersion: '1.21',
    ...given,
  };
}

/** What InstallOptions.deployGateways may be. The chart has the pattern too: nothing in it that RE2 has not. */
export const DEPLOY_GATEWAYS = {
  pattern: /^(?:[a-z0-9]([a-z0-9-]*[a-z0-9])?(?:,[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$/,
  what: 'namespaces, comma-separated, or all',
};

/** The same of secretNamespaces and certificateNamespaces. `all` is no such list: nobody needs every Secret of a cluster. */
export const NAMED_NAMESPACES = {
  pattern: DEPLOY_GATEWAYS.pattern,
  refused: /(^|,)all(,|$)/,
  what: 'namespaces, comma-separated; name those where the Secrets are',
};

const patterns: readonly [keyof InstallOptions, RegExp, string][] = [
  ['namespace', /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a namespace'],
  ['image', /^[^\s{}]+$/, 'an image'],
  ['proxyImage', /^[^\s{}]+$/, 'an image'],
  ['clusterDomain', /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'a DNS domain'],
  ['deployGateways', DEPLOY_GATEWAYS.pattern, DEPLOY_GATEWAYS.what],
  ['secretNamespaces', NAMED_NAMESPACES.pattern, NAMED_NAMESPACES.what],
  ['certificateNamespaces', NAMED_NAMESPACES.pattern, NAMED_NAMESPACES.what],
  ...BEYOND_PATTERNS,
  ['kubernetesVersion', /^v?1\.\d{1,3}([.+-].*)?$/, 'a version of Kubernetes, such as 1.20'],
];

/** The oldest Kubernetes that Weft runs on, 1.`OLDEST_MINOR`. */
export const OLDEST_MINOR = 20;

/** More control planes than anybody needs; a slip of the keyboard should not start a thousand. */
const MAX_REPLICAS = 100;

type Bad = (flag: string, value: unknown, expected: string) => WeftError;

/** Quantities that the API server would refuse, or that can start nothing. `prefix`: what the flags begin with. */
function badResources(resources: ProxyResources, prefix: '' | 'proxy', bad: Bad): WeftError | undefined {
  const flag = (name: string): string =>
    prefix === '' ? name : `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`;
  for (const [name, value] of Object.entries(resources)) {
    if (value === undefined) continue;
    const kind = name.startsWith('cpu') ? 'cpu' : 'memory';
    const amount = parseQuantity(value);
    const least = kind === 'cpu' ? 0.001 : 1 << 20;
    if (amount === undefined || amount < least) return bad(flag(name), value, words[kind]);
  }
  for (const kind of ['cpu', 'memory'] as const) {
    const [request, limit] = [resources[`${kind}Request`], resources[`${kind}Limit`]];
    if (limit === undefined || parseQuantity(request)! <= parseQuantity(limit)!) continue;
    const most = `at most --${prefix === '' ? '' : 'proxy-'}${kind}-limit ${limit}`;
    return bad(flag(`${kind}Request`), request, most);
  }
  return undefined;
}

const words = {
  cpu: 'a quantity of CPU of 1m or more, such as 100m or 0.5',
  memory: 'a quantity of memory of 1Mi or more, such as 64Mi or 1Gi',
} as const;

/** Checks what people gave; a WeftError `bad-configuration` names the first flag that is wrong. */
export function checkInstallOptions(options: InstallOptions): WeftError | undefined {
  const bad = (flag: string, value: unknown, expected: string) => {
    const name = flag.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
    return new WeftError('bad-configuration', `--${name} '${String(value)}' is not ${expected}`, {
      source: 'config',
    });
  };
  for (const [name, pattern, expected] of patterns) {
    if (!pattern.test(String(options[name]))) return bad(name, options[name], expected);
  }
  if (!isRevisionName(options.revision)) return bad('revision', options.revision, REVISION_NAME);
  const { trustDomain, namespace, certificateLifetime, replicas, acceptLabels } = options;
  for (const name of ['secretNamespaces', 'certificateNamespaces'] as const)
    if (NAMED_NAMESPACES.refused.test(options[name])) return bad(name, options[name], NAMED_NAMESPACES.what);
  const identity = { trustDomain, namespace, serviceAccount: 'weft-injector' };
  if (!parseSpiffe(formatSpiffe(identity))) return bad('trustDomain', trustDomain, 'a lowercase DNS name');
  if ((parseDurationMs(certificateLifetime) ?? 0) < 1000) {
    return bad('certificateLifetime', certificateLifetime, 'a duration of a second or more, such as 24h');
  }
  if (!Number.isInteger(replicas) || replicas < 1) return bad('replicas', replicas, 'a number above zero');
  if (replicas > MAX_REPLICAS) return bad('replicas', replicas, `a number up to ${MAX_REPLICAS}`);
  if (!hasMinor(options.kubernetesVersion, OLDEST_MINOR)) {
    const expected = `a version that Weft runs on; the oldest is 1.${OLDEST_MINOR}`;
    return bad('kubernetesVersion', options.kubernetesVersion, expected);
  }
  const wrong =
    badResources(options.resources, '', bad) ?? badResources(options.proxyResources, 'proxy', bad);
  if (wrong) return wrong;
  const noIssuer = checkIssuer(options.issuer) ?? checkBeyond(options);
  if (noIssuer) return noIssuer;
  const unknown = acceptLabels.find(mesh => !ACCEPTED_MESHES.includes(mesh));
  return unknown === undefined
    ? undefined
    : bad('acceptLabels', unknown, `one of ${ACCEPTED_MESHES.join(', ')}`);
}

/** Whether a server of this version has an API that came with Kubernetes 1.`minor`. */
export function hasMinor(kubernetesVersion: string, minor: number): boolean {
  return Number(/^v?1\.(\d+)/.exec(kubernetesVersion)?.[1] ?? 0) >= minor;
}
