import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { portValue } from './flag-values.ts';
import { guarded } from './guarded.ts';
import { type LiveFlags, liveFlags, openLiveApi } from './live/connect.ts';
import { openRelay } from './live/relay.ts';
import { untilInterrupted } from './live/watch.ts';

const help = `
The page is served by the control plane; this command is the way there, on 127.0.0.1, until Ctrl-C. In a cluster each request goes through a
port-forward with the proof of your kubeconfig. You need the right to get pods/figures of the group weft.dev in all namespaces; tap and explain
need theirs: docs/dashboard.md. A form for a new intention is applied from here, with your own rights.

Examples:
  weft dashboard
  weft dashboard --no-open --port 8090
  weft dashboard --sandbox`;

interface Flags extends LiveFlags {
  readonly port: number;
  readonly open: boolean;
}

/** Adds the command `dashboard`. */
export function register(program: Command): void {
  const command = program
    .command('dashboard')
    .summary('the mesh as a web page: who calls whom, golden signals, policies, tap and explain')
    .description('the mesh as a web page: who calls whom, golden signals, policies, tap and explain');
  liveFlags(command)
    .option('--port <number>', 'of 127.0.0.1; 0 for a free one', portValue, 0)
    .option('--no-open', 'print the address and open no browser')
    .addHelpText('after', help)
    .action(guarded(dashboard));
}

async function dashboard(flags: Flags): Promise<void> {
  const stop = untilInterrupted();
  const api = await openLiveApi(flags);
  // What is missing, a right or the way, is said before a browser opens.
  const first = await api.get('/dashboard/', stop);
  first.resume();
  const { url } = await openRelay(api, flags.port, stop);
  process.stdout.write(`${url}\n`);
  if (flags.open && process.stdout.isTTY) openBrowser(url);
  await new Promise<void>(resolve => stop.addEventListener('abort', () => resolve(), { once: true }));
}

/** Where there is one; the address is printed anyway. */
function openBrowser(url: string): void {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(program, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
