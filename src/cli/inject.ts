import { type Command, Option } from 'commander';
import {
  ACCESS_LOGS,
  type InjectOptions,
  injectObject,
  injectOptions,
  LOG_LEVELS,
} from '../../webhook/index.ts';
import { isRevisionName, REVISION_NAME } from '../config/index.ts';
import { WeftError } from '../errors/index.ts';
import { guarded } from './guarded.ts';
import { runTransform } from './run-transform.ts';

interface InjectFlags {
  readonly file?: readonly string[];
  readonly namespace: string;
  readonly onlyLabelled?: boolean;
  readonly otherMeshes: boolean;
  readonly quiet?: boolean;
  readonly nativeSidecar?: boolean;
  readonly hold: boolean;
  readonly redirection?: InjectOptions['redirection'];
  readonly rewriteProbes: boolean;
  readonly mergePrometheus: boolean;
  readonly proxyImage?: string;
  readonly imagePullPolicy?: InjectOptions['imagePullPolicy'];
  readonly systemNamespace?: string;
  readonly revision?: string;
  readonly controlPlane?: string;
  readonly trustDomain?: string;
  readonly clusterDomain?: string;
  readonly logLevel?: string;
  readonly accessLog?: string;
}

const help = `
Reads Kubernetes YAML or JSON, prints the same with the proxy added to every Pod and every pod template, of whatever kind its
object is (Deployment, CronJob, Rollout, DeploymentConfig, …), and everything else as it is. What was done to which object, and why
not, goes to stderr. Injecting twice is the same as injecting once.

All or nothing: when one object is refused or the YAML cannot be read, nothing is printed and the exit code is 1.

Left out: pods with weft.dev/inject: disabled (label or annotation), pods on the host's network, and the namespaces
kube-system and weft-system.

Examples:
  weft inject -f shop.yaml | kubectl apply -f -
  kubectl get deploy -o yaml | weft inject - | kubectl apply -f -
  weft inject -f manifests/ --native-sidecar > meshed.yaml
  weft uninject -f meshed.yaml`;

/** Adds the command `inject`. */
export function register(program: Command): void {
  const defaults = injectOptions();
  program
    .command('inject')
    .summary('add the proxy to the pods in Kubernetes YAML')
    .description('add the proxy to the pods in Kubernetes YAML, from files or stdin to stdout')
    .argument('[files...]', 'files or folders; - or nothing for stdin')
    .option('-f, --file <file...>', 'the same, for those who are used to kubectl')
    .option('-n, --namespace <name>', 'namespace of objects that name none', 'default')
    .option(
      '--only-labelled',
      'inject only what the webhook would: pods or namespaces labelled weft.dev/inject',
    )
    .option('--no-other-meshes', 'ignore labels and annotations of Istio, Linkerd and Consul')
    .option('-q, --quiet', 'report only what stops it')
    .option('--native-sidecar', 'the proxy as a native sidecar (Kubernetes 1.29 or newer)')
    .option('--no-hold', 'let the app start before the proxy is ready')
    .addOption(
      new Option(
        '--redirection <how>',
        `default: ${defaults.redirection}; proxy: it writes the packet rules itself, a container less; none needs no capability, apps obey http_proxy`,
      ).choices(['init', 'proxy', 'none']),
    )
    .option('--no-rewrite-probes', 'leave the probes of the app as they are')
    .option('--no-merge-prometheus', 'leave the prometheus.io annotations as they are')
    .option('--proxy-image <image>', `image of the proxy (default: ${defaults.proxyImage})`)
    .addOption(
      new Option('--image-pull-policy <policy>', `default: ${defaults.imagePullPolicy}`).choices([
        'Always',
        'IfNotPresent',
        'Never',
      ]),
    )
    .option(
      '--system-namespace <name>',
      `where the control plane runs (default: ${defaults.systemNamespace})`,
    )
    .option(
      '--revision <name>',
      'of the control plane that the proxies go to (default: that of weft install)',
    )
    .option('--control-plane <host:port>', `its address (default: ${defaults.controlPlane})`)
    .option('--trust-domain <name>', `default: ${defaults.trustDomain}`)
    .option('--cluster-domain <name>', `default: ${defaults.clusterDomain}`)
    .addOption(new Option('--log-level <level>', `default: ${defaults.logLevel}`).choices(LOG_LEVELS))
    .addOption(new Option('--access-log <which>', `default: ${defaults.accessLog}`).choices(ACCESS_LOGS))
    .addHelpText('after', help)
    .action(guarded(runInject));
}

async function runInject(files: readonly string[], flags: InjectFlags): Promise<void> {
  const options = optionsFrom(flags);
  const names = [...files, ...(flags.file ?? [])];
  await runTransform(names, (object, surroundings) => injectObject(object, surroundings, options), {
    changed: 'injected',
    namespace: flags.namespace,
    quiet: flags.quiet,
  });
}

function optionsFrom(flags: InjectFlags): InjectOptions {
  const { proxyImage, imagePullPolicy, systemNamespace, revision, controlPlane } = flags;
  if (revision !== undefined && !isRevisionName(revision))
    throw new WeftError('bad-configuration', `--revision '${revision}' is not ${REVISION_NAME}`, {
      source: 'config',
    });
  const { trustDomain, clusterDomain, logLevel, accessLog } = flags;
  const given: Partial<InjectOptions> = {
    ...{ proxyImage, imagePullPolicy, systemNamespace, revision, controlPlane },
    ...{ trustDomain, clusterDomain, logLevel, accessLog },
    injectByDefault: flags.onlyLabelled !== true,
    acceptOtherMeshes: flags.otherMeshes,
    nativeSidecar: flags.nativeSidecar === true,
    holdApplicationUntilProxyStarts: flags.hold,
    redirection: flags.redirection,
    rewriteProbes: flags.rewriteProbes,
    mergePrometheus: flags.mergePrometheus,
  };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return injectOptions(Object.fromEntries(said) as Partial<InjectOptions>);
}
