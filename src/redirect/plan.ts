import type { Problem } from '../model/index.ts';
import type { Cidr, Family } from './cidr.ts';
import { applyDocuments, type Table, undoDocuments, type Wanted } from './document.ts';
import { type RedirectOptions, type RedirectSettings, readOptions } from './options.ts';
import { iptablesRange, type PortRange } from './port-range.ts';
import type { Rule } from './rule.ts';

/** Our own chains of the nat table; everything that starts with `WEFT_` is ours. */
export const CHAINS = {
  output: 'WEFT_OUTPUT',
  inbound: 'WEFT_INBOUND',
  redirect: 'WEFT_REDIRECT',
  inRedirect: 'WEFT_IN_REDIRECT',
} as const;

/**
 * The source address of the inbound proxy's connections to the app. IPv4 has all of 127.0.0.0/8 on lo; `::6` is added to
 * lo when the rules are applied.
 */
export const INBOUND_SOURCE = { ipv4: '127.0.0.6', ipv6: '::6' } as const;

/**
 * The source address of the proxy's own questions to the app: probes, hooks, its metrics. Another one, because servers hold what
 * probes do against the address that they come from: MariaDB blocks an address after a hundred connections that never log in.
 */
export const PROBE_SOURCE = { ipv4: '127.0.0.7', ipv6: '::7' } as const;

/**
 * A connection of the proxy to its own pod on this port always goes to the inbound listener, which lets a proxy without any
 * capability find out whether its redirection is in place (see probe.ts). Nothing listens there.
 */
export const PROBE_PORT = 15_002;

/** The mark of the proxy's connections to the app from callers' addresses, and the routing table of what carries it. */
export const CALLER_MARK = { mark: '0x539', table: '133' } as const;

const MARK_CHAIN = 'WEFT_CALLERS';

/** The rules of one family. */
export interface FamilyPlan {
  readonly family: Family;
  /** Our chains of the nat table, in the order in which they are written. */
  readonly chains: readonly string[];
  /** The rules inside our chains. */
  readonly rules: readonly Rule[];
  /** The rules that lead from PREROUTING and OUTPUT into our chains. */
  readonly jumps: readonly Rule[];
  /** The same of the mangle table; without chains where clients' addresses are replaced. */
  readonly mangle: Wanted;
  /** Whether what carries CALLER_MARK must be routed to lo. */
  readonly routesCallers: boolean;
  /** For `iptables-restore --noflush` where there is nothing of ours yet. */
  readonly document: string;
  /** For `iptables-restore --noflush`: takes away what `document` brought. */
  readonly undo: string;
}

/** What would be done for which settings. */
export interface Plan {
  readonly settings: RedirectSettings;
  readonly families: readonly FamilyPlan[];
}

/**
 * The packet rules for these options; pure, and equal options give equal text. `plan` is undefined when a problem is an error.
 *
 * Only new TCP connections meet the rules: the nat table sees the first packet of each. UDP (DNS, QUIC) and ICMP are never
 * touched, and neither is DNS over TCP (port 53) unless onlyOutboundPorts names it: a lookup must not take another way because
 * its answer is long, and must work before the proxy does. What happens to whom:
 *
 * | connection | way |
 * |---|---|
 * | app → another pod, a Service, the outside | OUTPUT → 15001 |
 * | app → its own pod's address, or localhost | over lo, untouched: the same as without a mesh |
 * | app → a Service that answers with this pod | OUTPUT → 15001; proxy → own address → 15006; proxy (127.0.0.6) → app |
 * | proxy's probes of the app (127.0.0.7) → app | over lo, untouched |
 * | proxy → app from a caller's address, where those are kept | over lo, marked; what answers it is routed to lo |
 * | kubelet, peers → pod's address | PREROUTING → 15006 |
 * | kubelet, Prometheus → 15020, 15021, 15090 | untouched, to the proxy's own listener |
 * | anyone in the pod → 127.0.0.1:15000 (admin) | over lo, untouched |
 * | proxy → anywhere else | untouched, so that loops are impossible |
 */
export function plan(options: RedirectOptions = {}): { plan?: Plan; problems: readonly Problem[] } {
  const { settings, problems } = readOptions(options);
  if (!settings) return { problems };
  const families: FamilyPlan[] = [];
  if (settings.ipv4) families.push(planFamily('ipv4', settings));
  if (settings.ipv6 !== false) families.push(planFamily('ipv6', settings));
  return { plan: { settings, families }, problems };
}

function planFamily(family: Family, settings: RedirectSettings): FamilyPlan {
  const chains = Object.values(CHAINS);
  const rules = [...outputRules(family, settings), ...inboundRules(settings), ...redirectRules(settings)];
  const jumps: Rule[] = [
    { chain: 'PREROUTING', match: tcp, target: [CHAINS.inbound], comment: 'weft: what comes into the pod' },
    { chain: 'OUTPUT', match: tcp, target: [CHAINS.output], comment: 'weft: what the pod sends' },
  ];
  const wanted = { chains, rules, jumps, mangle: planMangle(settings) };
  const nothing: Table = { chains: [], rules: [] };
  return {
    family,
    ...wanted,
    routesCallers: settings.clientAddresses === 'keep',
    document: applyDocuments(wanted, { nat: nothing, mangle: nothing }),
    undo: undoDocuments({
      nat: { chains, rules: jumps },
      mangle: { chains: wanted.mangle.chains, rules: wanted.mangle.jumps },
    }),
  };
}

const tcp = ['-p', 'tcp'];
const everyBit = '0xffffffff';

/** What the proxy sends to the app from an address that is not this pod's. */
function fromCaller({ proxyUid }: RedirectSettings): readonly string[] {
  const byProxy = ['-m', 'owner', '--uid-owner', `${proxyUid}`];
  return ['-o', 'lo', ...tcp, ...byProxy, '-m', 'addrtype', '!', '--src-type', 'LOCAL'];
}

/**
 * The app's answers to callers' addresses must come back to the proxy and not leave the pod: connections that the proxy makes
 * from such an address are marked, what answers them gets the mark, and the mark is routed to lo (Linux,
 * Documentation/networking/tproxy.rst).
 */
function planMangle(settings: RedirectSettings): Wanted {
  if (settings.clientAddresses === 'replace') return { chains: [], rules: [], jumps: [] };
  const rule = (match: readonly string[], target: readonly string[], comment: string): Rule => {
    return { chain: MARK_CHAIN, match, target: ['CONNMARK', ...target], comment: `weft: ${comment}` };
  };
  const { mark } = CALLER_MARK;
  const answers = ['-m', 'connmark', '--mark', mark, '-m', 'conntrack', '--ctdir', 'REPLY'];
  const restore = ['--restore-mark', '--nfmask', everyBit, '--ctmask', everyBit];
  return {
    chains: [MARK_CHAIN],
    rules: [
      rule(
        fromCaller(settings),
        ['--set-xmark', `${mark}/${everyBit}`],
        "proxy to app from a caller's address",
      ),
      rule(answers, restore, 'what the app answers goes back to the proxy'),
    ],
    jumps: [{ chain: 'OUTPUT', match: tcp, target: [MARK_CHAIN], comment: 'weft: what the pod sends' }],
  };
}

function outputRules(family: Family, settings: RedirectSettings): Rule[] {
  const rule = (match: readonly string[], target: string, comment: string): Rule => {
    return { chain: CHAINS.output, match, target: [target], comment: `weft: ${comment}` };
  };
  const toOwnPod = ['!', '-d', family === 'ipv4' ? '127.0.0.0/8' : '::1/128', '-o', 'lo'];
  const byProxy = ['-m', 'owner', '--uid-owner', `${settings.proxyUid}`];
  const byGroup = ['-m', 'owner', '--gid-owner', `${settings.proxyGid}`];
  // One prefix for both, PROBE_SOURCE being the next address: one rule for every packet less.
  const fromProxy = `${INBOUND_SOURCE[family]}/${family === 'ipv4' ? 31 : 127}`;
  return [
    rule(['-s', fromProxy, '-o', 'lo'], 'RETURN', 'inbound proxy and its probes to the app'),
    ...(settings.clientAddresses === 'keep'
      ? [rule(fromCaller(settings), 'RETURN', "inbound proxy to the app from its caller's address")]
      : []),
    rule([...toOwnPod, ...port(PROBE_PORT), ...byProxy], CHAINS.inRedirect, 'self-test of the redirection'),
    // Its RETURNs (own and skipped ports) come back here, and the next rule lets them go.
    rule([...toOwnPod, ...byProxy], CHAINS.inbound, 'proxy to its own pod goes in like any peer'),
    rule(byProxy, 'RETURN', 'proxy to others, so that loops are impossible'),
    rule(byGroup, 'RETURN', 'the same for its group'),
    rule(['-o', 'lo'], 'RETURN', 'app to itself'),
    ...outboundChoice(family, settings).map(([match, target, comment]) => rule(match, target, comment)),
  ];
}

type Choice = readonly [match: readonly string[], target: string, comment: string];

/** What of the app's outbound traffic is intercepted: skips first, then what is asked for. */
function outboundChoice(family: Family, settings: RedirectSettings): Choice[] {
  const { onlyOutboundCidrs, onlyOutboundPorts, skipOutboundCidrs, skipOutboundPorts, skipOutboundUids } =
    settings;
  const ofFamily = (cidrs: readonly Cidr[]): readonly Cidr[] => cidrs.filter(cidr => cidr.family === family);
  const choices: Choice[] = [];
  const namesDns = onlyOutboundPorts.some(range => range.from <= 53 && range.to >= 53);
  if (!namesDns) choices.push([port(53), 'RETURN', 'DNS over TCP goes the way of DNS over UDP']);
  for (const uid of skipOutboundUids)
    choices.push([['-m', 'owner', '--uid-owner', `${uid}`], 'RETURN', 'skipped user']);
  for (const cidr of ofFamily(skipOutboundCidrs)) {
    choices.push([destination(cidr), 'RETURN', 'skipped outbound CIDR']);
  }
  for (const range of skipOutboundPorts) choices.push([ports(range), 'RETURN', 'skipped outbound port']);
  if (onlyOutboundCidrs === '*') {
    choices.push([[], CHAINS.redirect, 'all other outbound traffic']);
    return choices;
  }
  for (const range of onlyOutboundPorts) {
    choices.push([ports(range), CHAINS.redirect, 'intercepted outbound port']);
  }
  for (const cidr of ofFamily(onlyOutboundCidrs)) {
    choices.push([destination(cidr), CHAINS.redirect, 'intercepted outbound CIDR']);
  }
  return choices;
}

function inboundRules(settings: RedirectSettings): Rule[] {
  const rule = (match: readonly string[], target: string, comment: string): Rule => {
    return { chain: CHAINS.inbound, match, target: [target], comment: `weft: ${comment}` };
  };
  const own = settings.ownPorts.map(number => rule(port(number), 'RETURN', 'own port of the proxy'));
  const skipped = settings.skipInboundPorts.map(range =>
    rule(ports(range), 'RETURN', 'skipped inbound port'),
  );
  const only = settings.onlyInboundPorts;
  const taken =
    only === '*'
      ? [rule([], CHAINS.inRedirect, 'all other inbound traffic')]
      : only.map(range => rule(ports(range), CHAINS.inRedirect, 'intercepted inbound port'));
  return [...own, ...skipped, ...taken];
}

function redirectRules(settings: RedirectSettings): Rule[] {
  const rule = (chain: string, toPort: number, comment: string): Rule => {
    return {
      chain,
      match: tcp,
      target: ['REDIRECT', '--to-ports', `${toPort}`],
      comment: `weft: ${comment}`,
    };
  };
  return [
    rule(CHAINS.redirect, settings.outboundPort, 'to the outbound listener'),
    rule(CHAINS.inRedirect, settings.inboundPort, 'to the inbound listener'),
  ];
}

function port(number: number): readonly string[] {
  return ports({ from: number, to: number });
}

function ports(range: PortRange): readonly string[] {
  return ['-p', 'tcp', '-m', 'tcp', '--dport', iptablesRange(range)];
}

/** A /0 is every address, and iptables-save prints no match for it. */
function destination(cidr: Cidr): readonly string[] {
  return cidr.prefix === 0 ? [] : ['-d', cidr.text];
}
