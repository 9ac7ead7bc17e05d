// Where the bench runs, and which processor does what.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/** The machine, for the report. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the first minute, when the bench began: above 0.3 somebody else was working. */
  readonly load: number;
}

/** Which CPUs the proxy under test and everything else run on; both '' when there is only one. */
export interface Pinning {
  readonly proxy: string;
  readonly load: string;
}

/** What is known about this machine. */
export function machine(): Machine {
  const all = cpus();
  return {
    cpu: (all[0]?.model ?? 'unknown').trim(),
    cores: all.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    load: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
  };
}

/** The first CPU that this process may use for the proxy, the others for load and backend. */
export function pinning(): Pinning {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const numbers = allowed.split(',').flatMap(part => {
    const [first, last = first] = part.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  if (numbers.length < 2) return { proxy: '', load: '' };
  return { proxy: `${numbers[0]}`, load: numbers.slice(1).join(',') };
}

/** V8 flags that the proxy's image sets, which the proxy is measured with. */
export function imageFlags(): string {
  return /\bNODE_OPTIONS=(\S+)/.exec(readFileSync('Dockerfile.sidecar', 'utf8'))?.[1] ?? '';
}

/** Variables that the image sets for the C library and libuv, which the proxy is measured with. */
export function imageEnvironment(): Record<string, string> {
  const text = readFileSync('Dockerfile.sidecar', 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/\b(GLIBC_TUNABLES|MALLOC_\w+|UV_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
  );
}

/** The commit of the tree, with `+` when it has changes; '' outside git. */
export function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'src') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return '';
  }
}
