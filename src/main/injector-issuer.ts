// An authority whose key is elsewhere: Vault's PKI, or an issuer of cert-manager. Loaded only where --issuer names one.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { kubeApiOf } from '../../webhook/index.ts';
import {
  type Authority,
  CertManagerIssuer,
  type CertManagerOptions,
  jsonClient,
  RemoteAuthority,
  type RemoteIssuer,
  type RevocationList,
  removeLeftovers,
  VaultIssuer,
} from '../ca/index.ts';
import { type IssuerSettings, parseIssuerSettings, type VaultSettings } from '../config/issuer-settings.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import { formatSpiffe, type Problem, problem } from '../model/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';

/** How often the file of `trustAlso` is read. */
const rootsEveryMs = 5_000;
/** How often requests to cert-manager are looked for that nobody follows any more. */
const leftoversEveryMs = 10 * 60_000;

/** Waits for the issuer; undefined when it was told to stop before. Rejects with a WeftError `issuer-settings`. */
export async function openRemoteAuthority(
  client: KubeClient | undefined,
  around: Surroundings,
  view: InjectorView,
  revocations: RevocationList,
): Promise<Authority | undefined> {
  const { config, clock, log, signal } = around;
  const settings = await readSettings(config.issuerFile);
  const issuer = issuerOf(settings, client, around);
  let waiting: readonly Problem[] = [];
  view.own.push(() => waiting);
  view.waitsFor = () => waiting[0]?.message ?? `${issuer.name} is asked for its roots`;
  const authority = await RemoteAuthority.open({ issuer, clock, signal }, ({ code, message }) => {
    if (waiting.length === 0) log.warn({ issuer: issuer.name, code }, message);
    waiting = [problem(code, `${issuer.name}: ${message}`)];
  });
  waiting = [];
  if (!authority) return undefined;
  if (client) {
    const { namespace } = config;
    const { followBundle, followRevocations } = await import('../control-plane/index.ts');
    followBundle({ client, clock, namespace }, authority, signal);
    followRevocations({ client, clock, namespace }, revocations, signal);
  }
  if (settings.trustAlso !== undefined) await followRoots(settings.trustAlso, authority, around);
  return authority;
}

/** Until the file can be read again what it said before stays. */
async function followRoots(
  file: string,
  authority: Authority,
  { clock, log, signal }: Surroundings,
): Promise<void> {
  let told = false;
  const look = async (): Promise<void> => {
    try {
      authority.trustAlso([await readFile(file, 'utf8')]);
      told = false;
    } catch (thrown) {
      if (!told) log.warn({ file }, `the roots of trustAlso cannot be read: ${errorMessage(thrown)}`);
      told = true;
    }
  };
  await look();
  signal.addEventListener(
    'abort',
    clock.every(rootsEveryMs, () => void look()),
    { once: true },
  );
}

async function readSettings(file: string): Promise<IssuerSettings> {
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => {
    const why = `the issuer of ${file} cannot be read (${errorMessage(thrown)}); name a file with --issuer`;
    throw new WeftError('issuer-settings', why, { source: 'config' });
  });
  const settings = parseIssuerSettings(text, file);
  if (settings instanceof WeftError) throw settings;
  return settings;
}

function issuerOf(
  settings: IssuerSettings,
  client: KubeClient | undefined,
  around: Surroundings,
): RemoteIssuer {
  const { config, clock } = around;
  if (settings.kind === 'vault') return vaultIssuer(settings, clock);
  if (!client) {
    const why = `the issuer of ${config.issuerFile} is cert-manager's, which takes a cluster; run with --source kubernetes, or name Vault`;
    throw new WeftError('issuer-settings', why, { source: 'config' });
  }
  const { rootsFile } = settings;
  const options: CertManagerOptions = {
    request: kubeApiOf(client).request,
    namespace: config.namespace,
    issuer: settings.issuer,
    own: formatSpiffe(config.identity),
    clock,
    ...(rootsFile !== undefined && { roots: () => readFile(rootsFile, 'utf8') }),
  };
  followLeftovers(options, around);
  return new CertManagerIssuer(options);
}

/** What cannot be removed burdens the API server and nothing else: it is told once, and signing goes on. */
function followLeftovers(options: CertManagerOptions, { clock, log, signal }: Surroundings): void {
  let told = '';
  const look = async (): Promise<void> => {
    const removed = await removeLeftovers(options).catch(
      (thrown: unknown) => new WeftError('issuer-cleanup', errorMessage(thrown), { source: 'internal' }),
    );
    const trouble = removed instanceof WeftError ? removed.message : '';
    if (removed instanceof WeftError && trouble !== told) log.warn({ code: removed.code }, trouble);
    else if (removed !== 0 && trouble === '')
      log.info({ removed }, 'deleted CertificateRequests that were left behind');
    told = trouble;
  };
  void look();
  signal.addEventListener(
    'abort',
    clock.every(leftoversEveryMs, () => void look()),
    { once: true },
  );
}

/** Vault's PKI by these settings. */
export function vaultIssuer(
  { address, mount, role, auth, caFile }: VaultSettings,
  clock: Surroundings['clock'],
): RemoteIssuer {
  const token = (): Promise<string> => readFile(auth.tokenFile, 'utf8');
  const ca = caFile === undefined ? undefined : () => readFileSync(caFile, 'utf8');
  return new VaultIssuer({
    ...{ address, mount, role, clock, call: jsonClient(address, ca) },
    auth: auth.kind === 'token' ? { kind: 'token', token } : { ...auth, token },
  });
}
