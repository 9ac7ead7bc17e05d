// For abandoned-connections.test.ts: opens connections one after the other, each of which carries a few bytes both ways and
// ends in order, and prints by how many bytes the old generation of V8's heap grew for each, and how many full collections
// there were.
//   node --max-semi-space-size=1 abandoned-connections.ts COUNT
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { dial, Listener, type Wire } from '../index.ts';

const WARM = 1_000;
const count = Number(process.argv[2]);
const hello = Buffer.from('hello');
let full = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) full++;
  }
}).observe({ entryTypes: ['gc'] });

const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
  wire.handler = {
    onData(bytes, start, end) {
      wire.write(bytes, start, end);
      wire.end();
    },
    onEnd() {},
    onDrain() {},
    onClose() {},
  };
  wire.resume();
});

/** Resolves when it is closed. */
function connection(): Promise<void> {
  return new Promise((resolve, reject) => {
    const onConnect = (wire: Wire): void => {
      wire.handler = { onData() {}, onEnd: () => wire.end(), onDrain() {}, onClose: () => resolve() };
      wire.resume();
      wire.write(hello, 0, hello.length);
    };
    dial('127.0.0.1', listener.port, '', { onConnect, onConnectError: reject });
  });
}

function oldBytes(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => space_name === 'old_space');
  return spaces.reduce((sum, space) => sum + space.space_used_size, 0);
}

for (let each = 0; each < WARM; each++) await connection();
const before = oldBytes();
for (let each = 0; each < count; each++) await connection();
console.log(JSON.stringify({ grown: (oldBytes() - before) / count, full }));
process.exit(0);
