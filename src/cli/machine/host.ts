// The machine that `weft machine` works on: its files, and the commands that it runs there. With another root, as of an image,
// files are written below that and commands are only told.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage, WeftError } from '../../errors/index.ts';

/** A file of the machine. */
export interface MachineFile {
  readonly path: string;
  readonly text: string;
  /** 0o644 unless told. */
  readonly mode?: number;
}

/** Everything throws the WeftError `machine-files` or `machine-command`, which say what to do. */
export class Host {
  readonly #root: string;
  readonly #tell: (line: string) => void;

  constructor(root: string, tell: (line: string) => void) {
    this.#root = root;
    this.#tell = tell;
  }

  /** Whether commands have an effect: the root is the machine's own. */
  get isLive(): boolean {
    return this.#root === '/';
  }

  exists(path: string): boolean {
    return existsSync(join(this.#root, path));
  }

  /** Undefined where there is none. */
  read(path: string): string | undefined {
    try {
      return readFileSync(join(this.#root, path), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw files(path, error);
    }
  }

  /** Whole or not at all, unless something is mounted there, as in containers. */
  write({ path, text, mode = 0o644 }: MachineFile): void {
    const to = join(this.#root, path);
    try {
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(`${to}.new`, text, { mode });
      replace(`${to}.new`, to);
    } catch (error) {
      throw files(path, error);
    }
    this.#tell(`wrote ${path}`);
  }

  /** Puts one in the place of another; a link stays a link. */
  move(from: string, to: string): void {
    try {
      replace(join(this.#root, from), join(this.#root, to));
    } catch (error) {
      throw files(from, error);
    }
  }

  /** It is no error where there is none. */
  remove(path: string): void {
    try {
      if (!this.exists(path)) return;
      rmSync(join(this.#root, path), { recursive: true });
    } catch (error) {
      throw files(path, error);
    }
    this.#tell(`removed ${path}`);
  }

  /** Runs a command of the machine to its end. */
  run(command: readonly [string, ...string[]]): void {
    if (!this.isLive) {
      this.#tell(`then run: ${command.join(' ')}`);
      return;
    }
    const [program, ...args] = command;
    const { status, error, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status === 0) return;
    const why = error ? errorMessage(error) : stderr.trim() || `it ended with ${status}`;
    throw new WeftError('machine-command', `${command.join(' ')}: ${why}`, { source: 'config' });
  }

  /** What a command prints; '' where it fails. */
  ask(command: readonly [string, ...string[]]): string {
    if (!this.isLive) return '';
    const [program, ...args] = command;
    return spawnSync(program, args, { encoding: 'utf8' }).stdout?.trim() ?? '';
  }
}

function replace(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['EBUSY', 'EXDEV'].includes(code)) throw error;
    copyFileSync(from, to);
    // What is mounted stays where it is.
    if (statSync(from).isFile()) rmSync(from, { force: true });
  }
}

function files(path: string, error: unknown): WeftError {
  const denied = ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
  const remedy = denied ? '; run it as root, as with sudo' : '';
  return new WeftError('machine-files', `${path}: ${errorMessage(error)}${remedy}`, { source: 'config' });
}
