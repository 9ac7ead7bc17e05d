import type { Exchange } from '../exchange/exchange.ts';
import type { ExchangeHost } from '../exchange/exchange-host.ts';
import type { Services } from '../services/services.ts';
import type { MalformedFault, MalformedFlag } from './serving.interface.ts';

/**
 * Counts, logs and shows what was no request. `exchange`: of the stream that it came on, where there is one; `id`: what the
 * answer names it by.
 */
export function noteMalformed(
  services: Services,
  host: ExchangeHost,
  protocol: 'HTTP/1' | 'HTTP/2',
  exchange: Exchange | undefined,
  fault: MalformedFault,
  flag: MalformedFlag,
  id: string,
): void {
  const { counters, log, accessLog, observers, clock } = services;
  const { direction, downstream, principal } = host;
  if (flag === 'DPE') counters.malformed.add(`direction="${direction}",fault="${fault.code}"`);
  // The exchange that breaks off because of it counts and logs itself.
  if (exchange?.onMalformedBody(fault.status) === true) return;
  const series = host.metrics(undefined, undefined, undefined).series(fault.status, flag);
  series.requests++;
  series.touchedMs = clock.monotonic();
  log.debug(
    { direction, downstream, fault: fault.code },
    flag === 'DPE' ? 'refused a malformed request' : 'gave up a request for want of memory',
  );
  if (observers.watching)
    observers.refusal({
      direction,
      downstream,
      principal,
      port: 0,
      wanted: '',
      reason: `malformed:${fault.code}`,
      flag,
      detail: fault.words,
      status: fault.status,
      id,
      atMs: clock.monotonic(),
    });
  if (!accessLog.wants(fault.status, flag)) return;
  accessLog.write({
    direction,
    protocol,
    status: fault.status,
    flag,
    detail: fault.words,
    durationMs: 0,
    receivedBytes: 0,
    sentBytes: 0,
    downstream,
    upstream: '',
    cluster: '',
    peer: principal,
    requestId: id,
    attempts: 0,
  });
}
