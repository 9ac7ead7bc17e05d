// What is done to the simulated mesh, one function for each phase, and what it cost.
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../src/cluster/testing/random.ts';
import { cpuUs, mainThread, memory } from '../usage.ts';
import type { Replica } from './control-plane.ts';
import type { Fleets } from './fleets.ts';
import { nowMs } from './lean-proxy.ts';
import type { Happened, SimulatedCluster } from './simulated-cluster.ts';

/** What phases work with. */
export interface Stage {
  readonly cluster: SimulatedCluster;
  readonly replicas: readonly Replica[];
  readonly fleets: Fleets;
}

/** What happened while a phase ran. */
export interface Usage {
  readonly seconds: number;
  /** Of a core, on average: the control plane, the proxies, and the API server with what happens in the cluster. */
  readonly controlPlaneCores: number;
  readonly proxiesCores: number;
  readonly clusterCores: number;
  /** CPU time of the control plane, µs. */
  readonly controlPlaneUs: number;
  /** Of the processor time that it asked for, what the process got that got least of it, 0 to 1. */
  readonly share: number;
}

/** Milliseconds, some quantiles of them. */
export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How long things took to be heard by those who needed them. */
export interface Heard {
  /** Each proxy's own wait. */
  readonly each: Spread;
  /** Until the last had it. */
  readonly last: Spread;
  /** So many were not heard by all who needed them. */
  readonly unheard: number;
}

export function spread(times: readonly number[]): Spread {
  const sorted = Float64Array.from(times).sort();
  const at = (q: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: round(sorted.at(-1) ?? 0) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Private memory of all replicas, bytes. */
export function controlPlaneBytes(replicas: readonly Replica[]): number {
  return memory(replicas.map(({ pid }) => pid)).private;
}

/** Runs a phase and says what it cost. */
export async function measured<T>(
  { replicas, fleets }: Stage,
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly usage: Usage }> {
  // A replica that was started meanwhile began with nothing.
  const pids = replicas.map(({ pid }) => pid);
  const used = (): readonly number[] => [
    replicas.reduce((sum, { pid }, at) => sum + cpuUs([pid]) - (pid === pids[at] ? own[at]! : 0), 0),
    cpuUs(fleets.pids),
    cpuUs([process.pid]),
  ];
  const own = pids.map(pid => cpuUs([pid]));
  const everyone = (): readonly number[] => [...replicas.map(({ pid }) => pid), ...fleets.pids, process.pid];
  const threads = new Map(everyone().map(pid => [pid, mainThread(pid)]));
  const [before, startMs] = [used(), nowMs()];
  const result = await run();
  const tookMs = nowMs() - startMs;
  const tookUs = used().map((us, at) => us - before[at]!);
  const [controlPlane, proxies, cluster] = tookUs.map(us => round2(us / 1000 / tookMs));
  return {
    result,
    usage: {
      seconds: round(tookMs / 1000),
      controlPlaneCores: controlPlane!,
      proxiesCores: proxies!,
      clusterCores: cluster!,
      controlPlaneUs: Math.round(tookUs[0]!),
      share: round2(everyone().reduce((least, pid) => Math.min(least, shareOf(pid, threads.get(pid))), 1)),
    },
  };
}

/** What a process got of what it asked for since `before`, or since its start. */
function shareOf(pid: number, before = { ranUs: 0, waitedUs: 0 }): number {
  const now = mainThread(pid);
  const ran = now.ranUs - before.ranUs;
  const asked = ran + now.waitedUs - before.waitedUs;
  return asked > 0 ? ran / asked : 1;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Waits until every proxy is in sync; throws after `withinMs` with how many are not. */
export async function allSynced({ fleets }: Stage, withinMs: number): Promise<void> {
  for (const untilMs = nowMs() + withinMs; ; await sleep(100)) {
    const { proxies, synced, lost } = await fleets.report();
    if (proxies > 0 && synced === proxies) return;
    if (nowMs() > untilMs)
      throw new Error(`${proxies - synced} of ${proxies} proxies are not in sync: ${JSON.stringify(lost)}`);
  }
}

/** So often in a row nothing more is heard before it is quiet: a control plane without a processor is silent, too. */
const quietReports = 4;

/** Waits until nothing more is heard. */
async function quiet({ fleets }: Stage): Promise<void> {
  for (let before = -1, same = 0; same < quietReports; await sleep(500)) {
    const { messages } = await fleets.report();
    same = messages === before ? same + 1 : 0;
    before = messages;
  }
}

/** The old pod goes so much later than the new one came, and as a mean so much after that. */
const rolloutMs = 1_000;
const laterMs = 200;

/** A pod that comes or goes, of a Service's number in the order of the rollouts. */
interface Due {
  readonly atMs: number;
  readonly number: number;
  readonly isNew: boolean;
}

/**
 * When pods come and go: at any time, as those of strangers do. In step they would be gathered together, whatever the control
 * plane waits for.
 */
export function churnTimes(count: number, perSecond: number, random: () => number): readonly Due[] {
  const gap = (meanMs: number): number => -Math.log(1 - random()) * meanMs;
  const due: Due[] = [];
  for (let number = 0, atMs = 0; number < count; number++) {
    atMs += gap(2_000 / perSecond);
    due.push({ atMs, number, isNew: true });
    // As a rollout does it: the new one is there first.
    due.push({ atMs: atMs + rolloutMs + gap(laterMs), number, isNew: false });
  }
  return due.sort((left, right) => left.atMs - right.atMs);
}

/**
 * Pods come and go, `perSecond` of both together, and with each its proxy; once a second a route changes. Each is a change of
 * endpoints for all who call its Service.
 */
export async function churn(
  stage: Stage,
  options: { readonly seconds: number; readonly perSecond: number },
): Promise<{
  readonly endpoints: Heard;
  readonly routes: Heard;
  readonly messages: number;
  readonly bytes: number;
}> {
  const { cluster, fleets } = stage;
  const { services } = cluster.mesh.size;
  await fleets.report(true);
  const atStart = cluster.pods.map(pods => new Set(pods));
  const changes: Happened[] = [];
  const routes: Happened[] = [];
  // A stride without a common factor: neighbours in time are strangers.
  const serviceOf = (number: number): number => (number * 617) % services;
  const times = churnTimes((options.seconds * options.perSecond) / 2, options.perSecond, seeded(1));
  const startMs = nowMs();
  let [next, edited] = [0, 0];
  while (next < times.length) {
    for (; next < times.length && startMs + times[next]!.atMs <= nowMs(); next++) {
      const { number, isNew } = times[next]!;
      const { pod, happened } = isNew ? cluster.add(serviceOf(number)) : cluster.remove(serviceOf(number));
      changes.push(happened);
      if (isNew) fleets.launch([{ service: pod.service, pod: pod.name }], 0);
      else fleets.remove(pod.name);
    }
    if (edited < (nowMs() - startMs) / 1000) {
      routes.push(cluster.changeRoute(((edited * 7) % Math.ceil(services / 10)) * 10));
      edited++;
    }
    await sleep(1);
  }
  await quiet(stage);
  const { heard, messages, bytes } = await fleets.report(true);
  // Whoever came or went meanwhile was told whole sets, or needed none.
  const stayed = cluster.pods.map((pods, service) => pods.filter(pod => atStart[service]!.has(pod)).length);
  const needed = (service: number): number =>
    cluster.mesh.callersOf(service).reduce((sum, caller) => sum + stayed[caller]!, 0);
  const heardAt = new Map(heard);
  return {
    endpoints: joined(needed, changes, heardAt),
    routes: joined(needed, routes, heardAt),
    messages,
    bytes,
  };
}

/** A policy of the root namespace, which every proxy hears of. */
export async function policyForAll(stage: Stage): Promise<Heard> {
  const { cluster, fleets } = stage;
  await fleets.report(true);
  const { what, atMs } = cluster.changePolicy('weft-system');
  const { proxies } = await fleets.report();
  await sleep(3_000);
  await quiet(stage);
  const { heard } = await fleets.report(true);
  const times = (new Map(heard).get(what) ?? []).map(each => each - atMs);
  return {
    each: spread(times),
    last: spread(times.length === 0 ? [] : [times.reduce((left, right) => Math.max(left, right))]),
    unheard: times.length < proxies ? 1 : 0,
  };
}

/** Messages that proxies get because of edits which say nothing to a mesh. */
export async function metadataEdits(stage: Stage, count: number): Promise<number> {
  const { cluster, fleets } = stage;
  await quiet(stage);
  await fleets.report(true);
  cluster.editMetadata(count);
  await sleep(2_000);
  return (await fleets.report(true)).messages;
}

/** `needed`: how many proxies must have heard of a change of the Service. */
function joined(
  needed: (service: number) => number,
  changes: readonly Happened[],
  heard: ReadonlyMap<string, readonly number[]>,
): Heard {
  const each: number[] = [];
  const last: number[] = [];
  let unheard = 0;
  for (const { what, atMs, service } of changes) {
    const times = (heard.get(what) ?? []).map(at => at - atMs);
    if (times.length < needed(service)) unheard++;
    for (const time of times) each.push(time);
    if (times.length > 0) last.push(times.reduce((left, right) => Math.max(left, right)));
  }
  return { each: spread(each), last: spread(last), unheard };
}
