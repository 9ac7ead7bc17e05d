import type { ProxyConfig } from '../config/proxy-config.ts';
import { isProbe, PROBE_ANSWER, probe } from '../redirect/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { OriginalDestination, Wire } from '../wire/index.ts';

/** Answers the self-test of the packet rules; everything else is traffic. */
export function interceptProbes(wire: Wire, wanted: OriginalDestination | undefined): boolean {
  if (wanted === undefined) return false;
  const remote = wire.remoteAddress()?.address?.replace(/^::ffff:/, '') ?? '';
  if (!isProbe({ host: wanted.address, port: wanted.port }, remote)) return false;
  const answer = Buffer.from(PROBE_ANSWER, 'latin1');
  wire.write(answer, 0, answer.length);
  wire.destroy();
  return true;
}

const retryMs = 1_000;
const recheckMs = 60_000;

/** What readiness wants to know of the packet rules. */
export interface Redirection {
  notReady(): string | undefined;
  status(): string;
}

/**
 * Tests now and then whether traffic is redirected indeed: a pod whose redirection is missing bypasses the mesh and must not be
 * Ready. `waits`: connections wait on purpose, so that a test which is not answered says nothing.
 */
export function watchRedirection(
  config: ProxyConfig,
  clock: Clock,
  log: Log,
  waits: () => boolean,
): Redirection {
  const [address] = config.pod.addresses;
  if (!config.redirected) return { notReady: () => undefined, status: () => 'off (--no-redirect)' };
  if (address === undefined)
    return { notReady: () => undefined, status: () => 'not tested: POD_IPS is not set' };
  let state: 'untested' | 'in place' | 'missing' = 'untested';
  let why = '';
  const look = async (): Promise<void> => {
    const found = await probe(address);
    if (found !== undefined && waits()) {
      clock.after(retryMs, () => void look());
      return;
    }
    const next = found === undefined ? 'in place' : 'missing';
    if (next !== state && found !== undefined) log.error({ code: found.code }, found.message);
    else if (next !== state) log.info({ address }, 'traffic of this pod is redirected to the proxy');
    state = next;
    why = found?.message ?? '';
    clock.after(found === undefined ? recheckMs : retryMs, () => void look());
  };
  void look();
  return {
    notReady: () =>
      state === 'in place' ? undefined : state === 'untested' ? 'the redirection is being tested' : why,
    status: () => (why === '' ? state : `${state}: ${why}`),
  };
}
