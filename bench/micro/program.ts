// What weft-proxy is when it starts: bytes of code that it loads, modules of Node's that it pulls in, live heap.

import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { Running } from '../processes.ts';
import type { Stage } from '../stage.ts';

/** Kilobytes of bundled code that `weft-proxy run` reads, Node's own modules it loads, and its heap once ready. */
export async function programSize(stage: Stage): Promise<Record<string, number>> {
  const { proxy } = stage.settings.programs;
  const names = ['outbound', 'inbound', 'admin', 'health'];
  const ports = await freePorts(names.length);
  const flags = names.flatMap((name, at) => [`--${name}-port`, `${ports[at]}`]);
  const look = new URL('./look-inside.ts', import.meta.url).href;
  const args = ['--expose-gc', '--import', look, proxy, 'run', '--no-redirect', '--discovery', 'none'];
  let inside = '';
  const program = new Running(
    process.execPath,
    [...args, '--listen', '127.0.0.1', '--log-level', 'info', ...flags],
    {
      cpus: '',
      onLine: line => {
        if (line.startsWith('INSIDE ')) inside = line.slice(7);
        // It carries traffic now; look-inside.ts answers to this signal.
        else if (line.includes('weft-proxy carries traffic')) program.child.kill('SIGUSR2');
      },
    },
  );
  await program.ended();
  if (inside === '') throw new Error(`weft-proxy did not come up: ${program.errors.trim()}`);
  const { modules, heapBytes } = JSON.parse(inside) as { modules: number; heapBytes: number };
  return {
    proxy_code_kb: codeBytes(proxy) / 1000,
    proxy_node_modules: modules,
    proxy_heap_kb: heapBytes / 1000,
  };
}

/** The file of the command `run`, which holds all that it needs at its start. */
function codeBytes(entry: string): number {
  const folder = join(dirname(entry), 'proxy');
  const [file, ...more] = readdirSync(folder).filter(name => /^run-\w+\.cjs$/.test(name));
  if (file === undefined || more.length > 0)
    throw new Error(`${folder} has no file of the command run, or several; see scripts/merged/merge.ts`);
  return statSync(join(folder, file)).size;
}
