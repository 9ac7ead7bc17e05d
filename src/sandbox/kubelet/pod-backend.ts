import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Container, Handler, Probe } from '../kube/index.ts';
import {
  execInContainer,
  type LaunchSpec,
  launchContainer,
  machineFiles,
  type RunningProcess,
  run,
  startProcess,
} from '../runtime/index.ts';
import { replaceProgram } from './command.ts';
import type { ContainerBackend } from './container-runner.ts';
import { probeGrpc } from './grpc-probe.ts';
import { hostsFile, launchSpec, type PodPlace } from './launch-spec.ts';
import { containerPort, probeHttp, probeTcp, runHttpHook } from './probe-actions.ts';
import type { ProbeOutcome } from './prober.ts';

/** How many logs of earlier runs of a container are kept. */
const keptLogs = 3;

/** What the containers of one pod need of the machine: processes, probes and hooks in the pod's namespaces. */
export class PodBackend implements ContainerBackend {
  readonly #place: PodPlace;
  readonly #specs = new Map<string, LaunchSpec>();
  readonly changed: () => void;

  /** `changed` is called whenever the status of a container is different. */
  constructor(place: PodPlace, changed: () => void) {
    this.#place = place;
    this.changed = changed;
    const { parts, pod, link, folder } = place;
    writeFileSync(join(folder, 'resolv.conf'), parts.resolvConf(pod.metadata.namespace ?? 'default'));
    writeFileSync(join(folder, 'hosts'), hostsFile(pod, link.address));
  }

  get clock(): Clock {
    return this.#place.parts.clock;
  }

  get graceMs(): number {
    return (this.#place.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000;
  }

  launch(container: Container, restarts: number) {
    const spec = launchSpec(this.#place, container, restarts);
    if ('problem' in spec) return spec;
    this.#specs.set(container.name, spec);
    try {
      return this.#start(container, spec, restarts);
    } catch (error) {
      return { problem: `it could not be started: ${errorMessage(error)}` };
    }
  }

  async probe(container: Container, probe: Probe, pid: number, timeoutMs: number): Promise<ProbeOutcome> {
    if (probe.grpc)
      return probeGrpc(this.#place.link.address, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
    if (probe.exec) return this.#exec(container, probe.exec.command ?? [], pid, timeoutMs);
    const { address } = this.#place.link;
    const target = probe.httpGet ?? probe.tcpSocket;
    if (!target) return { ok: false, detail: 'the probe says neither exec, httpGet, tcpSocket nor grpc' };
    const port = containerPort(container, target.port);
    if (typeof port === 'string') return { ok: false, detail: port };
    if (probe.httpGet) return probeHttp(address, port, probe.httpGet, timeoutMs);
    return probeTcp(target.host || address, port, timeoutMs);
  }

  async hook(container: Container, handler: Handler, pid: number, timeoutMs: number): Promise<ProbeOutcome> {
    if (handler.exec) return this.#exec(container, handler.exec.command ?? [], pid, timeoutMs);
    if (handler.httpGet) {
      const port = containerPort(container, handler.httpGet.port);
      if (typeof port === 'string') return { ok: false, detail: port };
      return runHttpHook(this.#place.link.address, port, handler.httpGet, timeoutMs);
    }
    if (handler.tcpSocket) return { ok: false, detail: 'Kubernetes knows no tcpSocket for hooks' };
    const waitMs = Math.min((handler.sleep?.seconds ?? 0) * 1000, timeoutMs);
    return new Promise(resolve => this.clock.after(waitMs, () => resolve({ ok: true, detail: '' })));
  }

  event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#place.parts.events.add(type, reason, this.#place.pod, message);
  }

  /** The command that enters a running container, for `weft sandbox exec`; undefined when it was never started. */
  execCommand(container: Container, pid: number, command: readonly string[]): readonly string[] | undefined {
    const spec = this.#specs.get(container.name);
    const program = this.#place.parts.programOf(container.image ?? '');
    return spec && execInContainer(spec, pid, replaceProgram(command, program, process.execPath));
  }

  #start(
    container: Container,
    spec: LaunchSpec,
    restarts: number,
  ): { process: RunningProcess; logPath: string } {
    const launch = launchContainer(spec, machineFiles);
    const scriptPath = join(this.#place.folder, `${container.name}.sh`);
    rmSync(spec.scratch, { recursive: true, force: true });
    mkdirSync(spec.scratch, { recursive: true });
    // The script holds the environment, secrets included.
    writeFileSync(scriptPath, launch.script, { mode: 0o600 });
    const logs = join(
      this.#place.parts.logsDir,
      this.#place.pod.metadata.namespace ?? 'default',
      this.#place.pod.metadata.name,
    );
    mkdirSync(logs, { recursive: true });
    rmSync(join(logs, `${container.name}.${restarts - keptLogs}.log`), { force: true });
    const logPath = join(logs, `${container.name}.${restarts}.log`);
    const process = startProcess([...launch.command, scriptPath], logPath, {
      ownPids: spec.netns !== undefined,
      uid: spec.uid,
    });
    return { process, logPath };
  }

  async #exec(
    container: Container,
    command: readonly string[],
    pid: number,
    timeoutMs: number,
  ): Promise<ProbeOutcome> {
    const words = this.execCommand(container, pid, command);
    if (!words || command.length === 0) return { ok: false, detail: 'there is no command to run' };
    const { code, output } = await run(words, { timeoutMs });
    if (code === 0) return { ok: true, detail: '' };
    const how = code === 124 ? `took longer than ${timeoutMs} ms` : `exited with code ${code}`;
    return { ok: false, detail: `${command[0]} ${how}${output === '' ? '' : `: ${output.slice(-500)}`}` };
  }
}
