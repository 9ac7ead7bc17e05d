// A process that answers each connection with its generation, and is handed over when it is told to: for handover.test.ts. Its
// successors behave as HOW says: `good`, `ends` (before it is ready), `waits` (never ready), `dies` (soon after it took over).
import { silentLog } from '../../telemetry/index.ts';
import { systemClock } from '../../time/index.ts';
import { acceptInherited, Listener } from '../../wire/index.ts';
import { Handover, keep, Predecessor } from '../index.ts';

if (process.argv[2] === 'keep') keep(Number(process.argv[3]), Number(process.argv[4]));
else run();

function run(): void {
  const text = process.env.WEFT_TEST_HANDOVER;
  const generation = Number(process.env.GENERATION ?? 0);
  const how = process.env.HOW;
  const before = text === undefined ? undefined : new Predecessor(text);
  if (before && how === 'ends') process.exit(9);
  const open = new Set<object>();
  const listener = new Listener(
    { host: '127.0.0.1', port: Number(process.argv[2]), purpose: 'test' },
    wire => {
      open.add(wire);
      const answer = Buffer.from(`${generation} ${process.pid}\n`);
      wire.handler = {
        onData: () => void wire.write(answer, 0, answer.length),
        onEnd: () => wire.end(),
        onDrain() {},
        onClose: () => void open.delete(wire),
      };
      wire.resume();
    },
  );
  const line = before?.begin({
    ...{ clock: systemClock, version: '2' },
    notReady: () => (how === 'waits' ? 'it waits for ever' : undefined),
    accept() {
      acceptInherited();
      if (how === 'dies') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200);
    },
    orphaned: () => process.exit(1),
  });
  const handover: Handover = new Handover(
    {
      ...{ clock: systemClock, log: silentLog, line, version: '1', variable: 'WEFT_TEST_HANDOVER' },
      accept: on => (on ? listener.resume() : listener.pause()),
      drain() {},
      close() {},
      underWay: () => ({ exchanges: 0, tunnels: 0, inbound: open.size, outbound: 0 }),
      metrics: async () => '',
      lastWords: async () => {},
    },
    { readyMs: 4_000, takeOverMs: 4_000, watchMs: 600, idleMs: 60_000, drainMs: 60_000 },
  );
  process.on('exit', code => {
    if (!handover.isReplaced) line?.exit(Number(code));
  });
  process.on('SIGUSR2', () => {
    process.env.GENERATION = String(generation + 1);
    const say = (words: string): void => console.log(`${generation} ${words}`);
    handover.start(process.argv[1]!, 'digest', say).then(
      () => say('handed over'),
      (error: Error) => say(error.message),
    );
  });
  process.on('SIGTERM', () => process.exit(7));
  console.log(`${generation} listens`);
}
