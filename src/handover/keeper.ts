// `weft-proxy keep`: what the first process of a proxy becomes when its own connections have ended and a later process carries
// the traffic. It hands signals on and ends when the last of them has, with the code of that. Nobody types it.
import { Socket } from 'node:net';
import { libcFunction } from '../libc/index.ts';
import { followLine, type LineEnds } from './lifeline.ts';

const childEnded = 17;
const ignore = 1;

/** Becomes the waiting process: `line`, a descriptor, and `main` as followLine has them. */
export function keep(line: number, main: number): void {
  // Those that end leave nothing behind then.
  libcFunction<(signal: number, how: number) => unknown>('intptr_t signal(int number, intptr_t how)')(
    childEnded,
    ignore,
  );
  const ends: LineEnds = { main, exitCode: undefined };
  followLine(new Socket({ fd: line }), ends, () => process.exit(ends.exitCode ?? 1));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      try {
        process.kill(ends.main, signal);
      } catch {
        // It is gone; the line says so, too.
      }
    });
  }
}

/** The words with which Node becomes it: small, and without a compiler. */
export function keeperCommand(program: string, line: number, main: number): string[] {
  const small = ['--max-semi-space-size=1', '--v8-pool-size=0'];
  // Node strips types with WebAssembly, which there is none of without a compiler.
  if (!program.endsWith('.ts')) small.push('--jitless');
  return [process.execPath, ...small, program, 'keep', String(line), String(main)];
}
