// Keeps the caBundle of Weft's entries in the MutatingWebhookConfigurations of a revision, its own and those of its tags, equal
// to the roots of the mesh, so that the API server trusts the certificate that the webhook shows, also after a rotation. Writes
// nothing else, so that nobody else's tools (kubectl apply, Argo CD, Flux), which do not write this field, see a difference.
import { DEFAULT_REVISION, LABELS, revisionNames } from '../../src/config/index.ts';
import { errorMessage } from '../../src/errors/index.ts';
import { recordOf, recordsOf } from '../../src/plain/index.ts';
import type { Clock } from '../../src/time/index.ts';
import { isMap } from '../inject/pod.ts';
import { ENTRY_SUFFIX } from './entries.ts';
import { answerMessage, type KubeApi } from './kube-api.ts';
import type { WebhookLog } from './options.ts';

/** Dependencies of keepCaBundle. */
export interface CaBundleOptions {
  readonly api: KubeApi;
  readonly clock: Clock;
  readonly log: WebhookLog;
  readonly signal: AbortSignal;
  /** PEM of every root that is trusted now; asked for each time. */
  readonly roots: () => readonly string[];
  /** Whether this replica is the one that writes. */
  readonly leads: () => boolean;
  /** Whose configurations; the default's unless told. */
  readonly revision?: string;
  /** How often it looks; 30 s unless told. */
  readonly periodMs?: number;
}

/** How it stands. */
export type CaBundleState =
  /** Nobody has looked yet, or another replica leads. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'right'; readonly entries: number }
  | { readonly kind: 'missing' }
  | { readonly kind: 'failed'; readonly message: string };

/** A keeper at work. */
export interface CaBundleKeeper {
  readonly state: CaBundleState;
  /** Looks now: after a rotation of the roots, and on becoming the leader. Never rejects. */
  check(): Promise<CaBundleState>;
}

/** Starts to look, at once and then every period, until the signal aborts. */
export function keepCaBundle(options: CaBundleOptions): CaBundleKeeper {
  let state: CaBundleState = { kind: 'waiting' };
  let running: Promise<CaBundleState> | undefined;
  const look = async (): Promise<CaBundleState> => {
    const next = options.leads() ? await reconcile(options) : ({ kind: 'waiting' } as const);
    tell(state, next, options);
    state = next;
    return next;
  };
  const check = (): Promise<CaBundleState> => {
    running ??= look().finally(() => {
      running = undefined;
    });
    return running;
  };
  void check();
  const cancel = options.clock.every(options.periodMs ?? 30_000, () => void check());
  options.signal.addEventListener('abort', cancel, { once: true });
  return {
    get state() {
      return state;
    },
    check,
  };
}

function tell(before: CaBundleState, now: CaBundleState, { log, revision }: CaBundleOptions): void {
  const { injector: name } = revisionNames(revision);
  if (JSON.stringify(before) === JSON.stringify(now)) return;
  if (now.kind === 'missing') {
    log.warn(
      { configuration: name },
      'there is no webhook configuration, so no pod is injected; weft install prints it',
    );
  } else if (now.kind === 'failed') {
    log.error(
      { configuration: name, error: now.message },
      'the caBundle of the webhook configuration cannot be kept right',
    );
  } else if (now.kind === 'right') {
    log.info({ configuration: name, entries: now.entries }, 'the API server trusts the webhook');
  }
}

async function reconcile(options: CaBundleOptions): Promise<CaBundleState> {
  try {
    const own = await settle(options, revisionNames(options.revision).injector);
    let entries = own.kind === 'right' ? own.entries : 0;
    for (const name of await tagsOf(options)) {
      const state = await settle(options, name);
      if (state.kind === 'failed') return { ...state, message: `${name}: ${state.message}` };
      if (state.kind === 'right') entries += state.entries;
    }
    return own.kind === 'right' ? { kind: 'right', entries } : own;
  } catch (thrown) {
    return { kind: 'failed', message: errorMessage(thrown) };
  }
}

const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** Configurations by which tags of the revision are chosen. One that may not list them keeps its own. */
async function tagsOf({ api, revision = DEFAULT_REVISION }: CaBundleOptions): Promise<readonly string[]> {
  const query = { labelSelector: `${LABELS.revision}=${revision},${LABELS.tag}` };
  const { status, body } = await api.request({ method: 'GET', path, query, timeoutMs: 5_000 });
  if (status !== 200) return [];
  return recordsOf(recordOf(body).items).map(each => String(recordOf(each.metadata).name));
}

async function settle(options: CaBundleOptions, name: string): Promise<CaBundleState> {
  // Somebody else may write at the same moment; the second try sees what they wrote.
  for (let attempt = 0; attempt < 3; attempt++) {
    const state = await once(options, `${path}/${name}`);
    if (state !== 'conflict') return state;
  }
  return { kind: 'failed', message: 'somebody else keeps changing the configuration' };
}

async function once(
  { api, roots, revision = DEFAULT_REVISION }: CaBundleOptions,
  path: string,
): Promise<CaBundleState | 'conflict'> {
  const found = await api.request({ method: 'GET', path, timeoutMs: 5_000 });
  if (found.status === 404) return { kind: 'missing' };
  if (found.status !== 200 || !isMap(found.body)) return { kind: 'failed', message: answerMessage(found) };
  // The default's own may have become a tag of another revision, which then keeps it.
  const owner = recordOf(recordOf(found.body.metadata).labels)[LABELS.revision] ?? DEFAULT_REVISION;
  if (owner !== revision) return { kind: 'right', entries: 0 };
  const bundle = Buffer.from(roots().map(ended).join('')).toString('base64');
  const { patch, entries } = caBundlePatch(found.body, bundle);
  if (patch.length === 0) return { kind: 'right', entries };
  const contentType = 'application/json-patch+json';
  const answer = await api.request({ method: 'PATCH', path, contentType, body: patch, timeoutMs: 5_000 });
  if (answer.status === 409) return 'conflict';
  if (answer.status >= 300) return { kind: 'failed', message: answerMessage(answer) };
  return { kind: 'right', entries };
}

function ended(pem: string): string {
  return pem.endsWith('\n') ? pem : `${pem}\n`;
}

/**
 * The JSON Patch that gives every entry of Weft's the bundle (base64), with the version it was made for, so that it cannot
 * hit an entry that has moved since (the server then answers 409); empty when all have it.
 */
export function caBundlePatch(
  configuration: Record<string, unknown>,
  bundle: string,
): { readonly patch: readonly object[]; readonly entries: number } {
  const webhooks = Array.isArray(configuration.webhooks) ? configuration.webhooks : [];
  const patch: object[] = [];
  let entries = 0;
  for (const [index, webhook] of webhooks.entries()) {
    if (!isMap(webhook) || typeof webhook.name !== 'string' || !webhook.name.endsWith(ENTRY_SUFFIX)) continue;
    entries++;
    const client = isMap(webhook.clientConfig) ? webhook.clientConfig : {};
    if (client.caBundle === bundle) continue;
    patch.push({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: bundle });
  }
  if (patch.length === 0) return { patch, entries };
  const metadata = isMap(configuration.metadata) ? configuration.metadata : {};
  const version = { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion };
  return { patch: [version, ...patch], entries };
}
