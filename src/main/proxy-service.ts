// What systemd hears of a proxy that it runs on a machine, with Type=notify.
import { errorMessage } from '../errors/index.ts';
import type { ServiceManager } from '../service-manager/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

const lookMs = 100;

/** What is told, for as long as the process runs. */
export interface ToldService {
  stopping(): void;
}

/**
 * Tells whoever is at NOTIFY_SOCKET when the proxy is ready, and until then what it waits for. Undefined where nobody wants to
 * know. The variable goes, so that no child of the proxy speaks for it.
 */
export async function tellService(
  notReady: () => string | undefined,
  clock: Clock,
  log: Log,
): Promise<ToldService | undefined> {
  const address = process.env.NOTIFY_SOCKET;
  if (address === undefined) return undefined;
  delete process.env.NOTIFY_SOCKET;
  const manager = await openManager(address, log);
  if (!manager) return undefined;
  let told = '';
  const look = (): void => {
    const waitsFor = notReady();
    const state =
      waitsFor === undefined ? 'READY=1\nSTATUS=carries traffic' : `STATUS=${waitsFor.replaceAll('\n', ' ')}`;
    if (state !== told && !manager.tell(state))
      log.warn({ address }, 'the service manager cannot be told of this process');
    told = state;
    if (waitsFor === undefined) stop();
  };
  const stop = clock.every(lookMs, look);
  return {
    stopping() {
      stop();
      manager.tell('STOPPING=1\nSTATUS=draining');
    },
  };
}

async function openManager(address: string, log: Log): Promise<ServiceManager | undefined> {
  try {
    return (await import('../service-manager/index.ts')).serviceManager(address);
  } catch (thrown) {
    log.warn({ address, why: errorMessage(thrown) }, 'the service manager cannot be told of this process');
    return undefined;
  }
}
