// The packet rules of a pod, written by its proxy before it is anything else (WEFT_PACKET_RULES=write): a container less to
// start, and no wait for the kubelet to notice that it has ended. The plan and how it gets into the kernel are those of
// `weft-proxy init`.
import { join } from 'node:path';
import { type InitFlags, optionsFrom } from '../cli/init.ts';
import { ENVIRONMENT, PROXY_UID } from '../config/names.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { apply, type FamilyOutcome, plan, systemRun } from '../redirect/index.ts';
import { becomeUser } from '../wire/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Brings the rules that the environment asks for into the kernel, then gives up root, but where client addresses are kept: who
 * calls from those gives it up and keeps a right (takeClientAddresses). Gives what was done for each family. Throws the errors of
 * `apply`, and WeftError `bad-configuration` where the process cannot begin as root, or be its own user afterwards.
 */
export async function writePacketRules(
  config: ProxyConfig,
  env: Environment,
): Promise<readonly FamilyOutcome[]> {
  if (!config.redirected) throw refused('it needs packet rules; leave --no-redirect out');
  if (process.getuid?.() !== 0)
    throw refused('it needs root with the capabilities NET_ADMIN, NET_RAW, SETUID and SETGID to start with');
  const { plan: made, problems } = plan(optionsFrom(initFlags(config, env)));
  if (!made) throw refused(problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
  // Its usual place is on a file system that pods cannot write to.
  const lock = { XTABLES_LOCKFILE: join(config.stateDir || '/tmp', 'xtables.lock') };
  const outcomes = await apply(made, { run: systemRun([], lock) });
  if (config.clientAddresses === 'replace') giveUpRoot();
  return outcomes;
}

function initFlags({ ports, clientAddresses }: ProxyConfig, env: Environment): InitFlags {
  return {
    outboundPort: String(ports.outbound),
    inboundPort: String(ports.inbound),
    proxyUid: String(PROXY_UID),
    proxyGid: String(PROXY_UID),
    onlyInboundPorts: env[ENVIRONMENT.onlyInboundPorts] ?? '',
    skipInboundPorts: env[ENVIRONMENT.skipInboundPorts] ?? '',
    onlyOutboundCidrs: env[ENVIRONMENT.onlyOutboundCidrs] ?? '',
    onlyOutboundPorts: env[ENVIRONMENT.onlyOutboundPorts] ?? '',
    skipOutboundCidrs: env[ENVIRONMENT.skipOutboundCidrs] ?? '',
    skipOutboundPorts: env[ENVIRONMENT.skipOutboundPorts] ?? '',
    skipOutboundUids: env[ENVIRONMENT.skipOutboundUids] ?? '',
    clientAddresses,
    ipv4: 'on',
    ipv6: 'auto',
    backend: 'auto',
    podIps: '',
  };
}

/** With no_new_privs, which injection asks for, nothing brings them back. */
function giveUpRoot(): void {
  let kept: string;
  try {
    kept = becomeUser(PROXY_UID);
  } catch (thrown) {
    throw refused(
      `it may not become its own user: ${errorMessage(thrown)}; give it the capabilities SETUID and SETGID`,
    );
  }
  if (BigInt(`0x${kept}`) !== 0n) throw refused(`capabilities are left to its own user: ${kept}`);
}

function refused(why: string): WeftError {
  return new WeftError('bad-configuration', `${ENVIRONMENT.packetRules}=write: ${why}`, { source: 'config' });
}
