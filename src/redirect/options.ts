import { PORTS, PROXY_UID } from '../config/names.ts';
import { type Problem, problem } from '../model/index.ts';
import { type Cidr, containsCidr, parseCidr } from './cidr.ts';
import { formatRange, overlaps, type PortRange, parsePortRange, sortRanges } from './port-range.ts';

/** What to intercept. Everything is optional; nothing said means: all TCP, both ways, both families. */
export interface RedirectOptions {
  /** Where the proxy listens for what the app sends; 15001. */
  readonly outboundPort?: number;
  /** Where the proxy listens for what is sent to the app; 15006. */
  readonly inboundPort?: number;
  /** Whose own traffic is left alone; 1337 and 1337. */
  readonly proxyUid?: number;
  readonly proxyGid?: number;
  /** Inbound traffic to these ports only (numbers or `8000-8100`), or `*`, the default. */
  readonly onlyInboundPorts?: '*' | readonly (number | string)[];
  readonly skipInboundPorts?: readonly (number | string)[];
  /**
   * Outbound traffic to these CIDRs only, or `*`. Together with onlyOutboundPorts: what either of them names. The default is
   * `*`, and nothing when onlyOutboundPorts is given.
   */
  readonly onlyOutboundCidrs?: '*' | readonly string[];
  readonly onlyOutboundPorts?: readonly (number | string)[];
  /** Skipped even where an `only` names them. */
  readonly skipOutboundCidrs?: readonly string[];
  readonly skipOutboundPorts?: readonly (number | string)[];
  /** User ids whose traffic is left alone, as the proxy's is; 0 is root's. */
  readonly skipOutboundUids?: readonly (number | string)[];
  /**
   * `keep`: the app sees its callers' own addresses, because the proxy calls it from them; `replace`, the default: it sees the
   * proxy's.
   */
  readonly clientAddresses?: ClientAddresses;
  /** True unless told. */
  readonly ipv4?: boolean;
  /** `auto`, the default: where the machine has IPv6; on a machine without it, apply skips it with a notice. */
  readonly ipv6?: boolean | 'auto';
}

/** What an app takes for the addresses of its clients. */
export const CLIENT_ADDRESSES = ['replace', 'keep'] as const;

/** One of CLIENT_ADDRESSES. */
export type ClientAddresses = (typeof CLIENT_ADDRESSES)[number];

/** Options that were checked and brought into one form: sorted, canonical, every default filled in. */
export interface RedirectSettings {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly proxyUid: number;
  readonly proxyGid: number;
  readonly onlyInboundPorts: '*' | readonly PortRange[];
  readonly skipInboundPorts: readonly PortRange[];
  readonly onlyOutboundCidrs: '*' | readonly Cidr[];
  readonly onlyOutboundPorts: readonly PortRange[];
  readonly skipOutboundCidrs: readonly Cidr[];
  readonly skipOutboundPorts: readonly PortRange[];
  readonly skipOutboundUids: readonly number[];
  readonly clientAddresses: ClientAddresses;
  readonly ipv4: boolean;
  readonly ipv6: boolean | 'auto';
  /** The proxy's own ports, never redirected on their way in. */
  readonly ownPorts: readonly number[];
}

/** Ports that the proxy keeps for itself beside PORTS: readiness and merged metrics, where users of Istio look for them. */
const reservedPorts = [15_021, 15_090];

/** The one above means nobody to the kernel. */
const MOST_UID = 0xffff_fffe;

/** Checks every option; `settings` is there when no problem is an error. */
export function readOptions(options: RedirectOptions): {
  settings?: RedirectSettings;
  problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const ports = (name: PortOption): readonly PortRange[] => readPorts(name, options[name], problems);
  const cidrs = (name: CidrOption): readonly Cidr[] => readCidrs(name, options[name], problems);
  const outboundPort = readNumber('outboundPort', options.outboundPort ?? PORTS.outbound, 65_535, problems);
  const inboundPort = readNumber('inboundPort', options.inboundPort ?? PORTS.inbound, 65_535, problems);
  const { onlyOutboundPorts, onlyInboundPorts, onlyOutboundCidrs = onlyOutboundPorts ? [] : '*' } = options;
  const settings: RedirectSettings = {
    outboundPort,
    inboundPort,
    proxyUid: readNumber('proxyUid', options.proxyUid ?? PROXY_UID, MOST_UID, problems),
    proxyGid: readNumber('proxyGid', options.proxyGid ?? PROXY_UID, MOST_UID, problems),
    onlyInboundPorts: (onlyInboundPorts ?? '*') === '*' ? '*' : ports('onlyInboundPorts'),
    skipInboundPorts: ports('skipInboundPorts'),
    onlyOutboundCidrs: onlyOutboundCidrs === '*' ? '*' : cidrs('onlyOutboundCidrs'),
    onlyOutboundPorts: ports('onlyOutboundPorts'),
    skipOutboundCidrs: cidrs('skipOutboundCidrs'),
    skipOutboundPorts: ports('skipOutboundPorts'),
    skipOutboundUids: readUids(options.skipOutboundUids, problems),
    clientAddresses: options.clientAddresses ?? 'replace',
    ipv4: options.ipv4 ?? true,
    ipv6: options.ipv6 ?? 'auto',
    ownPorts: [...new Set([PORTS.admin, outboundPort, inboundPort, PORTS.health, ...reservedPorts])].sort(
      (a, b) => a - b,
    ),
  };
  checkTogether(settings, problems);
  const refused = problems.some(({ severity }) => severity === 'error');
  return { settings: refused ? undefined : settings, problems };
}

type PortOption = 'onlyInboundPorts' | 'skipInboundPorts' | 'onlyOutboundPorts' | 'skipOutboundPorts';
type CidrOption = 'onlyOutboundCidrs' | 'skipOutboundCidrs';

function readNumber(path: string, value: number, most: number, problems: Problem[]): number {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    const what = Number.isNaN(value) ? path : `${path} ${value}`;
    const why =
      value === 0 && path.startsWith('proxy') ? '; with 0, whatever runs as root would bypass the mesh' : '';
    problems.push(
      problem('redirect-bad-number', `${what} is not a number from 1 to ${most}${why}`, { path }),
    );
  }
  return value;
}

function readPorts(
  name: PortOption,
  specs: '*' | readonly (number | string)[] = [],
  problems: Problem[],
): readonly PortRange[] {
  if (specs === '*') return [];
  const ranges: PortRange[] = [];
  for (const [index, spec] of specs.entries()) {
    const range = parsePortRange(spec);
    if (range) ranges.push(range);
    else {
      const message = `"${spec}" is no port; write a number from 1 to 65535 or a range like 8000-8100`;
      problems.push(problem('redirect-bad-port', message, { path: `${name}[${index}]` }));
    }
  }
  return sortRanges(ranges);
}

function readUids(specs: readonly (number | string)[] = [], problems: Problem[]): readonly number[] {
  const uids = new Set<number>();
  for (const [index, spec] of specs.entries()) {
    const uid = /^\d{1,10}$/.test(String(spec)) ? Number(spec) : Number.NaN;
    if (uid <= MOST_UID) uids.add(uid);
    else {
      const message = `"${spec}" is no user id; write a number from 0 to ${MOST_UID}`;
      problems.push(problem('redirect-bad-number', message, { path: `skipOutboundUids[${index}]` }));
    }
  }
  return [...uids].sort((a, b) => a - b);
}

function readCidrs(
  name: CidrOption,
  specs: '*' | readonly string[] = [],
  problems: Problem[],
): readonly Cidr[] {
  if (specs === '*') return [];
  const cidrs = new Map<string, Cidr>();
  for (const [index, spec] of specs.entries()) {
    const path = `${name}[${index}]`;
    const cidr = parseCidr(spec.trim());
    if (!cidr) {
      const message = `"${spec}" is no block of addresses; write it like 10.0.0.0/8, 192.0.2.1 or fd00::/8`;
      problems.push(problem('redirect-bad-cidr', message, { path }));
      continue;
    }
    if (cidr.hostBits) {
      const message = `"${spec}" is not the start of a block and is taken as ${cidr.text}`;
      problems.push(problem('redirect-host-bits', message, { path, severity: 'warning' }));
    }
    cidrs.set(cidr.text, cidr);
  }
  return [...cidrs.values()].sort((a, b) => Number(a.network - b.network) || a.prefix - b.prefix);
}

function checkTogether(settings: RedirectSettings, problems: Problem[]): void {
  const { inboundPort, outboundPort } = settings;
  if (inboundPort === outboundPort) {
    const message = `inboundPort and outboundPort are both ${inboundPort}; the proxy could not tell the directions apart`;
    problems.push(problem('redirect-contradiction', message, { path: 'inboundPort' }));
  }
  if (!settings.ipv4 && settings.ipv6 === false) {
    const message = 'ipv4 and ipv6 are both off, so nothing would be intercepted; leave one on';
    problems.push(problem('redirect-contradiction', message, { path: 'ipv4' }));
  }
  checkInboundPorts(settings, problems);
  checkOutbound(settings, problems);
  checkFamilies(settings, problems);
}

function checkInboundPorts(settings: RedirectSettings, problems: Problem[]): void {
  const { onlyInboundPorts: only, skipInboundPorts: skip } = settings;
  if (only === '*') return;
  refuseCommonPorts('Inbound', only, skip, problems);
  for (const range of only) {
    const own = settings.ownPorts.find(port => overlaps(range, { from: port, to: port }));
    if (own === undefined) continue;
    const message = `${formatRange(range)} has port ${own} in it, which is the proxy's own and never redirected; leave it out`;
    problems.push(problem('redirect-own-port', message, { path: 'onlyInboundPorts' }));
  }
  if (skip.length > 0) {
    const message = 'has no effect, because onlyInboundPorts already leaves these ports alone';
    problems.push(problem('redirect-no-effect', message, { path: 'skipInboundPorts', severity: 'warning' }));
  }
}

function checkOutbound(settings: RedirectSettings, problems: Problem[]): void {
  const { onlyOutboundCidrs: only, onlyOutboundPorts, skipOutboundCidrs, skipOutboundPorts } = settings;
  refuseCommonPorts('Outbound', onlyOutboundPorts, skipOutboundPorts, problems);
  if (only === '*') {
    if (onlyOutboundPorts.length === 0) return;
    const message = 'has no effect, because onlyOutboundCidrs is * and intercepts every port';
    problems.push(problem('redirect-no-effect', message, { path: 'onlyOutboundPorts', severity: 'warning' }));
    return;
  }
  for (const cidr of only) {
    const outer = skipOutboundCidrs.find(skip => containsCidr(skip, cidr));
    if (!outer) continue;
    const message = `${cidr.text} would never be intercepted, because skipOutboundCidrs has ${outer.text}; take out one of them`;
    problems.push(problem('redirect-contradiction', message, { path: 'onlyOutboundCidrs' }));
  }
}

function refuseCommonPorts(
  direction: 'Inbound' | 'Outbound',
  only: readonly PortRange[],
  skip: readonly PortRange[],
  problems: Problem[],
): void {
  for (const range of only) {
    const other = skip.find(candidate => overlaps(range, candidate));
    if (!other) continue;
    const message = `${formatRange(range)} is also in skip${direction}Ports (${formatRange(other)}); take out one of them`;
    problems.push(problem('redirect-contradiction', message, { path: `only${direction}Ports` }));
  }
}

function checkFamilies(settings: RedirectSettings, problems: Problem[]): void {
  for (const path of ['onlyOutboundCidrs', 'skipOutboundCidrs'] as const) {
    const cidrs = settings[path];
    if (cidrs === '*') continue;
    for (const cidr of cidrs) {
      if (settings[cidr.family] !== false) continue;
      const message = `${cidr.text} has no effect, because ${cidr.family} is off`;
      problems.push(problem('redirect-family-off', message, { path, severity: 'warning' }));
    }
  }
}
