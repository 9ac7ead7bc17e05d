// `weft-proxy gateway`: the same stages as `run`, with the listeners of gateways in place of a sidecar's.
import type { Command } from 'commander';
import { type GatewayFlags, readGatewayConfig } from '../config/proxy-config.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { withProxyFlags } from './proxy-flags.ts';
import { run } from './proxy-run.ts';
import { configOf, testFile, withFile } from './sentinel-flags.ts';

/** Adds the command to `program`. */
export function register(program: Command): void {
  withProxyFlags(program.command('gateway'))
    .description('carry the traffic of clients outside of the mesh into it, as Gateways say')
    .option(
      '--gateway <namespace/name>',
      'which gateways to serve, comma-separated (WEFT_GATEWAY); with --config: all of them unless told',
    )
    .option(
      '--config <path>',
      "in place of a control plane: a folder of Kubernetes YAML, watched, or a .kdl file in Sentinel's dialect, read again at SIGHUP (SENTINEL_CONFIG)",
    )
    .option('-t, --test', 'with a .kdl file: say whether it can be used, and end')
    .option(
      '--certificates <folder>',
      'with --config: where certificates that CertificateIssuers give are kept (default: certificates in the folder of --state)',
    )
    .option('--port-offset <number>', 'added to the port of every listener: 8000 makes 80 8080')
    .option(
      '--limits-redis <url>',
      'limits of clients hold for all replicas and cores together, counted in this Redis: redis://HOST:PORT, rediss:// for TLS (WEFT_LIMITS_REDIS)',
    )
    .option('--limits-redis-password <file>', 'its password (WEFT_LIMITS_REDIS_PASSWORD)')
    .option('--limits-redis-ca <file>', 'who signs its certificate (WEFT_LIMITS_REDIS_CA)')
    .option(
      '--limits-redis-timeout <duration>',
      'what it does not answer in this time each replica decides by itself, 25ms unless told (WEFT_LIMITS_REDIS_TIMEOUT)',
    )
    .option('--discovery <source>', 'control-plane or kubernetes (the API server)', 'control-plane')
    .action(async (flags: GatewayFlags) => {
      try {
        const config = configOf(flags, process.env);
        if (flags.test === true) process.exit(await testFile(config ?? ''));
        const given = config?.endsWith('.kdl') ? await withFile(flags, config) : flags;
        await run(readGatewayConfig(given, process.env));
      } catch (error) {
        const code = error instanceof WeftError ? ` (${error.code})` : '';
        process.stderr.write(`weft-proxy gateway: ${errorMessage(error)}${code}\n`);
        process.exit(1);
      }
    });
}
