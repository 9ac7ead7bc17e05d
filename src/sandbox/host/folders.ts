import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OtherPrograms } from './programs.ts';

/** What a sandbox is, written to disk before anything of it is made, so that `down` always knows what to remove. */
export interface SandboxRecord {
  readonly name: string;
  /** The folder with the YAML. */
  readonly dir: string;
  readonly mode: 'namespaces' | 'loopback';
  readonly startedAt: string;
  /** Weft's version. */
  readonly version: string;
  /** In loopback mode pods have addresses of 127.<this>.0.0/16. */
  readonly loopbackNumber: number;
  /** See KubeletParts.pathMap. */
  readonly pathMap: Readonly<Record<string, string>>;
  /** How injected pods get their proxy. */
  readonly sidecar: 'native' | 'classic';
  /** See UpOptions.programs. */
  readonly programs?: OtherPrograms;
}

/** Among the keys: the token that opens the live API of the control plane. */
export const LIVE_TOKEN = 'live-token';

/** Where the sandboxes of this user are kept. */
export function sandboxesFolder(): string {
  if (process.getuid?.() === 0) return '/run/weft-sandbox';
  const own = process.env.XDG_RUNTIME_DIR;
  return own ? join(own, 'weft-sandbox') : join(tmpdir(), `weft-sandbox-${process.getuid?.() ?? 0}`);
}

/** The files and folders of one sandbox. */
export class SandboxFolder {
  readonly path: string;

  constructor(name: string, parent = sandboxesFolder()) {
    this.path = join(parent, name);
  }

  /** The agent's API, HTTP over a unix socket. */
  get socket(): string {
    return join(this.path, 'agent.sock');
  }

  /** What the agent printed. */
  get agentLog(): string {
    return join(this.path, 'agent.log');
  }

  /** The agent's exit code, there once it has ended. */
  get agentExit(): string {
    return join(this.path, 'agent.exit');
  }

  /** Folders of pods: volumes, scripts. */
  get pods(): string {
    return join(this.path, 'pods');
  }

  /** `<namespace>/<pod>/<container>.<restart>.log` */
  get logs(): string {
    return join(this.path, 'logs');
  }

  /** One file per live object, which the control plane watches. */
  get objects(): string {
    return join(this.path, 'objects');
  }

  /** What pods run of Weft itself, bundled. */
  get programs(): string {
    return join(this.path, 'programs');
  }

  /** Of the certificate authority and the token issuer. */
  get keys(): string {
    return join(this.path, 'keys');
  }

  /** Whether anything of the sandbox is there. */
  exists(): boolean {
    return existsSync(this.path);
  }

  /** Makes the folders and writes the record. */
  create(record: SandboxRecord): void {
    // Proxies and control plane, users of their own, must come through these.
    for (const folder of [this.path, this.objects, this.keys, this.programs]) {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
    }
    // What is in these reaches pods through mounts; other users of the machine have no business there (Secrets, logs).
    for (const folder of [this.pods, this.logs]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(this.path, 'sandbox.json');
    writeFileSync(`${path}.new`, JSON.stringify(record, undefined, 2));
    renameSync(`${path}.new`, path);
  }

  /** The record; undefined when there is none that can be read. */
  record(): SandboxRecord | undefined {
    try {
      return JSON.parse(readFileSync(join(this.path, 'sandbox.json'), 'utf8')) as SandboxRecord;
    } catch {
      return undefined;
    }
  }

  /** The exit code of an agent that has ended; undefined while it runs or when it never did. */
  agentExitCode(): number | undefined {
    try {
      // The shell makes the file before it writes into it.
      const code = readFileSync(this.agentExit, 'utf8').trim();
      return code === '' ? undefined : Number(code);
    } catch {
      return undefined;
    }
  }
}

/** Names of the sandboxes there are, running or not. */
export function sandboxNames(parent = sandboxesFolder()): string[] {
  try {
    return readdirSync(parent).sort();
  } catch {
    return [];
  }
}
