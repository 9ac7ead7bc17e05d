import type { Peer } from '../model/index.ts';

/** What stands in the labels of series that there was no room for. */
export const OVERFLOW = 'overflow';

/** How many peers are told apart. */
export interface PeerLimits {
  /** Workloads (and their versions) of one identity. */
  readonly perPrincipal: number;
  readonly principals: number;
  /** A name that nobody has used for this long makes room for others. Milliseconds. */
  readonly expireMs: number;
}

export const DEFAULT_PEER_LIMITS: PeerLimits = { perPrincipal: 128, principals: 1000, expireMs: 3_600_000 };

// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and …/labels/: what names of objects and values of
// labels can be.
const objectName = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const labelValue = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
/** Names of workloads may be longer, as hardly any is; labels of metrics stand in seventy lines each. */
const longestName = 63;
const nameOr = (pattern: RegExp, text: string): string =>
  pattern.test(text) ? text.slice(0, longestName) : '';

interface Known {
  readonly peer: Peer;
  touchedMs: number;
}

/**
 * What callers say of themselves, held against what is known of them. A certificate proves who a peer is and in which namespace;
 * the names of its workload, app and version are its own word, and a workload that means harm says a new one with every
 * connection. So a name must be one that Kubernetes has, an identity has so many workloads and no more, and what is beyond that
 * is `overflow` under the identity that was proved. Peers that say the same are one object.
 */
export class PeerNames {
  readonly #limits: PeerLimits;
  readonly #known = new Map<string, Map<string, Known>>();
  #overflows = 0;

  constructor(limits: PeerLimits = DEFAULT_PEER_LIMITS) {
    this.#limits = limits;
  }

  /** Connections whose peer was not told apart. */
  get overflows(): number {
    return this.#overflows;
  }

  /** The peer as labels may name it. `said.principal` and `said.namespace` are taken from the certificate. */
  admit(said: Peer, nowMs: number): Peer {
    const workload = nameOr(objectName, said.workload);
    const app = nameOr(labelValue, said.app);
    const version = nameOr(labelValue, said.version);
    const key = `${workload}/${app}/${version}`;
    const ofPrincipal = this.#known.get(said.principal);
    const known = ofPrincipal?.get(key);
    if (known !== undefined) {
      known.touchedMs = nowMs;
      return known.peer;
    }
    const { perPrincipal, principals } = this.#limits;
    if (ofPrincipal === undefined && this.#known.size >= principals) {
      this.#overflows++;
      return overflowPeer(said.namespace === '' ? '' : OVERFLOW, OVERFLOW);
    }
    if (ofPrincipal !== undefined && ofPrincipal.size >= perPrincipal) {
      this.#overflows++;
      return overflowPeer(said.namespace, said.principal);
    }
    // The pod is no label; it would make one object of each.
    const peer: Peer = {
      workload,
      app,
      version,
      pod: '',
      namespace: said.namespace,
      principal: said.principal,
    };
    if (ofPrincipal === undefined)
      this.#known.set(said.principal, new Map([[key, { peer, touchedMs: nowMs }]]));
    else ofPrincipal.set(key, { peer, touchedMs: nowMs });
    return peer;
  }

  /** Forgets what nobody has said for too long: rollouts make new versions for ever. */
  expire(nowMs: number): void {
    for (const [principal, names] of this.#known) {
      for (const [key, { touchedMs }] of names)
        if (nowMs - touchedMs > this.#limits.expireMs) names.delete(key);
      if (names.size === 0) this.#known.delete(principal);
    }
  }
}

function overflowPeer(namespace: string, principal: string): Peer {
  return { workload: OVERFLOW, namespace, app: OVERFLOW, version: OVERFLOW, principal, pod: '' };
}
