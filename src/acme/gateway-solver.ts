import { createHash } from 'node:crypto';
import { WeftError } from '../errors/index.ts';
import { CHALLENGES_SECRET } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { type Challenge, servedOf } from './challenge.ts';
import { callDnsWebhook, type DnsWebhook } from './dns-webhook.ts';
import type { ChallengeSolver } from './order.ts';
import { pause } from './pause.ts';
import type { SecretStore } from './secret-store.interface.ts';

/** What challenges are shown with. */
export interface SolverParts {
  readonly store: SecretStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long it takes until every gateway has read a Secret. */
  readonly spreadMs: number;
}

/** Shows challenges of one certificate by a Secret beside it, which every gateway of its namespace serves. */
export function gatewaySolver(
  { store, clock, signal, spreadMs }: SolverParts,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): ChallengeSolver {
  const secret = challengesName(name);
  return {
    async present(challenges) {
      const served = challenges.flatMap(each => servedOf(each, clock.now()) ?? []);
      const data = { [CHALLENGES_SECRET.key]: JSON.stringify(served) };
      const written = await put(store, namespace, secret, data);
      if (written === undefined) await pause(clock, spreadMs, signal);
      return written;
    },
    async cleanUp() {
      await store.remove(namespace, secret);
    },
  };
}

/** What an attempt that was broken off has left there goes. */
async function put(
  store: SecretStore,
  namespace: string,
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<WeftError | undefined> {
  const before = await store.read(namespace, name);
  if (before instanceof WeftError) return before;
  const secret = { type: CHALLENGES_SECRET.type, labels: {}, annotations: {}, data };
  return store.write(namespace, name, secret, before?.version);
}

function challengesName(certificate: string): string {
  const name = `weft-acme-${certificate}`;
  if (name.length <= 250) return name;
  return `weft-acme-${createHash('sha256').update(certificate).digest('hex')}`;
}

/** Shows challenges in DNS. */
export function dnsSolver(
  webhook: DnsWebhook,
  { clock, signal }: Pick<SolverParts, 'clock' | 'signal'>,
): ChallengeSolver {
  return {
    async present(challenges: readonly Challenge[]) {
      let waitMs = 0;
      for (const each of challenges) {
        const answer = await callDnsWebhook(webhook, 'present', each);
        if (answer instanceof WeftError) return answer;
        waitMs = Math.max(waitMs, answer);
      }
      if (waitMs > 0) await pause(clock, waitMs, signal);
      return undefined;
    },
    async cleanUp(challenges) {
      for (const each of challenges) await callDnsWebhook(webhook, 'cleanup', each);
    },
  };
}
