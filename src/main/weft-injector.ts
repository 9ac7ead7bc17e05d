#!/usr/bin/env node
// weft-injector: the control plane. Reads configuration, issues certificates, and tells proxies what they ask for.
import { Command } from 'commander';
import { type InjectorFlags, readInjectorConfig } from '../config/injector-config.ts';
import { VERSION } from '../config/version.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { createLogger } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { runInjector } from './injector-run.ts';
import { installLastResort } from './last-resort.ts';

await new Command('weft-injector')
  .description('The control plane of Weft: discovery and certificates for proxies')
  .version(VERSION, '-V, --version')
  .option(
    '--source <source>',
    'where objects come from: kubernetes (the default in a cluster), or files:FOLDER, a folder of Kubernetes YAML, watched',
  )
  .option(
    '--kubeconfig <file>',
    'with --source kubernetes (default: KUBECONFIG, the account of the pod, ~/.kube/config)',
  )
  .option('--context <name>', 'a context of the kubeconfig')
  .option(
    '--consul <url>',
    'the HTTP API of a Consul whose services are in the mesh, too, as NAME.service.consul',
  )
  .option('--consul-datacenter <name>', "with --consul: in place of the agent's own")
  .option('--consul-token-file <file>', 'with --consul: a token with service:read and node:read')
  .option('--consul-ca <file>', "with --consul: PEM of the authorities to believe the API's certificate from")
  .option('--consul-tag <tag>', 'with --consul: only instances with this tag')
  .option('--consul-namespace <name>', 'with --consul: the namespace of its services, default consul')
  .option('--consul-domain <domain>', 'with --consul: the domain of its DNS, default consul')
  .option(
    '--ca-dir <folder>',
    'the certificate authority; an empty or missing folder gets a new one (default in a cluster: a Secret)',
  )
  .option(
    '--issuer <file>',
    "who signs instead of the control plane's own key: YAML that names Vault's PKI or an issuer of cert-manager",
  )
  .option(
    '--token-keys <file>',
    'JWKS of the keys that sign ServiceAccount tokens (default in a cluster: the cluster is asked)',
  )
  .option('--token-issuer <url>', 'the issuer that tokens name (default: the one of Kubernetes)')
  .option('--listen <address>', 'where proxies connect: HOST:PORT, :PORT or HOST (default: :15012)')
  .option('--metrics-listen <address>', 'metrics, readiness, /debug (default: port 15014 of the same host)')
  .option('--injection-settings <file>', 'settings of the admission webhook; without them there is none')
  .option(
    '--deploy-gateways <namespaces>',
    'deploy proxies for the Gateways of these namespaces, comma-separated, or all (default: none)',
  )
  .option(
    '--register-machines',
    'write a WorkloadEntry for each machine that joins a WorkloadGroup (docs/machines.md)',
  )
  .option('--machine-grace <duration>', 'how long a machine may be away before its entry goes', '1m')
  .option(
    '--webhook-listen <address>',
    'where the API server asks about pods (default: port 8443 of the same host)',
  )
  .option(
    '--live-listen <address>',
    'where people ask running proxies, as with weft tap (default: port 15016 of the same host)',
  )
  .option(
    '--live-token <file>',
    'with --source files: the token that opens the live API; without one there is none (a cluster is asked who may)',
  )
  .option(
    '--bundle-listen <address>',
    'where other trust domains fetch the roots of this one, as a SPIFFE bundle over HTTPS (default: nowhere; usual port: 15018)',
  )
  .option('--revision <name>', 'which of several control planes of the cluster this is', 'default')
  .option('--trust-domain <name>', 'the trust domain of identities', 'cluster.local')
  .option(
    '--trust-domain-alias <names>',
    'other names of the trust domain, comma-separated: identities under them are the same workloads',
  )
  .option('--cluster-domain <name>', 'the DNS domain of Services', 'cluster.local')
  .option('--certificate-lifetime <duration>', 'how long certificates live', '24h')
  .option('--log-level <level>', 'debug, info, warn, error or silent', 'info')
  .action(async (flags: InjectorFlags) => {
    try {
      await main(flags);
    } catch (thrown) {
      const code = thrown instanceof WeftError ? ` (${thrown.code})` : '';
      process.stderr.write(`weft-injector: ${errorMessage(thrown)}${code}\n`);
      process.exit(1);
    }
  })
  .parseAsync(process.argv);

/** Runs until SIGTERM or SIGINT, then lets what was written reach the proxies and ends. */
async function main(flags: InjectorFlags): Promise<void> {
  const config = readInjectorConfig(flags, process.env);
  const log = createLogger({ program: 'weft-injector', level: config.logLevel });
  const started = installLastResort(log, systemClock);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      // Whoever does not take what was written within two seconds loses it. First, so that it ends whatever goes wrong next.
      setTimeout(() => process.exit(0), 2_000).unref();
      log.info({ signal: name }, 'stopping: streams are ended, proxies go on with what they have');
      stop.abort();
    });
  }
  await runInjector(config, systemClock, log, stop.signal);
  started();
}
