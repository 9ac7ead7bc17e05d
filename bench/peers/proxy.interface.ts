import type { Running } from '../processes.ts';
import type { Stage } from '../stage.ts';

/** What a proxy has to do. */
export interface Job {
  /**
   * What it carries. `websocket` is HTTP that becomes opaque; `http2` is HTTP/2 on every leg, without TLS by prior knowledge;
   * `udp`, through an edge alone, is datagrams.
   */
  readonly protocol: 'http' | 'http2' | 'websocket' | 'tcp' | 'udp';
  /** `hop`: client → proxy → backend, plaintext. `path`: client → proxy → mutual TLS → proxy → backend. */
  readonly topology: 'hop' | 'path';
  /** Of a hop: it is the way in. What clients speak, HTTP/1 to the backend, and X-Forwarded-For and -Proto are set. */
  readonly edge?: Edge;
  /** Port of the backend on loopback. */
  readonly backend: number;
  /** Rules in front of the route that is used, of which none matches; see `rulesOf`. */
  readonly rules?: number;
  /** Tokens are verified and twenty rules say who may call: see policies.ts. Of a path, at its receiving end. */
  readonly policies?: boolean;
  /** Connections that must be possible at once; 4096 unless said. */
  readonly connections?: number;
}

/** What clients of an edge speak; in clear without `tls`, else with a certificate that has such a key. */
export interface Edge {
  readonly clients: 'http1' | 'http2' | 'udp';
  readonly tls?: 'ecdsa' | 'rsa';
}

/** A proxy, or two, that carry traffic. */
export interface RunningPath {
  /** Where clients connect, on loopback. */
  readonly port: number;
  readonly programs: readonly Running[];
}

/** One of those that are compared. */
export interface MeasuredProxy {
  readonly name: string;
  readonly version: string;
  /** Its program; '' for Weft's own, which is bundled. */
  readonly command: string;
  /** Why it cannot do this job; undefined when it can. */
  cannot(job: Job): string | undefined;
  /** Starts its processes on the measured CPU. They are stopped with the stage. */
  start(job: Job, stage: Stage): Promise<RunningPath>;
}

/** A rule of a destination: both must hold. */
export interface Rule {
  readonly prefix: string;
  readonly header: string;
  readonly value: string;
}

/** The rules of a job: ten areas, each with rules for some tenants. */
export function rulesOf(job: Job): readonly Rule[] {
  return Array.from({ length: job.rules ?? 0 }, (_, index) => ({
    prefix: `/area-${index % 10}/`,
    header: 'x-tenant',
    value: `tenant-${index}`,
  }));
}

/** A request that every rule must be looked at for: a tenth of them agree on the path, none on the header. */
export const MATCHES_NO_RULE = { path: '/area-7/items', header: 'x-tenant: tenant-none' } as const;
