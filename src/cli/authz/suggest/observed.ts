// What was observed, added up: who called whom, how often, at which port, with what.
import type { Observation } from './observation.ts';

/** Requests for one path. */
export interface SeenPath {
  served: number;
  absent: number;
}

/** What one caller sent to one port. */
export class SeenPort {
  connections = 0;
  /** Paths by method. */
  readonly methods = new Map<string, Map<string, SeenPath>>();
  /** Whether there were more paths than are kept. */
  overflown = false;
}

/** What one identity sent. */
export class SeenCaller {
  readonly ports = new Map<number, SeenPort>();
  requests = 0;
  connections = 0;
  /** What metrics have beside: how often, and nothing else. */
  counted = 0;
}

/** What one workload got. */
export class SeenCallee {
  /** By SPIFFE id. */
  readonly callers = new Map<string, SeenCaller>();
  /** Who spoke plaintext: requests and connections by address. */
  readonly plaintext = new Map<string, number>();
  /** What metrics have of plaintext, whoever it was. */
  plaintextCounted = 0;
  requests = 0;
  connections = 0;
  refused = 0;
}

/** Of one caller, port and method; clients choose their paths. */
const mostPaths = 2_000;

/** Adds up. Bounded by what a caller may make of it: paths beyond a number are no longer told apart. */
export class Observed {
  /** By `namespace/workload`. */
  readonly callees = new Map<string, SeenCallee>();
  #requests = 0;
  #connections = 0;

  get requests(): number {
    return this.#requests;
  }

  get connections(): number {
    return this.#connections;
  }

  /** `callee`: as the mesh has it. */
  add(callee: string, seen: Observation): void {
    const called = this.#callee(callee);
    if (seen.outcome === 'refused') {
      called.refused++;
      return;
    }
    const isConnection = seen.protocol === 'tcp';
    if (isConnection) {
      called.connections++;
      this.#connections++;
    } else {
      called.requests++;
      this.#requests++;
    }
    if (seen.caller === '') {
      called.plaintext.set(seen.address, (called.plaintext.get(seen.address) ?? 0) + 1);
      return;
    }
    const caller = callerOf(called, seen.caller);
    const port = caller.ports.get(seen.port) ?? new SeenPort();
    caller.ports.set(seen.port, port);
    if (isConnection) {
      caller.connections++;
      port.connections++;
      return;
    }
    caller.requests++;
    const paths = port.methods.get(seen.method) ?? new Map<string, SeenPath>();
    port.methods.set(seen.method, paths);
    const path = paths.get(seen.path);
    if (path) path[seen.outcome]++;
    else if (paths.size >= mostPaths) port.overflown = true;
    else paths.set(seen.path, { served: 0, absent: 0, [seen.outcome]: 1 });
  }

  /** What metrics say of a pair: so many requests or connections since its proxy started. `caller`: '' for plaintext. */
  count(callee: string, caller: string, times: number): void {
    const called = this.#callee(callee);
    if (caller === '') called.plaintextCounted += times;
    else callerOf(called, caller).counted += times;
  }

  #callee(name: string): SeenCallee {
    const known = this.callees.get(name);
    if (known) return known;
    const made = new SeenCallee();
    this.callees.set(name, made);
    return made;
  }
}

function callerOf(called: SeenCallee, principal: string): SeenCaller {
  const known = called.callers.get(principal);
  if (known) return known;
  const made = new SeenCaller();
  called.callers.set(principal, made);
  return made;
}
