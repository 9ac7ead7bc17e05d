// The flags of `weft install` and `weft upgrade`, and how they become InstallOptions.
import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ACCEPTED_MESHES, ACCESS_LOGS, LOG_LEVELS, NATIVE_SIDECARS } from '../../webhook/index.ts';
import { errorMessage } from '../errors/index.ts';
import { checkInstallOptions, type InstallOptions, installOptions } from './install/index.ts';

/** What commander read; absent where nothing was said. */
export interface InstallFlags {
  readonly namespace?: string;
  readonly revision?: string;
  readonly image?: string;
  readonly proxyImage?: string;
  readonly imagePullPolicy?: InstallOptions['imagePullPolicy'];
  readonly replicas?: number;
  readonly trustDomain?: string;
  readonly clusterDomain?: string;
  readonly certificateLifetime?: string;
  readonly failurePolicy?: InstallOptions['failurePolicy'];
  readonly refusedPods?: InstallOptions['refusedPods'];
  readonly nativeSidecars?: InstallOptions['nativeSidecars'];
  readonly redirection?: InstallOptions['redirection'];
  readonly acceptLabels?: InstallOptions['acceptLabels'];
  readonly logLevel?: string;
  readonly proxyLogLevel?: string;
  readonly accessLog?: string;
  readonly issuer?: string;
  readonly deployGateways?: string;
  readonly secretNamespaces?: string;
  readonly certificateNamespaces?: string;
  readonly machines?: boolean;
  readonly consul?: string;
  readonly consulDatacenter?: string;
  readonly consulTag?: string;
  readonly consulNamespace?: string;
  readonly consulDomain?: string;
  readonly consulTokenSecret?: string;
  readonly consulCaSecret?: string;
  readonly kubernetesVersion?: string;
  readonly cpuRequest?: string;
  readonly memoryRequest?: string;
  readonly cpuLimit?: string;
  readonly memoryLimit?: string;
  readonly proxyCpuRequest?: string;
  readonly proxyMemoryRequest?: string;
  readonly proxyCpuLimit?: string;
  readonly proxyMemoryLimit?: string;
}

/** Adds the flags; their help shows the defaults. */
export function installFlags(command: Command): Command {
  const defaults = installOptions();
  const { resources, proxyResources } = defaults;
  const text = (flag: string, words: string, otherwise: unknown = 'none') =>
    command.addOption(new Option(flag, `${words} (default: ${otherwise})`));
  const choice = (flag: string, words: string, choices: readonly string[], otherwise: string) =>
    command.addOption(new Option(flag, `${words} (default: ${otherwise})`).choices(choices));
  text('-n, --namespace <name>', 'where the control plane runs', defaults.namespace);
  text(
    '--revision <name>',
    'which of several control planes of the cluster is meant; another than default runs beside it (docs/upgrades.md)',
    defaults.revision,
  );
  text('--image <image>', 'image of the control plane', defaults.image);
  text('--proxy-image <image>', 'image of proxy and init container', defaults.proxyImage);
  choice(
    '--image-pull-policy <policy>',
    'of both',
    ['Always', 'IfNotPresent', 'Never'],
    defaults.imagePullPolicy,
  );
  command.addOption(
    new Option(
      '--replicas <number>',
      `of the control plane; above 1 with a PodDisruptionBudget (default: ${defaults.replicas})`,
    ).argParser(wholeNumber),
  );
  text('--trust-domain <name>', 'trust domain of identities', defaults.trustDomain);
  text('--cluster-domain <name>', 'DNS domain of Services', defaults.clusterDomain);
  text('--certificate-lifetime <duration>', 'of the certificates of proxies', defaults.certificateLifetime);
  choice(
    '--failure-policy <policy>',
    'labelled pods while no weft-injector answers: Ignore creates them without proxy, Fail does not create them',
    ['Ignore', 'Fail'],
    defaults.failurePolicy,
  );
  choice(
    '--refused-pods <what>',
    'pods that cannot be injected as they ask: deny, or admit without proxy',
    ['deny', 'admit'],
    defaults.refusedPods,
  );
  choice(
    '--native-sidecars <when>',
    'the proxy as a native sidecar: auto, from Kubernetes 1.29; needed, there for pods with init containers or an end, as others start sooner without',
    NATIVE_SIDECARS,
    defaults.nativeSidecars,
  );
  choice(
    '--redirection <how>',
    'what sends traffic to proxies: init, packet rules by an init container with NET_ADMIN; proxy, by the proxy as it starts, a container less; none, apps that obey http_proxy',
    ['init', 'proxy', 'none'],
    defaults.redirection,
  );
  command.addOption(
    new Option(
      '--accept-labels <meshes>',
      `obey the labels and annotations of other meshes too: ${ACCEPTED_MESHES.join(',')} (default: none)`,
    ).argParser(list => list.split(',').filter(Boolean)),
  );
  command.addOption(
    new Option(
      '--issuer <file>',
      "who signs instead of the control plane's own key: Vault or cert-manager, as docs/certificates.md has the file; none for its own (default: none)",
    ).argParser(issuerText),
  );
  text(
    '--deploy-gateways <namespaces>',
    'proxies for each Gateway of these namespaces, comma-separated, or all, with the right to make them (docs/gateway.md)',
  );
  text(
    '--secret-namespaces <namespaces>',
    'where the control plane may read Secrets, comma-separated: those of other namespaces that gateways name, and those of DestinationRules for sidecars (docs/rights.md)',
  );
  text(
    '--certificate-namespaces <namespaces>',
    'where the control plane may write Secrets, comma-separated, as CertificateIssuers need it (docs/acme.md)',
  );
  command.option(
    '--machines',
    'a WorkloadEntry for each machine that joins a WorkloadGroup, with the right to write them (docs/machines.md); upgrades keep it, --no-machines ends it',
  );
  command.addOption(new Option('--no-machines').hideHelp());
  text(
    '--consul <url>',
    'the HTTP API of a Consul whose services are in the mesh, too, as NAME.service.consul',
  );
  text('--consul-datacenter <name>', 'with --consul', "the agent's own");
  text('--consul-tag <tag>', 'with --consul: only instances with this tag');
  text('--consul-namespace <name>', 'with --consul: the namespace of its services', 'consul');
  text('--consul-domain <domain>', 'with --consul: the domain of its DNS', 'consul');
  text(
    '--consul-token-secret <name>',
    'with --consul: a Secret beside the control plane with a token under `token`',
  );
  text('--consul-ca-secret <name>', 'with --consul: a Secret there with authorities (PEM) under `ca.crt`');
  choice('--log-level <level>', 'of the control plane', LOG_LEVELS, defaults.logLevel);
  choice('--proxy-log-level <level>', 'of proxies', LOG_LEVELS, defaults.proxyLogLevel);
  choice('--access-log <which>', 'of proxies', ACCESS_LOGS, defaults.accessLog);
  text(
    '--kubernetes-version <version>',
    'oldest server that it must fit; before 1.21 the PodDisruptionBudget is another',
    defaults.kubernetesVersion,
  );
  for (const [prefix, whose, given] of [
    ['', 'the control plane', resources],
    ['proxy-', 'proxies', proxyResources],
  ] as const) {
    text(`--${prefix}cpu-request <quantity>`, `of ${whose}`, given.cpuRequest);
    text(`--${prefix}memory-request <quantity>`, `of ${whose}`, given.memoryRequest);
    text(`--${prefix}cpu-limit <quantity>`, `of ${whose}`, given.cpuLimit ?? 'none');
    text(`--${prefix}memory-limit <quantity>`, `of ${whose}`, given.memoryLimit ?? 'none');
  }
  return command;
}

/** The text of the file, which goes into the cluster as it stands. */
function issuerText(file: string): string {
  if (file === 'none') return '';
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new InvalidArgumentError(`the file cannot be read: ${errorMessage(thrown)}`);
  }
}

function wholeNumber(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give a whole number');
}

/** Options from flags over `installed` (what a cluster has now) over the defaults. Throws a WeftError that names a bad flag. */
export function optionsFrom(flags: InstallFlags, installed: Partial<InstallOptions> = {}): InstallOptions {
  const { cpuRequest, memoryRequest, cpuLimit, memoryLimit } = flags;
  const { proxyCpuRequest, proxyMemoryRequest, proxyCpuLimit, proxyMemoryLimit, ...rest } = flags;
  const base = installOptions(installed);
  const known = new Set(Object.keys(base));
  const direct = Object.entries(rest).filter(([name, value]) => known.has(name) && value !== undefined);
  const options: InstallOptions = {
    ...base,
    ...(Object.fromEntries(direct) as Partial<InstallOptions>),
    resources: { ...base.resources, ...said({ cpuRequest, memoryRequest, cpuLimit, memoryLimit }) },
    proxyResources: {
      ...base.proxyResources,
      ...said({
        cpuRequest: proxyCpuRequest,
        memoryRequest: proxyMemoryRequest,
        cpuLimit: proxyCpuLimit,
        memoryLimit: proxyMemoryLimit,
      }),
    },
  };
  const wrong = checkInstallOptions(options);
  if (wrong) throw wrong;
  return options;
}

function said(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
