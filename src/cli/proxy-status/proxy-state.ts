// What is known of one proxy, from its own metrics and from the control planes, and what is wrong with it.
import { VERSION } from '../../config/index.ts';
import type { Answered, Mesh, MeshPod, Sample } from '../proxies/index.ts';
import { readExposition } from '../proxies/index.ts';
import { shortTime } from '../table.ts';

/** Something that is wrong, and what to run next. */
export interface Trouble {
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly remedy: string;
}

/** How a replica of the control plane sees a proxy: an element of its /debug/proxies. */
export interface ProxyStream {
  /** `namespace/pod` */
  readonly pod: string;
  readonly connectedAtMs: number;
  readonly destinations: number;
  readonly outstanding: number;
  readonly resources: readonly { readonly key: string; readonly state: string; readonly reason?: string }[];
}

/** Calls of an app for requests that had a trace context, to where it does not pass that on: see tracing/dropped-context.ts. */
export interface DroppedCalls {
  readonly destination: string;
  /** Since the proxy started. */
  readonly calls: number;
}

/** A proxy as `-o json` prints it. What it or its control plane does not tell is left out. */
export interface ProxyState {
  readonly namespace: string;
  readonly pod: string;
  readonly version: string;
  /** `in-process` where the proxy reads its configuration from files. */
  readonly connected?: boolean | 'in-process';
  /** The replica of the control plane that serves it. */
  readonly controlPlane?: string;
  readonly connectedForSeconds?: number;
  /** For how long nobody has stood behind the configuration; 0 while the control plane does. */
  readonly configurationAgeSeconds?: number;
  readonly destinations?: number;
  /** Sent and not yet answered. */
  readonly pending?: number;
  /** Resources that it refuses now; where no control plane tells, how many it has refused since it started. */
  readonly nacks?: number;
  readonly certificateExpiresSeconds?: number;
  /** Where its app, and not itself, loses traces; left out where it does not. */
  readonly droppedContext?: readonly DroppedCalls[];
  readonly troubles: readonly Trouble[];
}

const told = [
  'weft_control_plane_connected',
  'weft_configuration_age_seconds',
  'weft_certificate_expires_seconds',
  'weft_certificate_failed_attempts',
  'weft_refused_resources_total',
] as const;
const dropped = 'weft_trace_context_dropped_total';
const read = new Set<string>([...told, 'weft_build_info', 'weft_config_problems', dropped]);

/** What is known and wrong. `stream`: of the replica that serves it. */
export function proxyState(
  pod: MeshPod,
  answer: Answered | undefined,
  stream: { readonly replica: string; readonly of: ProxyStream } | undefined,
  mesh: Mesh,
  nowMs: number,
): ProxyState {
  const known = { namespace: pod.namespace, pod: pod.name, version: pod.proxyVersion ?? '(unknown)' };
  const served = stream && {
    controlPlane: stream.replica,
    connectedForSeconds: Math.max(0, (nowMs - stream.of.connectedAtMs) / 1000),
    destinations: stream.of.destinations,
    pending: stream.of.outstanding,
  };
  if (answer === undefined || 'trouble' in answer) {
    const state = { ...known, ...served };
    return { ...state, troubles: [unasked(pod, answer, mesh)] };
  }
  const samples = readExposition(answer.text, name => read.has(name));
  const value = (name: string): number | undefined => samples.find(each => each.name === name)?.value;
  const inProcess = value('weft_config_problems') !== undefined;
  const [connected, age, expires, , refused] = told.map(value);
  const nacked = stream?.of.resources.filter(({ state }) => state === 'nacked');
  const nacks = nacked?.length ?? refused;
  const droppedContext = samples
    .filter(({ name }) => name === dropped)
    .map(({ labels, value: calls }) => ({ destination: labels.destination ?? '', calls }));
  return {
    ...known,
    version: versionOf(samples) ?? known.version,
    ...(inProcess
      ? { connected: 'in-process' as const }
      : connected !== undefined && { connected: connected === 1 }),
    ...served,
    ...(age !== undefined && { configurationAgeSeconds: age }),
    ...(nacks !== undefined && { nacks }),
    ...(expires !== undefined && { certificateExpiresSeconds: expires }),
    ...(droppedContext.length > 0 && { droppedContext }),
    troubles: [
      ...missing(pod, samples, inProcess, mesh),
      ...(inProcess ? [] : ofConnection(pod, connected, age, mesh)),
      ...ofCertificate(pod, expires, value('weft_certificate_failed_attempts'), mesh),
      ...refusals(pod, nacked, refused, mesh),
      ...ofVersion(pod, versionOf(samples) ?? known.version, mesh),
    ],
  };
}

function versionOf(samples: readonly Sample[]): string | undefined {
  return samples.find(({ name }) => name === 'weft_build_info')?.labels.version;
}

function unasked(pod: MeshPod, answer: { readonly trouble: string } | undefined, mesh: Mesh): Trouble {
  const remedy = mesh.logCommand(pod);
  if (answer) return { severity: 'error', message: `its proxy cannot be asked: ${answer.trouble}`, remedy };
  return { severity: 'warning', message: `it is ${pod.phase}: its proxy is not asked`, remedy };
}

/** What an older proxy, or one that has just begun, does not count. */
function missing(pod: MeshPod, samples: readonly Sample[], inProcess: boolean, mesh: Mesh): Trouble[] {
  const names = inProcess ? [] : told.filter(name => !samples.some(each => each.name === name));
  if (names.length === 0) return [];
  const message =
    names.length === told.length
      ? 'what answers on its port 15020 tells nothing that a proxy of weft tells'
      : `its proxy does not tell ${names.join(', ')}: it is of another version`;
  return [{ severity: 'warning', message, remedy: mesh.restartCommand(pod) }];
}

function ofConnection(
  pod: MeshPod,
  connected: number | undefined,
  age: number | undefined,
  mesh: Mesh,
): Trouble[] {
  if (connected !== 0) return [];
  const since = age === undefined ? '' : `; it goes by what it was told ${shortTime(age)} ago`;
  const remedy = `${mesh.logCommand(pod)}; ${mesh.checkCommand}`;
  return [{ severity: 'error', message: `it is not connected to the control plane${since}`, remedy }];
}

function ofCertificate(
  pod: MeshPod,
  expires: number | undefined,
  failures: number | undefined,
  mesh: Mesh,
): Trouble[] {
  const remedy = `${mesh.logCommand(pod)}; ${mesh.checkCommand}`;
  if (expires !== undefined && expires <= 0) {
    const message = 'it has no certificate that is valid: mutual TLS to and from it fails';
    return [{ severity: 'error', message, remedy }];
  }
  if (!failures) return [];
  const left = expires === undefined ? '' : `; the one that it has ends in ${shortTime(expires)}`;
  const message = `${failures} attempts to get a new certificate have failed${left}`;
  return [{ severity: 'warning', message, remedy }];
}

function refusals(
  pod: MeshPod,
  nacked: ProxyStream['resources'] | undefined,
  since: number | undefined,
  mesh: Mesh,
): Trouble[] {
  const remedy = `weft analyze; ${mesh.logCommand(pod)}`;
  if (nacked)
    return nacked.map(({ key, reason = 'no reason given' }) => ({
      severity: 'error',
      message: `it refuses ${key}, and goes by the last good one: ${reason}`,
      remedy,
    }));
  if (!since) return [];
  const message = `it has refused ${since} resources since it started; no control plane tells which it refuses now`;
  return [{ severity: 'warning', message, remedy }];
}

function ofVersion(pod: MeshPod, version: string, mesh: Mesh): Trouble[] {
  if (version === VERSION) return [];
  const message = `its proxy is of version ${version}, and this weft of ${VERSION}`;
  return [{ severity: 'warning', message, remedy: mesh.restartCommand(pod) }];
}
