import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { type AuthorityParts, CertificateAuthority, readAuthorityRecord, splitRoots } from '../ca/index.ts';
import { SYSTEM_NAMESPACE } from '../config/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { formatBundle } from '../federation/index.ts';
import { createKeyAndCsr } from '../identity/index.ts';
import { parseDurationMs, parseSpiffe } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { type AuthorityPlace, clusterPlace, folderPlace } from './ca/place.ts';
import { type ProxyIdentity, proxyIdentities } from './ca/readiness.ts';
import { replaceNow, rotate, rotateBack } from './ca/rotate.ts';
import { elsewhereStatus, ownStatus, statusText } from './ca/status.ts';
import { inspect, inspectText, revokedLines } from './ca/text.ts';
import { guarded } from './guarded.ts';
import { type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { choosePods, openMesh } from './proxies/index.ts';
import { screenOf } from './table.ts';

const help = `
The authority is where the control plane keeps it: a Secret of its namespace, the folder of a sandbox (--sandbox), or a folder that is named
(--ca-dir). Where somebody else signs (weft install --issuer), status tells how that goes, and rotate and issue are done there. To change it takes the right to get and patch that Secret. docs/certificates.md tells every step, and what to do when one fails.

Examples:
  weft ca status
  weft ca status --revision canary
  weft ca rotate --all
  weft ca rotate --now
  weft ca revoke spiffe://cluster.local/ns/shop/sa/cart --why 'its key was stolen'
  weft ca inspect chain.pem`;

interface PlaceFlags extends ClusterFlags {
  readonly sandbox?: string | true;
  readonly caDir?: string;
  readonly systemNamespace: string;
  readonly revision?: string;
}

interface RotateFlags extends PlaceFlags {
  readonly to?: string;
  readonly all?: boolean;
  readonly now?: boolean;
  readonly back?: boolean;
  readonly force?: boolean;
  readonly wait: string;
  readonly trustDomain: string;
}

/** Adds the command `ca`. */
export function register(program: Command): void {
  const ca = program
    .command('ca')
    .summary(
      'the certificate authority: how it is, rotate it, revoke identities, issue and inspect certificates',
    )
    .description('The certificate authority of the mesh: how it is, rotations, revocations, certificates')
    .addHelpText('after', help);
  placeFlags(
    ca.command('status').description('when it runs out, whom proxies trust, and what a rotation waits for'),
  )
    .option(
      '--revision <name>',
      'as the control plane of this revision has it: all have one root, and each its own word',
    )
    .addOption(output())
    .action(guarded(status));
  placeFlags(
    ca
      .command('rotate')
      .description('the next step of a rotation: announce the new root, issue under it, end the old one'),
  )
    .option(
      '--to <folder>',
      "the authority to rotate to, in Istio's layout; without it a new root of Weft's own",
    )
    .option('--all', 'every step, waiting for the proxies between them')
    .option('--wait <duration>', 'with --all: how long before each step', '10m')
    .option('--now', 'replace an authority that has run out: announce and issue at once')
    .option('--back', 'take the last step back')
    .option('--force', 'leave proxies behind that are not ready: they lose their connections')
    .option('--trust-domain <name>', 'of a new root, in its name alone', 'cluster.local')
    .action(guarded(rotateCommand));
  placeFlags(
    ca
      .command('issue')
      .description('a certificate and a fresh key for an identity, signed with the key of the authority'),
  )
    .argument('<principal>', 'spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT')
    .requiredOption('--out <folder>', 'where to write tls.crt, tls.key and ca.crt')
    .option('--lifetime <duration>', 'how long it lives', '24h')
    .option('--dns <names>', 'DNS names beside the identity, comma-separated')
    .action(guarded(issue));
  placeFlags(
    ca
      .command('bundle')
      .description(
        "the mesh's roots as a SPIFFE bundle, for other trust domains (SPIRE: bundle set -format spiffe)",
      ),
  ).action(guarded(bundle));
  ca.command('inspect')
    .description('what the certificates of a PEM file say')
    .argument('[file]', 'a file; stdin without one, or with -')
    .addOption(output())
    .action(guarded(inspectCommand));
  placeFlags(ca.command('revoked').description('who is revoked'))
    .addOption(output())
    .action(guarded(revoked));
  placeFlags(
    ca
      .command('revoke')
      .description('let an identity or a certificate in no more, at once, on open connections too'),
  )
    .argument('<who>', 'spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT, or the serial number of a certificate')
    .option('--why <text>', 'for whoever finds connections refused')
    .action(guarded(revoke));
  placeFlags(ca.command('restore').description('take a revocation back'))
    .argument('<who>', 'as weft ca revoked shows it')
    .action(guarded(restore));
}

function placeFlags(command: Command): Command {
  return clusterFlags(command)
    .option('--sandbox [name]', 'a sandbox of this machine instead of a cluster; no name: the only one')
    .option('--ca-dir <folder>', 'the folder of a control plane without a cluster')
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE);
}

function output(): Option {
  return new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text');
}

async function placeOf(flags: PlaceFlags): Promise<AuthorityPlace> {
  if (flags.caDir !== undefined) return folderPlace(flags.caDir);
  if (flags.sandbox === undefined)
    return clusterPlace(await connect(flags), flags.systemNamespace, flags.revision);
  const { attachSandbox } = await import('./proxies/which-sandbox.ts');
  const { SandboxFolder } = await import('../sandbox/index.ts');
  return folderPlace(join(new SandboxFolder(attachSandbox(flags.sandbox).name).keys, 'ca'));
}

/** Every proxy of the mesh; nobody can be asked where there is but a folder. */
async function identities(flags: PlaceFlags): Promise<readonly ProxyIdentity[]> {
  if (flags.caDir !== undefined) return [];
  const mesh = await openMesh(flags);
  const pods = (await choosePods(mesh, {})).filter(({ phase }) => phase === 'Running');
  return proxyIdentities(mesh, pods);
}

async function status(flags: PlaceFlags & { readonly output: string }): Promise<void> {
  const place = await placeOf(flags);
  const { inForce } = place;
  const [authority, list, proxies] = await Promise.all([
    inForce?.isElsewhere ? inForce : place.read(),
    place.revoked(),
    identities(flags),
  ]);
  const found =
    'parts' in authority
      ? ownStatus({ where: place.name, record: authority, inForce, list, proxies }, systemClock)
      : elsewhereStatus(authority, list, proxies);
  print(flags.output === 'json' ? JSON.stringify(found, undefined, 2) : statusText(found, screenOf()));
  if (found.problems.some(({ severity }) => severity === 'error')) process.exitCode = 1;
}

async function bundle(flags: PlaceFlags): Promise<void> {
  const { parts } = await (await placeOf(flags)).read();
  process.stdout.write(formatBundle(splitRoots(parts.roots), 60_000));
}

async function rotateCommand(flags: RotateFlags): Promise<void> {
  const waitMs = parseDurationMs(flags.wait);
  if (waitMs === undefined) throw bad(`--wait '${flags.wait}' is no duration; write for example 10m`);
  const parts = {
    place: await placeOf(flags),
    proxies: () => identities(flags),
    clock: systemClock,
    say: print,
  };
  if (flags.back) return void (await rotateBack(parts));
  const to = flags.to === undefined ? undefined : await authorityIn(flags.to);
  const { trustDomain, all, force } = flags;
  const wish = { trustDomain, waitMs, ...(to && { to }), ...(all && { all }), ...(force && { force }) };
  await (flags.now ? replaceNow(parts, wish) : rotate(parts, wish));
}

/** Checked before anything is written. */
async function authorityIn(folder: string): Promise<AuthorityParts> {
  const record = await readAuthorityRecord(folder);
  if (record instanceof WeftError) throw record;
  const authority = CertificateAuthority.load(record.parts, systemClock);
  if (authority instanceof WeftError) throw authority;
  return record.parts;
}

async function issue(
  principal: string,
  flags: PlaceFlags & { readonly out: string; readonly lifetime: string; readonly dns?: string },
): Promise<void> {
  const identity = parseSpiffe(principal);
  if (!identity) throw bad(`'${principal}' is not of the form spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT`);
  const lifetimeMs = parseDurationMs(flags.lifetime);
  if (lifetimeMs === undefined)
    throw bad(`--lifetime '${flags.lifetime}' is no duration; write for example 24h`);
  const authority = CertificateAuthority.load((await (await placeOf(flags)).read()).parts, systemClock);
  if (authority instanceof WeftError) throw authority;
  const { keyPem, csrPem } = createKeyAndCsr();
  const dnsNames = flags.dns?.split(',').map(each => each.trim()) ?? [];
  const signed = authority.sign(csrPem, identity, { lifetimeMs, dnsNames });
  if (signed instanceof WeftError) throw signed;
  try {
    mkdirSync(flags.out, { recursive: true });
    writeFileSync(join(flags.out, 'tls.key'), keyPem, { mode: 0o600 });
    writeFileSync(join(flags.out, 'tls.crt'), signed.chainPem);
    writeFileSync(join(flags.out, 'ca.crt'), authority.roots.join(''));
  } catch (thrown) {
    throw bad(
      `nothing can be written to ${flags.out} (${errorMessage(thrown)}); name another folder with --out`,
    );
  }
  const until = new Date(signed.notAfterMs).toISOString();
  print(`${flags.out}: a certificate of ${principal}, serial ${signed.serial}, good until ${until}`);
}

async function inspectCommand(file: string | undefined, flags: { readonly output: string }): Promise<void> {
  let pem: string;
  try {
    pem = file === undefined || file === '-' ? await text(process.stdin) : readFileSync(file, 'utf8');
  } catch (thrown) {
    throw bad(`${file} cannot be read (${errorMessage(thrown)}); name a PEM file`);
  }
  const found = inspect(pem, systemClock.now());
  print(flags.output === 'json' ? JSON.stringify(found, undefined, 2) : inspectText(found));
}

async function revoked(flags: PlaceFlags & { readonly output: string }): Promise<void> {
  const list = await (await placeOf(flags)).revoked();
  print(
    flags.output === 'json' ? JSON.stringify(list, undefined, 2) : revokedLines(list, screenOf()).join('\n'),
  );
}

async function revoke(who: string, flags: PlaceFlags & { readonly why?: string }): Promise<void> {
  const place = await placeOf(flags);
  const entry = entryOf(who);
  const others = (await place.revoked()).filter(each => !isSame(each, entry));
  const why = flags.why === undefined ? {} : { why: flags.why };
  await place.revoke([...others, { ...entry, ...why, at: new Date(systemClock.now()).toISOString() }]);
  print(`${who} is revoked: proxies refuse it within seconds; weft ca restore takes that back`);
}

async function restore(who: string, flags: PlaceFlags): Promise<void> {
  const place = await placeOf(flags);
  const entry = entryOf(who);
  const list = await place.revoked();
  const left = list.filter(each => !isSame(each, entry));
  if (left.length === list.length) throw bad(`${who} is not revoked; weft ca revoked lists who is`);
  await place.revoke(left);
  print(`${who} is revoked no more`);
}

function entryOf(who: string): { readonly principal: string } | { readonly serial: string } {
  if (parseSpiffe(who)) return { principal: who };
  const serial = who.replaceAll(':', '').toUpperCase();
  if (/^[0-9A-F]{1,40}$/.test(serial)) return { serial };
  throw bad(`'${who}' is neither spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT nor a serial number in hexadecimal`);
}

function isSame(
  one: { readonly principal?: string; readonly serial?: string },
  other: { readonly principal?: string; readonly serial?: string },
): boolean {
  return one.principal === other.principal && one.serial === other.serial;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function bad(why: string): WeftError {
  return new WeftError('bad-configuration', why, { source: 'config' });
}
