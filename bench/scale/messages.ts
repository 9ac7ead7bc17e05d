// What the driver of the simulation and its processes of proxies tell each other, over Node's channel between processes.
import type { MeshSize } from './simulated-mesh.ts';

/** A proxy to start. */
export interface ProxyOrder {
  readonly service: number;
  readonly pod: string;
}

/** What the driver says. */
export type Order =
  | {
      readonly type: 'begin';
      readonly size: MeshSize;
      /** Of the replicas of the control plane. */
      readonly ports: readonly number[];
      readonly identity: string;
      readonly authority: string;
    }
  /** Starts these, this many a second; 0: all at once. */
  | { readonly type: 'start'; readonly proxies: readonly ProxyOrder[]; readonly perSecond: number }
  /** The pod is gone, and with it its proxy. */
  | { readonly type: 'stop'; readonly pods: readonly string[] }
  /** Answered with `figures`. From here on everything is counted anew where `anew`. */
  | { readonly type: 'report'; readonly anew: boolean };

/** When each proxy of a process heard of one thing, ms as nowMs gives them. */
export type Hearings = readonly (readonly [what: string, times: readonly number[]])[];

/** What a process of proxies says. */
export type Report =
  | { readonly type: 'ready' }
  | {
      readonly type: 'figures';
      readonly proxies: number;
      readonly synced: number;
      readonly messages: number;
      readonly bytes: number;
      /** What changed, by its mark or by `+address` and `-address`. */
      readonly heard: Hearings;
      /** How long each was out of sync that came back since the last count, ms. */
      readonly outages: readonly number[];
      /** Why connections were lost, and how often. */
      readonly lost: Readonly<Record<string, number>>;
    };
