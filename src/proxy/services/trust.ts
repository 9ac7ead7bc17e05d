/** Whose word counts. Which way a connection goes does not say: a gateway's clients are strangers, and its upstreams the mesh. */
export interface Trust {
  /**
   * `app`: this pod's own, whose failed calls count for the requests that it works on. `mesh`: whoever the port lets in; proxies
   * among them are told what proxies tell each other. `strangers`: told nothing of that.
   */
  readonly downstream: 'app' | 'mesh' | 'strangers';
  /**
   * `app`: this pod's own; what only a proxy may say is taken out of its answers. `mesh`: anybody; what a proxy says is believed
   * where mesh TLS proves that it is one.
   */
  readonly upstream: 'app' | 'mesh';
}

/** From others to the app of this pod. */
export const INBOUND_TRUST: Trust = { downstream: 'mesh', upstream: 'app' };

/** From clients outside to the mesh, through a gateway. */
export const GATEWAY_TRUST: Trust = { downstream: 'strangers', upstream: 'mesh' };

/** From the app of this pod to others. */
export const OUTBOUND_TRUST: Trust = { downstream: 'app', upstream: 'mesh' };
