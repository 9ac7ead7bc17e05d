import { networkInterfaces } from 'node:os';
import { type Command, Option } from 'commander';
import { ENVIRONMENT, PORTS, PROXY_UID } from '../config/index.ts';
import { WeftError } from '../errors/index.ts';
import type { Problem } from '../model/index.ts';
import {
  answerProbes,
  apply,
  type BackendName,
  CLIENT_ADDRESSES,
  type ClientAddresses,
  type FamilyOutcome,
  INBOUND_SOURCE,
  type Plan,
  PROBE_SOURCE,
  plan,
  probe,
  type RedirectOptions,
  undo,
  verify,
} from '../redirect/index.ts';

/** What commander read, flags before environment before defaults. */
export interface InitFlags {
  readonly outboundPort: string;
  readonly inboundPort: string;
  readonly proxyUid: string;
  readonly proxyGid: string;
  readonly onlyInboundPorts: string;
  readonly skipInboundPorts: string;
  readonly onlyOutboundCidrs: string;
  readonly onlyOutboundPorts: string;
  readonly skipOutboundCidrs: string;
  readonly skipOutboundPorts: string;
  readonly skipOutboundUids: string;
  readonly clientAddresses: ClientAddresses;
  readonly ipv4: 'on' | 'off';
  readonly ipv6: 'auto' | 'on' | 'off';
  readonly backend: BackendName | 'auto';
  readonly podIps: string;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly probe?: boolean;
  readonly undo?: boolean;
}

const description = [
  "write the packet rules that lead this pod's TCP through its proxy, and exit",
  '',
  'Needs root with the capabilities NET_ADMIN and NET_RAW. All of it takes effect at once, or nothing; running it again ' +
    'changes nothing. UDP (DNS, QUIC) and ICMP are not touched, and DNS over TCP only when --only-outbound-ports has 53.',
].join('\n');

const examples = `
Lists are separated by commas; ports may be ranges (8000-8100). An --only-… flag also takes "*" for
everything and "none" for nothing; what the two --only-outbound-… flags name is joined. A skip wins over
an only. Exit code 1 means that the redirection is not as asked.

Examples:
  weft-proxy init --dry-run --skip-outbound-ports 3306,5432
  weft-proxy init --only-outbound-cidrs 10.0.0.0/8,fd00::/8
  weft-proxy init --check
  weft-proxy init --undo`;

/** Adds the command `init` to `weft-proxy`. It reports to stdout and stderr by itself and sets process.exitCode. */
export function register(program: Command): void {
  const listOption = (flag: string, variable: string, text: string): Option => {
    return new Option(flag, text)
      .env(variable)
      .default('', flag.startsWith('--only') ? 'everything' : 'nothing');
  };
  const env = ENVIRONMENT;
  program
    .command('init')
    .description(description)
    .summary('write the packet rules of this pod and exit')
    .addOption(
      listOption('--only-inbound-ports <list>', env.onlyInboundPorts, 'intercept only these inbound ports'),
    )
    .addOption(listOption('--skip-inbound-ports <list>', env.skipInboundPorts, 'do not intercept these'))
    .addOption(
      listOption('--only-outbound-cidrs <list>', env.onlyOutboundCidrs, 'intercept only what goes to these'),
    )
    .addOption(
      listOption('--only-outbound-ports <list>', env.onlyOutboundPorts, 'intercept only what goes to these'),
    )
    .addOption(listOption('--skip-outbound-cidrs <list>', env.skipOutboundCidrs, 'do not intercept these'))
    .addOption(listOption('--skip-outbound-ports <list>', env.skipOutboundPorts, 'do not intercept these'))
    .addOption(
      listOption(
        '--skip-outbound-uids <list>',
        env.skipOutboundUids,
        'do not intercept what these users send',
      ),
    )
    .option('--outbound-port <port>', 'where the proxy listens for what the app sends', `${PORTS.outbound}`)
    .option(
      '--inbound-port <port>',
      'where the proxy listens for what is sent to the app',
      `${PORTS.inbound}`,
    )
    .option('--proxy-uid <uid>', 'user whose own traffic is left alone', `${PROXY_UID}`)
    .option('--proxy-gid <gid>', 'group whose own traffic is left alone', `${PROXY_UID}`)
    .addOption(
      new Option(
        '--client-addresses <how>',
        "keep: the app sees its clients' own addresses, with a proxy that does the same; replace: the proxy's",
      )
        .choices(CLIENT_ADDRESSES)
        .env(env.clientAddresses)
        .default('replace'),
    )
    .addOption(new Option('--ipv4 <mode>', 'rules for IPv4').choices(['on', 'off']).default('on'))
    .addOption(
      new Option('--ipv6 <mode>', 'rules for IPv6; auto: where the pod has it')
        .choices(['auto', 'on', 'off'])
        .default('auto'),
    )
    .addOption(
      new Option(
        '--backend <name>',
        'which iptables; auto: the one with rules already, else nft, else legacy',
      )
        .choices(['auto', 'nft', 'legacy'])
        .default('auto'),
    )
    .addOption(
      new Option('--pod-ips <list>', 'own addresses, for --probe')
        .env(env.podIps)
        .default('', 'those of its interfaces'),
    )
    .addOption(
      mode('--dry-run', 'print the rules and change nothing (with --undo: what undo would do)', 'undo'),
    )
    .addOption(mode('--check', 'compare the rules in place with the plan and change nothing'))
    .addOption(mode('--probe', 'open a connection that must be redirected; needs only the uid of the proxy'))
    .addOption(mode('--undo', 'take the rules away and leave what was there before', 'dryRun'))
    .addHelpText('after', examples)
    .action(runInit);
}

/** A flag that says what to do; only `with_` may stand beside it. */
function mode(flag: string, text: string, beside?: string): Option {
  const others = ['dryRun', 'check', 'probe', 'undo'].filter(name => name !== beside);
  return new Option(flag, text).conflicts(others.filter(name => camel(flag) !== name));
}

function camel(flag: string): string {
  return flag.replace(/^--/, '').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** What the flags ask of plan; numbers that are none become NaN, which plan refuses by name. */
export function optionsFrom(flags: InitFlags): RedirectOptions {
  const only = (text: string): '*' | readonly string[] | undefined => {
    const trimmed = text.trim();
    if (trimmed === '') return undefined;
    return trimmed === '*' ? '*' : trimmed === 'none' ? [] : list(trimmed);
  };
  const onlyOutboundPorts = only(flags.onlyOutboundPorts);
  return {
    outboundPort: Number(flags.outboundPort),
    inboundPort: Number(flags.inboundPort),
    proxyUid: Number(flags.proxyUid),
    proxyGid: Number(flags.proxyGid),
    onlyInboundPorts: only(flags.onlyInboundPorts),
    skipInboundPorts: list(flags.skipInboundPorts),
    onlyOutboundCidrs: only(flags.onlyOutboundCidrs),
    onlyOutboundPorts: onlyOutboundPorts === '*' ? undefined : onlyOutboundPorts,
    skipOutboundCidrs: list(flags.skipOutboundCidrs),
    skipOutboundPorts: list(flags.skipOutboundPorts),
    skipOutboundUids: list(flags.skipOutboundUids),
    clientAddresses: flags.clientAddresses,
    ipv4: flags.ipv4 === 'on',
    ipv6: flags.ipv6 === 'auto' ? 'auto' : flags.ipv6 === 'on',
  };
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '');
}

async function runInit(flags: InitFlags): Promise<void> {
  const { plan: made, problems } = plan(optionsFrom(flags));
  problems.forEach(complain);
  if (!made) {
    process.exitCode = 1;
    return;
  }
  try {
    if (flags.dryRun) print(made, flags.undo === true);
    else if (flags.probe) await runProbe(made, flags);
    else if (flags.check) await runCheck(made, flags);
    else if (flags.undo) (await undo({ backend: flags.backend })).forEach(report);
    else (await apply(made, { backend: flags.backend })).forEach(report);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    console.error(`error ${error.code}: ${error.message}`);
    process.exitCode = 1;
  }
}

function print(made: Plan, undoing: boolean): void {
  for (const { family, document, undo: undoDocument } of made.families) {
    const command = family === 'ipv4' ? 'iptables-restore' : 'ip6tables-restore';
    const addresses = family === 'ipv6' ? [PROBE_SOURCE.ipv6, INBOUND_SOURCE.ipv6] : [];
    for (const address of addresses)
      console.log(`# ip -6 addr ${undoing ? 'del' : 'add'} ${address}/128 dev lo`);
    console.log(`# ${command} --noflush`);
    console.log(undoing ? undoDocument : document);
  }
}

async function runCheck(made: Plan, flags: InitFlags): Promise<void> {
  const { ok, problems } = await verify(made, { backend: flags.backend });
  problems.forEach(complain);
  if (ok) console.log('the redirection is in place');
  else process.exitCode = 1;
}

async function runProbe(made: Plan, flags: InitFlags): Promise<void> {
  const { proxyUid, proxyGid, inboundPort } = made.settings;
  if (process.getuid?.() === 0) {
    process.setgid?.(proxyGid);
    process.setuid?.(proxyUid);
  }
  const given = list(flags.podIps);
  const wanted = made.families.map(({ family }) => (family === 'ipv4' ? 'IPv4' : 'IPv6'));
  const addresses = given.length > 0 ? given : ownAddresses(wanted);
  if (addresses.length === 0) {
    throw new WeftError('redirect-no-address', 'this pod has no address to probe; name them with --pod-ips');
  }
  for (const address of addresses) {
    using stack = new DisposableStack();
    const server = await answerProbes(address, inboundPort);
    if (server) stack.defer(() => server.close());
    const failed = await probe(address);
    if (!failed) console.log(`${address} is redirected`);
    else complain(failed);
  }
}

function ownAddresses(families: readonly string[]): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
  const outward = all.filter(one => !one.internal && !one.address.startsWith('fe80:'));
  return outward.filter(one => families.includes(one.family)).map(one => one.address);
}

function report(outcome: FamilyOutcome): void {
  const backend = outcome.backend === undefined ? '' : ` (${outcome.backend})`;
  console.log(`${outcome.family}: ${outcome.result}${backend}`);
  for (const notice of outcome.notices) console.log(`${outcome.family}: ${notice}`);
}

function complain({ severity, code, path, message }: Problem): void {
  console.error(`${severity} ${code}${path === undefined ? '' : ` at ${path}`}: ${message}`);
  if (severity === 'error') process.exitCode = 1;
}
