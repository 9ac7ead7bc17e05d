/** One kind of request among those of a plan. */
export interface Target {
  readonly method: string;
  /** `{n}` becomes 1 to 5 in turn. `grpc://host:port/package.Service/Method?name=value` is a gRPC call, see grpc-sender.ts. */
  readonly url: string;
  /** Its share is weight / sum of weights; at least 1. */
  readonly weight: number;
}

/** What to send. At least one of `count` and `durationMs` ends it, else it goes on until it is stopped. */
export interface Plan {
  readonly targets: readonly Target[];
  /**
   * `open`: `ratePerSecond` requests a second whatever the answers do, latency counted from when the request was due.
   * `closed`: `concurrency` clients, each sends the next when it has the answer.
   */
  readonly mode: 'open' | 'closed';
  readonly ratePerSecond: number;
  /** Open mode: the most requests in flight; those due beyond are skipped and counted. */
  readonly concurrency: number;
  readonly count?: number;
  readonly durationMs?: number;
  readonly timeoutMs: number;
}

/** Reads a plan from JSON; fields left out get `open`, 50 a second, 8 clients (closed) or 512 in flight (open), 10 s. */
export function parsePlan(json: unknown): Plan | { readonly problem: string } {
  if (typeof json !== 'object' || json === null) return { problem: 'a plan is a JSON object' };
  const given = json as Record<string, unknown>;
  if (!Array.isArray(given.targets) || given.targets.length === 0) {
    return { problem: 'targets: at least one { method, url, weight } is needed' };
  }
  const targets: Target[] = [];
  for (const [index, target] of (given.targets as Record<string, unknown>[]).entries()) {
    const { method = 'GET', url, weight = 1 } = target;
    if (typeof url !== 'string' || !/^(http|grpc):\/\//.test(url)) {
      return { problem: `targets[${index}].url: an http:// or grpc:// address is needed` };
    }
    if (typeof method !== 'string' || typeof weight !== 'number' || !Number.isInteger(weight) || weight < 1) {
      return { problem: `targets[${index}]: method is a string, weight a whole number of at least 1` };
    }
    targets.push({ method, url, weight });
  }
  const mode = given.mode === 'closed' ? 'closed' : 'open';
  const number = (name: string, otherwise: number) =>
    typeof given[name] === 'number' && given[name] > 0 ? given[name] : otherwise;
  const count = number('count', 0);
  const durationMs = number('durationMs', 0);
  return {
    targets,
    mode,
    ratePerSecond: number('ratePerSecond', 50),
    concurrency: number('concurrency', mode === 'closed' ? 8 : 512),
    timeoutMs: number('timeoutMs', 10_000),
    ...(count > 0 ? { count } : {}),
    ...(durationMs > 0 ? { durationMs } : {}),
  };
}

/** The order in which targets are used, one full round; spread evenly (smooth weighted round robin). */
export function rotation(targets: readonly Target[]): readonly Target[] {
  const total = targets.reduce((sum, target) => sum + target.weight, 0);
  const credit = targets.map(() => 0);
  return Array.from({ length: total }, () => {
    let best = 0;
    for (const [index, target] of targets.entries()) {
      credit[index]! += target.weight;
      if (credit[index]! > credit[best]!) best = index;
    }
    credit[best]! -= total;
    return targets[best]!;
  });
}
