import { type Command, Option } from 'commander';
import { guarded } from './guarded.ts';
import {
  dashboardObjects,
  gatewayObjects,
  gatewayPlan,
  type InstallOptions,
  installObjects,
  type Manifest,
  MONITORING_FORMS,
  type MonitoringForm,
  manifestText,
  monitoring,
} from './install/index.ts';
import { labelsOf } from './install/monitoring-labels.ts';
import { type InstallFlags, installFlags, optionsFrom } from './install-flags.ts';

const help = `
Prints everything that Weft needs in a cluster, and talks to none. The same flags always print the same.

Examples:
  weft install | kubectl apply -f -
  weft install --accept-labels istio,linkerd --failure-policy Fail > weft.yaml
  weft install --kubernetes-version 1.20 | kubectl apply -f -
  weft install --monitoring | kubectl apply -f -
  weft install --monitoring rules > weft-rules.yaml
  weft install --dashboards -n monitoring | kubectl apply -f -
  weft install --gateway shop/edge | kubectl apply -f -

Then label a namespace and restart its workloads:
  kubectl label namespace shop weft.dev/inject=enabled
  kubectl rollout restart deployment -n shop
  weft check`;

/** Adds the command `install`. */
export function register(program: Command): void {
  const command = program
    .command('install')
    .summary('print what Weft needs in a cluster')
    .description('print the manifests of the control plane, for kubectl apply');
  installFlags(command)
    .addOption(
      new Option(
        '--monitoring [form]',
        'rules, alerts and where to scrape for Prometheus, instead of the control plane: objects for its operator, a file of rules, ' +
          'or a job that finds pods by annotation (docs/monitoring.md)',
      )
        .choices([...MONITORING_FORMS])
        .preset('operator'),
    )
    .addOption(
      new Option(
        '--monitoring-labels <labels>',
        'by which your Prometheus selects: release=kube-prometheus-stack',
      ).argParser(labelsOf),
    )
    .addOption(
      new Option(
        '--dashboards',
        'dashboards for Grafana instead of the control plane: ConfigMaps that its sidecar finds, in the namespace of -n (docs/grafana.md)',
      ).conflicts(['monitoring', 'monitoringLabels']),
    )
    .addOption(
      new Option(
        '--gateway <namespace/name>',
        'the proxies of a Gateway instead of the control plane, with a Service in front of them (docs/gateway.md)',
      ).conflicts(['monitoring', 'monitoringLabels', 'dashboards']),
    )
    .addOption(
      new Option(
        '--ingress-secrets <namespaces>',
        'with --gateway: namespaces beside its own whose Secrets and ConfigMaps Ingresses may name (shop,blog), or all of the cluster (docs/rights.md)',
      ),
    )
    .addOption(new Option('--gateway-ports <ports>', 'of that Service').default('80,443'))
    .option(
      '--gateway-certificates',
      'let the control plane write Secrets in its namespace, as CertificateIssuers need it (docs/acme.md)',
    )
    .addOption(new Option('-o, --output <format>', 'yaml or json').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', help)
    .action(guarded(install));
}

interface Flags extends InstallFlags {
  readonly output: string;
  readonly dashboards?: boolean;
  readonly gateway?: string;
  readonly gatewayPorts: string;
  readonly ingressSecrets?: string;
  readonly gatewayCertificates?: boolean;
  readonly monitoring?: MonitoringForm;
  readonly monitoringLabels?: Readonly<Record<string, string>>;
}

async function install(flags: Flags): Promise<void> {
  const { value, text } = await printed(flags);
  process.stdout.write(flags.output === 'json' ? `${JSON.stringify(value, undefined, 2)}\n` : text);
}

/** What is asked for, as one value and as YAML. */
async function printed(flags: Flags): Promise<{ readonly value: object; readonly text: string }> {
  const options = optionsFrom(flags);
  if (flags.monitoring !== undefined) return monitoring(flags.monitoring, options, flags.monitoringLabels);
  const items = await itemsOf(flags, options);
  return { value: { apiVersion: 'v1', kind: 'List', items }, text: manifestText(items) };
}

async function itemsOf(flags: Flags, options: InstallOptions): Promise<readonly Manifest[]> {
  if (flags.gateway !== undefined)
    return gatewayObjects(options, {
      ...gatewayPlan(flags.gateway, flags.gatewayPorts, flags.ingressSecrets),
      certificates: flags.gatewayCertificates === true,
    });
  return flags.dashboards ? dashboardObjects(options) : installObjects(options);
}
