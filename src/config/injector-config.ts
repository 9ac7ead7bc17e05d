import { WeftError } from '../errors/index.ts';
import { formatSpiffe, type HostPort, type Identity, parseDurationMs, parseSpiffe } from '../model/index.ts';
import { LOG_LEVELS, type LogLevel } from '../telemetry/log.ts';
import { ENVIRONMENT, PORTS, SYSTEM_NAMESPACE } from './names.ts';
import { DEFAULT_REVISION, isRevisionName, REVISION_NAME, revisionNames } from './revision.ts';

/** The static configuration of `weft-injector`; frozen after boot. */
export interface InjectorConfig {
  /** Where objects come from. */
  readonly source: 'kubernetes' | 'files';
  /** For `files`: a folder of Kubernetes YAML; otherwise ''. */
  readonly files: string;
  /** For `kubernetes`: a kubeconfig and its context; '' for what kubectl, or a pod, would use. */
  readonly kubeconfig: string;
  readonly context: string;
  /** A Consul whose services are in the mesh, too. */
  readonly consul?: ConsulConfig;
  /** Which of several control planes of the cluster this is. */
  readonly revision: string;
  /** The folder of the authority; '' for the Secret in the cluster. */
  readonly caDir: string;
  /** The file that says who signs instead (see issuer-settings.ts); '' for the control plane's own key. */
  readonly issuerFile: string;
  /** JWKS of the keys that sign ServiceAccount tokens, '' to ask the cluster; and the issuer that tokens must name. */
  readonly tokenKeys: string;
  readonly tokenIssuer: string;
  /** The settings of injection; '' for a control plane without the admission webhook. */
  readonly injectionSettings: string;
  /** Where proxies are deployed for Gateways: `all` namespaces, or these. */
  readonly deployGateways: 'all' | readonly string[];
  /** Whether machines that join a WorkloadGroup get a WorkloadEntry. */
  readonly registerMachines: boolean;
  /** How long a machine may be away before its entry goes. */
  readonly machineGraceMs: number;
  /** An empty host means every address of the machine. */
  readonly listen: HostPort;
  readonly metricsListen: HostPort;
  readonly webhookListen: HostPort;
  /** The live API, and the file of the token that opens it; '' where the cluster says who may, or, without one, nobody. */
  readonly liveListen: HostPort;
  readonly liveToken: string;
  /** Where others fetch the mesh's roots (SPIFFE federation); undefined: nowhere. */
  readonly bundleListen?: HostPort;
  readonly trustDomain: string;
  /** Other names of it: see TrustResource. */
  readonly trustDomainAliases: readonly string[];
  readonly clusterDomain: string;
  readonly certificateLifetimeMs: number;
  readonly logLevel: LogLevel;
  /** Where it runs, and its name among replicas. */
  readonly namespace: string;
  readonly instance: string;
  /** Who the control plane itself is. */
  readonly identity: Identity;
}

/** See `--consul`. */
export interface ConsulConfig {
  readonly address: string;
  readonly datacenter?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  /** Only instances with this tag. */
  readonly tag?: string;
  /** The namespace that its services are in, for policies. */
  readonly namespace: string;
  /** What follows `NAME.service.`: the domain of Consul's DNS. */
  readonly domain: string;
}

/** The flags of `weft-injector` as the command line gives them. */
export interface InjectorFlags {
  readonly source?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly consul?: string;
  readonly consulDatacenter?: string;
  readonly consulTokenFile?: string;
  readonly consulCa?: string;
  readonly consulTag?: string;
  readonly consulNamespace?: string;
  readonly consulDomain?: string;
  readonly caDir?: string;
  readonly issuer?: string;
  readonly revision?: string;
  readonly tokenKeys?: string;
  readonly tokenIssuer?: string;
  readonly injectionSettings?: string;
  /** Namespaces, comma-separated, or `all`. */
  readonly deployGateways?: string;
  readonly registerMachines?: boolean;
  readonly machineGrace?: string;
  readonly listen?: string;
  readonly metricsListen?: string;
  readonly webhookListen?: string;
  readonly liveListen?: string;
  readonly liveToken?: string;
  readonly bundleListen?: string;
  readonly trustDomain?: string;
  /** Names, comma-separated. */
  readonly trustDomainAlias?: string;
  readonly clusterDomain?: string;
  readonly certificateLifetime?: string;
  readonly logLevel?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Checks the flags; throws a WeftError `bad-configuration` that names the flag and the remedy. */
export function readInjectorConfig(flags: InjectorFlags, env: Environment = {}): InjectorConfig {
  const trustDomain = flags.trustDomain ?? 'cluster.local';
  const clusterDomain = flags.clusterDomain ?? 'cluster.local';
  const namespace = env[ENVIRONMENT.podNamespace] || SYSTEM_NAMESPACE;
  const revision = flags.revision ?? DEFAULT_REVISION;
  if (!isRevisionName(revision)) throw bad('revision', revision, REVISION_NAME);
  const identity = { trustDomain, namespace, serviceAccount: revisionNames(revision).injector };
  if (!parseSpiffe(formatSpiffe(identity))) throw bad('trust-domain', trustDomain, 'a lowercase DNS name');
  const source = readSource(flags.source, env);
  const listen = readListen('listen', flags.listen ?? '', { host: '', port: PORTS.discovery });
  const on = (port: number): HostPort => ({ host: listen.host, port });
  return Object.freeze({
    ...source,
    revision,
    kubeconfig: flags.kubeconfig ?? '',
    context: flags.context ?? '',
    ...(flags.consul !== undefined && { consul: readConsul(flags, flags.consul) }),
    issuerFile: flags.issuer ?? '',
    caDir: besidesKubernetes(
      source,
      'ca-dir',
      flags.caDir ?? (flags.issuer ? '(none)' : undefined),
      'the folder of the certificate authority; an empty one gets a new authority',
    ),
    tokenKeys: besidesKubernetes(
      source,
      'token-keys',
      flags.tokenKeys,
      'a JWKS file (kubectl get --raw /openid/v1/jwks)',
    ),
    tokenIssuer: flags.tokenIssuer ?? `https://kubernetes.default.svc.${clusterDomain}`,
    injectionSettings: flags.injectionSettings ?? '',
    deployGateways: readDeployGateways(flags),
    registerMachines: readRegisterMachines(flags, source),
    machineGraceMs: readGrace(flags.machineGrace ?? '1m'),
    listen,
    metricsListen: readListen('metrics-listen', flags.metricsListen ?? '', on(PORTS.controlPlaneMetrics)),
    webhookListen: readListen('webhook-listen', flags.webhookListen ?? '', on(PORTS.webhook)),
    liveListen: readListen('live-listen', flags.liveListen ?? '', on(PORTS.live)),
    liveToken: flags.liveToken ?? '',
    ...(flags.bundleListen !== undefined && {
      bundleListen: readListen('bundle-listen', flags.bundleListen, on(PORTS.bundle)),
    }),
    trustDomain,
    trustDomainAliases: readAliases(flags.trustDomainAlias ?? '', identity),
    clusterDomain,
    certificateLifetimeMs: readLifetime(flags.certificateLifetime ?? '24h'),
    logLevel: readLogLevel(flags.logLevel ?? 'info'),
    namespace,
    instance: env[ENVIRONMENT.podName] || `weft-injector-${process.pid}`,
    identity,
  });
}

function readConsul(flags: InjectorFlags, address: string): ConsulConfig {
  const url = URL.parse(address);
  if (!url || !/^https?:$/.test(url.protocol))
    throw bad('consul', address, 'a URL of its HTTP API; write http://HOST:8500 or https://HOST:8501');
  const namespace = flags.consulNamespace ?? 'consul';
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace))
    throw bad('consul-namespace', namespace, 'the name of a namespace');
  const optional = {
    datacenter: flags.consulDatacenter,
    tokenFile: flags.consulTokenFile,
    caFile: flags.consulCa,
    tag: flags.consulTag,
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { address, namespace, domain: flags.consulDomain ?? 'consul', ...Object.fromEntries(given) };
}

function readAliases(text: string, identity: Identity): readonly string[] {
  const names = text
    .split(',')
    .map(each => each.trim())
    .filter(Boolean);
  const wrong = names.find(trustDomain => !parseSpiffe(formatSpiffe({ ...identity, trustDomain })));
  if (wrong !== undefined) throw bad('trust-domain-alias', wrong, 'a lowercase DNS name');
  return [...new Set(names)].filter(each => each !== identity.trustDomain);
}

function readDeployGateways({
  deployGateways = '',
  injectionSettings,
}: InjectorFlags): InjectorConfig['deployGateways'] {
  const names = deployGateways.split(',').filter(Boolean);
  if (names.length > 0 && !injectionSettings)
    throw bad('deploy-gateways', deployGateways, 'of use without --injection-settings, which name the image');
  if (deployGateways === 'all') return 'all';
  const wrong = names.find(each => !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(each));
  if (wrong !== undefined)
    throw bad('deploy-gateways', wrong, 'a namespace; write some, comma-separated, or all');
  return names;
}

function readRegisterMachines({ registerMachines = false }: InjectorFlags, { source }: Source): boolean {
  if (registerMachines && source !== 'kubernetes')
    throw new WeftError(
      'bad-configuration',
      '--register-machines writes WorkloadEntries to a cluster and needs --source kubernetes; write them into the folder yourself',
      { source: 'config' },
    );
  return registerMachines;
}

function readGrace(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 5_000) return ms;
  throw bad('machine-grace', text, 'a duration of 5 seconds or more; write for example 1m');
}

type Source = Pick<InjectorConfig, 'source' | 'files'>;

/** A cluster has its own ways to keep an authority and to check tokens; a folder of files has not. */
function besidesKubernetes(
  { source }: Source,
  flag: string,
  value: string | undefined,
  what: string,
): string {
  return source === 'kubernetes' ? (value ?? '') : required(flag, value, what);
}

function required(flag: string, value: string | undefined, what: string): string {
  if (value) return value;
  throw new WeftError('bad-configuration', `--${flag} is missing; give ${what}`, { source: 'config' });
}

function bad(flag: string, value: string, expected: string): WeftError {
  return new WeftError('bad-configuration', `--${flag} '${value}' is not ${expected}`, { source: 'config' });
}

function readSource(given: string | undefined, env: Environment): Source {
  const inCluster = env.KUBERNETES_SERVICE_HOST ? 'kubernetes' : undefined;
  const text = required(
    'source',
    given ?? inCluster,
    'kubernetes, or files:FOLDER with a folder of Kubernetes YAML',
  );
  if (text === 'kubernetes') return { source: text, files: '' };
  if (text.startsWith('files:') && text.length > 'files:'.length) {
    return { source: 'files', files: text.slice('files:'.length) };
  }
  throw bad('source', text, 'a source; write kubernetes or files:FOLDER');
}

/** `host:port`, `:port`, `host` or `[v6]:port`; what is left out comes from `otherwise`. */
function readListen(flag: string, text: string, otherwise: HostPort): HostPort {
  if (text === '') return otherwise;
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*))(?::(\d{1,5}))?$/i.exec(text);
  const port = match?.[3] === undefined ? otherwise.port : Number(match[3]);
  if (!match || port > 65_535) throw bad(flag, text, 'an address to listen on; write HOST:PORT or :PORT');
  return { host: match[1] ?? match[2] ?? '', port };
}

function readLifetime(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1000) return ms;
  throw bad('certificate-lifetime', text, 'a duration of a second or more; write for example 24h or 30s');
}

function readLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find(each => each === text);
  if (level) return level;
  throw bad('log-level', text, `one of ${LOG_LEVELS.join(', ')}`);
}
