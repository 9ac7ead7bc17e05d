// Active health checks: endpoints are asked every so often whether they are well, and those that are not get nothing.

import { readFileSync } from 'node:fs';
import { type RequestOptions, request as requestHttp } from 'node:http';
import { errorMessage, guarded } from '../errors/index.ts';
import { formatAddress, type HealthCheck } from '../model/index.ts';
import { probeGrpc, probeTcp } from '../probing/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { endpointKey, type FoundEndpoint } from './found.ts';

/** Asks one endpoint; why it is not well, or undefined. */
export type Probe = (endpoint: FoundEndpoint) => Promise<string | undefined>;

interface Checked {
  endpoint: FoundEndpoint;
  healthy: boolean;
  /** Answers in a row that speak against what `healthy` says. */
  against: number;
  why: string | undefined;
  cancel: Cancel;
}

/** Checks of one upstream's endpoints. Who has not been asked yet is taken for well: discovery has just said so. */
export class HealthChecker {
  readonly #check: HealthCheck;
  readonly #clock: Clock;
  readonly #probe: Probe;
  readonly #changed: () => void;
  readonly #known = new Map<string, Checked>();

  constructor(check: HealthCheck, clock: Clock, changed: () => void, probe: Probe = probeOf(check)) {
    this.#check = check;
    this.#clock = clock;
    this.#probe = probe;
    this.#changed = changed;
  }

  /** These are the endpoints now; the checks of others end. */
  set(endpoints: readonly FoundEndpoint[]): void {
    const wanted = new Map(endpoints.map(each => [endpointKey(each), each]));
    for (const [key, checked] of this.#known) {
      if (wanted.has(key)) continue;
      checked.cancel();
      this.#known.delete(key);
    }
    for (const [key, endpoint] of wanted) {
      const known = this.#known.get(key);
      if (known) known.endpoint = endpoint;
      else this.#begin(key, endpoint);
    }
  }

  isHealthy(endpoint: FoundEndpoint): boolean {
    return this.#known.get(endpointKey(endpoint))?.healthy ?? true;
  }

  /** Why the endpoint is not well; undefined where it is. */
  why(endpoint: FoundEndpoint): string | undefined {
    const known = this.#known.get(endpointKey(endpoint));
    return known?.healthy === false ? known.why : undefined;
  }

  close(): void {
    this.set([]);
  }

  #begin(key: string, endpoint: FoundEndpoint): void {
    const checked: Checked = { endpoint, healthy: true, against: 0, why: undefined, cancel() {} };
    this.#known.set(key, checked);
    this.#ask(key, checked);
  }

  #ask(key: string, checked: Checked): void {
    void this.#probe(checked.endpoint).then(
      guarded('upstreams.health', (why: string | undefined) => {
        if (this.#known.get(key) !== checked) return;
        this.#heard(checked, why);
        checked.cancel = this.#clock.after(this.#check.intervalMs, () => this.#ask(key, checked));
      }),
    );
  }

  #heard(checked: Checked, why: string | undefined): void {
    const well = why === undefined;
    if (!well) checked.why = why;
    if (well === checked.healthy) {
      checked.against = 0;
      return;
    }
    checked.against++;
    const { healthyThreshold, unhealthyThreshold } = this.#check;
    if (checked.against < (well ? healthyThreshold : unhealthyThreshold)) return;
    checked.against = 0;
    checked.healthy = well;
    this.#changed();
  }
}

/** How an endpoint is asked. */
export function probeOf({ probe, timeoutMs, tls }: HealthCheck): Probe {
  switch (probe.kind) {
    case 'tcp':
      return ({ address, port }) => probeTcp(port, { host: address }, timeoutMs);
    case 'grpc':
      return ({ address, port }) =>
        probeGrpc(
          { port, service: probe.service },
          { host: address },
          { timeoutMs, userAgent: 'weft-health' },
        );
    case 'http':
      return endpoint => probeHttp(endpoint, probe, timeoutMs, tls);
  }
}

async function probeHttp(
  { address, port }: FoundEndpoint,
  { path, host, statuses }: Extract<HealthCheck['probe'], { kind: 'http' }>,
  timeoutMs: number,
  tls: HealthCheck['tls'],
): Promise<string | undefined> {
  const where = `GET ${path} of ${formatAddress(address, port)}`;
  try {
    const status = await statusOf(
      {
        host: address,
        port,
        path,
        headers: {
          host: host ?? formatAddress(address, port),
          'user-agent': 'weft-health',
          connection: 'close',
        },
      },
      timeoutMs,
      tls,
    );
    if (statuses.some(({ min, max }) => status >= min && status <= max)) return undefined;
    return `${where} answered ${status}`;
  } catch (error) {
    return `${where}: ${errorMessage(error)}`;
  }
}

/** The status of an answer; its body is left unread. Rejects where there is none in time. */
async function statusOf(
  options: RequestOptions,
  timeoutMs: number,
  tls: HealthCheck['tls'],
): Promise<number> {
  const ask = tls ? (await import('node:https')).request : requestHttp;
  // Read each time, because certificates are renewed.
  const secure = tls && {
    rejectUnauthorized: !tls.insecureSkipVerify,
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
    ...(tls.caFile !== undefined && { ca: readFileSync(tls.caFile) }),
    ...(tls.certificateFile !== undefined && { cert: readFileSync(tls.certificateFile) }),
    ...(tls.keyFile !== undefined && { key: readFileSync(tls.keyFile) }),
  };
  return new Promise((resolve, reject) => {
    const asked = ask({ ...options, ...secure, agent: false });
    const timer = setTimeout(() => asked.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    asked.on('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    asked.on('response', answer => {
      clearTimeout(timer);
      answer.on('error', () => {});
      resolve(answer.statusCode ?? 0);
      asked.destroy();
    });
    asked.end();
  });
}
