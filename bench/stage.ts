// What a scenario works with: pinned processes, files, identities. Whatever was started through it ends with it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIdentities, type EdgeCertificate, edgeCertificate, type Identities } from './identities.ts';
import type { Pinning } from './machine.ts';
import { output, Running, type StartOptions } from './processes.ts';

/** Settings of the whole run. */
export interface BenchSettings {
  readonly quick: boolean;
  readonly rounds: number;
  readonly pinning: Pinning;
  /** V8 flags for every Weft process. */
  readonly nodeFlags: readonly string[];
  /** Further variables of every Weft process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly programs: { readonly hop: string; readonly proxy: string; readonly injector: string };
  /** Profiles of Weft's processes are written here; '' for none. */
  readonly profileFolder: string;
}

/** One scenario's surroundings. */
export class Stage {
  readonly settings: BenchSettings;
  readonly folder: string;
  readonly #programs: Running[] = [];
  #identities: Identities | undefined;
  readonly #edge = new Map<string, EdgeCertificate>();
  #files = 0;

  constructor(settings: BenchSettings) {
    this.settings = settings;
    this.folder = mkdtempSync(join(tmpdir(), 'weft-bench-'));
    process.on('exit', this.#remove);
  }

  /** Certificates for both sides, made when first asked for. */
  get identities(): Identities {
    this.#identities ??= createIdentities(this.folder);
    return this.#identities;
  }

  /** Of `edge.example`, made when first asked for. */
  edgeCertificate(kind: 'ecdsa' | 'rsa'): EdgeCertificate {
    const made = this.#edge.get(kind) ?? edgeCertificate(this.folder, kind);
    this.#edge.set(kind, made);
    return made;
  }

  /** Writes a file for a program to read; gives its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, `${this.#files++}-${name}`);
    writeFileSync(path, text);
    return path;
  }

  /** Starts a proxy under test. */
  proxy(command: string, args: readonly string[], options: Partial<StartOptions> = {}): Running {
    return this.#start(command, args, { cpus: this.settings.pinning.proxy, files: 65_536, ...options });
  }

  /** Starts a proxy of Weft's. */
  weft(args: readonly string[], options: Partial<StartOptions> = {}): Running {
    const { nodeFlags, profileFolder, env } = this.settings;
    const profiling =
      profileFolder === ''
        ? []
        : ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${profileFolder}`];
    return this.proxy(process.execPath, [...nodeFlags, ...profiling, ...args], {
      ...options,
      env: { ...env, ...options.env },
    });
  }

  /** Starts something on the other CPUs. */
  helper(command: string, args: readonly string[], options: Partial<StartOptions> = {}): Running {
    return this.#start(command, args, { cpus: this.settings.pinning.load, files: 65_536, ...options });
  }

  /** Runs a program on the other CPUs to its end and gives what it printed. */
  load(command: string, args: readonly string[]): Promise<string> {
    return output(command, args, { cpus: this.settings.pinning.load, files: 65_536 });
  }

  /** Ends everything that was started, latest first. */
  async close(): Promise<void> {
    for (const program of this.#programs.splice(0).reverse()) await program.stop();
    process.off('exit', this.#remove);
    this.#remove();
  }

  #start(command: string, args: readonly string[], options: StartOptions): Running {
    const program = new Running(command, args, options);
    this.#programs.push(program);
    return program;
  }

  readonly #remove = (): void => rmSync(this.folder, { recursive: true, force: true });
}
