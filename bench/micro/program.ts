// What weft-proxy is when it starts: bytes of code that it loads, modules of Node's that it pulls in, live heap.

import { readFileSync, statSync } from 'node:fs';
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

/**
 * The entry and every chunk that is reached from it, those that are loaded on demand left out except the program behind its
 * launcher, and `run`.
 */
function codeBytes(entry: string): number {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*"(\.[^"]+)"/g))
      visit(join(dirname(file), specifier!));
    for (const [, needed] of text.matchAll(/import\(["'](\.[^"']*(?:programs\/|proxy-run)[^"']*)["']\)/g))
      visit(join(dirname(file), needed!));
  };
  visit(entry);
  if (![...seen].some(file => file.includes('proxy-run')))
    throw new Error(`${entry} does not lead to proxy-run; see how scripts/build.ts lays programs out`);
  return [...seen].reduce((sum, file) => sum + statSync(file).size, 0);
}
