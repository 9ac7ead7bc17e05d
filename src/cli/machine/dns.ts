// `weft machine dns`: how the machine comes to ask its proxy for names, printed, put in force, or taken back.
import { MACHINE_DNS } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { parseHostPort } from '../../model/index.ts';
import type { Host } from './host.ts';
import { flagOf, parseProxyEnv } from './proxy-env.ts';
import {
  isOurs,
  KEPT_RESOLV_CONF,
  RESOLV_CONF,
  RESOLVED_DROP_IN,
  type ResolverFacts,
  type ResolverWish,
  resolverPlan,
} from './resolver.ts';
import { PROXY_ENV } from './units.ts';

const reload = ['systemctl', 'reload-or-restart', 'systemd-resolved'] as const;

function factsOf(host: Host): ResolverFacts {
  return {
    resolvConf: host.read(RESOLV_CONF) ?? '',
    kept: host.read(KEPT_RESOLV_CONF),
    hasResolved: host.exists('/run/systemd/resolve'),
  };
}

/** What proxy.env says of it. Throws the WeftError `bad-configuration` where the proxy answers no DNS. */
export function wishOf(host: Host): ResolverWish {
  const text = host.read(PROXY_ENV);
  if (text === undefined)
    throw new WeftError(
      'bad-configuration',
      `this machine has no ${PROXY_ENV}; weft machine join writes it, and weft machine --help tells the whole way`,
      { source: 'config' },
    );
  const { proxyFlags } = parseProxyEnv(text, PROXY_ENV);
  const dns = flagOf(proxyFlags, '--dns');
  const listen = dns === undefined ? undefined : parseHostPort(dns, 53);
  if (listen?.port !== 53)
    throw new WeftError(
      'bad-configuration',
      `the proxy of this machine answers no DNS on port 53; add --dns ${MACHINE_DNS} to WEFT_PROXY_FLAGS in ${PROXY_ENV}, or prepare the machine with --dns`,
      { source: 'config' },
    );
  return {
    address: listen.host,
    namespace: flagOf(proxyFlags, '--pod-namespace') ?? 'default',
    clusterDomain: flagOf(proxyFlags, '--cluster-domain') ?? 'cluster.local',
  };
}

/** What would be written, for people. */
export function showResolver(host: Host): string {
  const plan = resolverPlan(factsOf(host), wishOf(host));
  if (plan.kind === 'resolved') return `# ${RESOLVED_DROP_IN}, then: ${reload.join(' ')}\n${plan.dropIn}`;
  const keep = plan.keep ? `; what is there now is kept as ${KEPT_RESOLV_CONF}` : '';
  return `# ${RESOLV_CONF}${keep}\n${plan.text}`;
}

/** From now on names are asked of the proxy. */
export function writeResolver(host: Host): void {
  const plan = resolverPlan(factsOf(host), wishOf(host));
  if (plan.kind === 'resolved') {
    host.write({ path: RESOLVED_DROP_IN, text: plan.dropIn });
    host.run([...reload]);
    return;
  }
  if (plan.keep && host.exists(RESOLV_CONF)) host.move(RESOLV_CONF, KEPT_RESOLV_CONF);
  host.write({ path: RESOLV_CONF, text: plan.text });
}

/** As it was before; nothing where nothing was written. */
export function undoResolver(host: Host): void {
  if (host.exists(RESOLVED_DROP_IN)) {
    host.remove(RESOLVED_DROP_IN);
    host.run([...reload]);
  }
  if (host.read(KEPT_RESOLV_CONF) === undefined) return;
  // Whoever has written the file since then knows better.
  if (isOurs(host.read(RESOLV_CONF) ?? MARKED_WHEN_MISSING)) host.move(KEPT_RESOLV_CONF, RESOLV_CONF);
  else host.remove(KEPT_RESOLV_CONF);
}

/** A file that is gone is put back, too. */
const MARKED_WHEN_MISSING = '# written by weft machine dns';
