import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { VERSION } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import {
  defaultName,
  fullPath,
  isSandboxName,
  MARKER,
  machineCapabilities,
  nodeNetns,
  type OtherPrograms,
  program,
  SandboxFolder,
  type SandboxRecord,
  sandboxesFolder,
  sandboxNames,
} from '../host/index.ts';
import { quoteAll, run, tailOf } from '../runtime/index.ts';
import { AgentClient } from './agent-client.ts';
import { takeDown } from './down.ts';

/** How to start a sandbox. */
export interface UpOptions {
  /** The folder with the YAML. */
  readonly dir: string;
  /** Made from the folder's name when not given. */
  readonly name?: string;
  /** Container path to folder: where working directories of images are found on this machine. */
  readonly map?: Readonly<Record<string, string>>;
  readonly sidecar?: 'native' | 'classic';
  /** `loopback` even where namespaces would be possible. */
  readonly mode?: 'namespaces' | 'loopback';
  /** Programs of another version of Weft that pods run in the place of ours. Only where this runs from source. */
  readonly programs?: OtherPrograms;
}

/** What came up. */
export interface Started {
  readonly record: SandboxRecord;
  /** Why pods have no network namespaces of their own; empty when they do. */
  readonly limits: readonly string[];
}

const agentStartMs = 60_000;

/** Starts a sandbox's agent. Rejects with a WeftError, having removed what was made, when it does not come up. */
export async function startSandbox(options: UpOptions): Promise<Started> {
  process.env.PATH = fullPath();
  const dir = checkFolder(options.dir);
  const name = options.name ?? defaultName(dir);
  if (!isSandboxName(name)) {
    throw new WeftError('bad-name', `'${name}' cannot be a sandbox's name; use a-z, 0-9 and '-', at most 30`);
  }
  const folder = new SandboxFolder(name);
  await refuseIfRunning(name, folder);
  const { mode, reasons } = machineCapabilities();
  const record: SandboxRecord = {
    name,
    dir,
    mode: options.mode ?? mode,
    startedAt: new Date().toISOString(),
    version: VERSION,
    loopbackNumber: freeLoopbackNumber(),
    pathMap: absolute(options.map ?? {}),
    sidecar: options.sidecar ?? 'native',
    ...(options.programs && { programs: options.programs }),
  };
  folder.create(record);
  try {
    if (record.mode === 'namespaces') await makeNodeNetwork(name, folder);
    startAgent(record, folder);
    await waitForAgent(name, folder);
  } catch (error) {
    await takeDown(name);
    throw error;
  }
  return { record, limits: record.mode === 'loopback' ? reasons : [] };
}

function checkFolder(dir: string): string {
  const path = resolve(dir);
  if (!existsSync(path))
    throw new WeftError('no-folder', `${dir} does not exist; name a folder of Kubernetes YAML`);
  if (!statSync(path).isDirectory())
    throw new WeftError('no-folder', `${dir} is a file; name the folder it is in`);
  try {
    readdirSync(path);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : errorMessage(error);
    throw new WeftError(
      'no-folder',
      `${dir} cannot be read (${why}); give the user who runs this the right to read it`,
    );
  }
  return realpathSync(path);
}

/** A sandbox that runs is left alone; what a crash left of one is removed. */
async function refuseIfRunning(name: string, folder: SandboxFolder): Promise<void> {
  if (await new AgentClient(name, folder).isListening()) {
    const { dir } = folder.record() ?? { dir: 'another folder' };
    const remedy = `take it down with weft sandbox down --name ${name}, or choose another name with --name`;
    throw new WeftError('already-up', `sandbox ${name} is running already (from ${dir}); ${remedy}`);
  }
  if (!folder.exists()) return;
  const left = await takeDown(name);
  if (left.length > 0)
    throw new WeftError('leftovers', `an earlier sandbox ${name} cannot be removed: ${left.join('; ')}`);
}

function absolute(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([path, target]) => [path, resolve(target)]));
}

/** Sandboxes of one user share 127.0.0.0/8, so each gets a number of its own. */
function freeLoopbackNumber(): number {
  const parent = sandboxesFolder();
  const used = new Set(
    sandboxNames(parent).map(name => new SandboxFolder(name, parent).record()?.loopbackNumber),
  );
  // Users cannot see each other's sandboxes, so they begin at different numbers.
  const first = 64 + ((process.getuid?.() ?? 0) % 128);
  for (let number = first; number < 255; number++) if (!used.has(number)) return number;
  return first;
}

/** Marked as the sandbox's, so that `down` waits for it should this process be killed meanwhile. */
async function makeNodeNetwork(name: string, folder: SandboxFolder): Promise<void> {
  const env = { ...process.env, [MARKER]: folder.path };
  const { code, output } = await run(['ip', 'netns', 'add', nodeNetns(name)], { env });
  if (code === 0) return;
  throw new WeftError('network', `could not make the network namespace ${nodeNetns(name)}: ${output}`);
}

/**
 * Starts the agent in the background. A line of sh around it notes its exit code, which otherwise nobody would be there to
 * see. The machine's own network namespace comes along as file descriptor 3 (see Gate).
 */
function startAgent(record: SandboxRecord, folder: SandboxFolder): void {
  const agent = quoteAll([...program('weft'), 'sandbox', 'agent', record.name]);
  const watched = `${agent}; echo $? >${quoteAll([folder.agentExit])}`;
  const enter =
    record.mode === 'namespaces' ? ['nsenter', `--net=/run/netns/${nodeNetns(record.name)}`, '--'] : [];
  const command = [...enter, '/bin/sh', '-c', watched];
  const log = openSync(folder.agentLog, 'a', 0o644);
  const network = openSync('/proc/self/ns/net', 'r');
  try {
    const child = spawn(command[0]!, command.slice(1), {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log, log, network],
      env: { ...process.env, [MARKER]: folder.path },
    });
    // What goes wrong shows as an agent that never listens.
    child.on('error', () => {});
    child.unref();
  } finally {
    closeSync(log);
    closeSync(network);
  }
}

async function waitForAgent(name: string, folder: SandboxFolder): Promise<void> {
  const client = new AgentClient(name, folder);
  const untilMs = performance.now() + agentStartMs;
  while (!(await client.isListening())) {
    const code = folder.agentExitCode();
    if (code !== undefined || performance.now() > untilMs) {
      const how =
        code === undefined
          ? `did not listen within ${agentStartMs / 1000} s`
          : `ended with exit code ${code}`;
      throw new WeftError(
        'agent-start',
        `the agent of sandbox ${name} ${how}:\n${tailOf(folder.agentLog, 20)}`,
      );
    }
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
