// The dashboard inside the control plane: what it is told of the mesh, and whom it asks for figures.
import { basename, dirname } from 'node:path';
import type { InjectorConfig } from '../config/injector-config.ts';
import { VERSION } from '../config/version.ts';
import {
  type AskProxies,
  Gatherer,
  type Known,
  MeshSource,
  type PageProxy,
  type PeerListener,
  PeerProxies,
  type PeerQuestion,
  PROXIES_PATH,
  proxyOf,
} from '../dashboard/index.ts';
import { askPeer, type LiveLine, type LivePlace } from '../live/api/index.ts';
import { emptyMesh, type Problem } from '../model/index.ts';
import { kindOf, type Stored } from '../registry/index.ts';
import type { Clock } from '../time/index.ts';
import { objectStatuses, policyKinds } from '../translate/index.ts';
import type { InjectorParts } from './injector-view.ts';
import { MeshFindings } from './mesh-findings.ts';

/** Where the figures of a replica's proxies are. */
export const FIGURES_PATH = '/live/figures';

/** A replica that does not tell its proxies in this time is taken for gone. */
const proxiesMs = 10_000;

/** For how long proxies go on being asked when the last page has closed. */
const graceMs = { sandbox: 900_000, cluster: 60_000 } as const;

/** What the dashboard needs beside the parts of the control plane. */
export interface DashboardPlace {
  readonly config: InjectorConfig;
  readonly clock: Clock;
  /** Everything wrong with what the control plane works with. */
  readonly problems: () => readonly Problem[];
}

/** Asks nobody and works nothing out before somebody looks. The parts may come later. */
export function dashboardSource(
  parts: InjectorParts,
  { live, peers, replica }: LivePlace,
  { config, clock, problems }: DashboardPlace,
): MeshSource {
  const { trustDomain, clusterDomain } = config;
  const nothing = emptyMesh(trustDomain, clusterDomain);
  const mesh = (): Known['mesh'] => parts.pipeline?.mesh ?? nothing;
  const kind = config.source === 'kubernetes' ? 'cluster' : 'sandbox';
  const gatherer = new Gatherer({
    ...{ live, mesh, clock, graceMs: graceMs[kind] },
    peers: () => peerQuestion(peers),
  });
  const findings = new MeshFindings(clock);
  const others = new PeerProxies(() => peerProxies(peers), clock);
  const named = peers === undefined ? undefined : replica;
  const proxies = (): readonly PageProxy[] =>
    (parts.server?.status() ?? []).map(each => proxyOf(each, named));
  const known = (): Known => {
    const { pipeline, live: authority } = parts;
    const all = problems();
    const objects = pipeline ? policyKinds.flatMap(each => [...pipeline.registry.list(each)]) : [];
    const everything = (): readonly Stored[] =>
      pipeline ? Object.keys(pipeline.counts()).flatMap(each => [...pipeline.registry.list(each)]) : [];
    const isPolicy = (kind: string, apiVersion: string): boolean =>
      policyKinds.includes(kindOf(apiVersion, kind));
    return {
      place: { kind, name: nameOf(config), weft: VERSION },
      mesh: mesh(),
      statuses: objectStatuses({ objects, problems: all, mesh: mesh() }),
      problems: all,
      findings: findings.of(mesh(), all, everything, isPolicy),
      proxies: proxies(),
      others: others.all,
      certificates: (authority?.expiries() ?? []).map(({ role, notAfterMs }) => ({
        name: role,
        notAfterMs,
      })),
      objects: pipeline?.counts() ?? {},
    };
  };
  return new MeshSource({ known, proxies, gatherer, clock });
}

/** A sandbox's objects are in a folder of the folder that has its name. */
function nameOf({ source, files, trustDomain }: InjectorConfig): string {
  return source === 'kubernetes' ? trustDomain : basename(dirname(files));
}

function peerQuestion(place: LivePlace['peers']): PeerQuestion {
  const found = place?.();
  if (!found) return new Map();
  const ask = (peer: (typeof found.peers)[number]) => (listener: PeerListener, signal: AbortSignal) => {
    const line = (text: string): void => {
      const said = JSON.parse(text) as LiveLine;
      if (said.type === 'said') listener.said(said.pod, said.items);
      else if (said.type === 'begin') listener.began(said.proxies);
    };
    askPeer(peer, FIGURES_PATH, found.credentials, line, () => listener.over(), signal);
  };
  return new Map(found.peers.map(peer => [peer.name, ask(peer)]));
}

/** Asks each other replica for the proxies that are connected to it. */
function peerProxies(place: LivePlace['peers']): ReadonlyMap<string, AskProxies> {
  const found = place?.();
  if (!found) return new Map();
  const ask = (peer: (typeof found.peers)[number]): AskProxies => {
    return (line, over) =>
      askPeer(peer, PROXIES_PATH, found.credentials, line, over, AbortSignal.timeout(proxiesMs));
  };
  return new Map(found.peers.map(peer => [peer.name, ask(peer)]));
}
