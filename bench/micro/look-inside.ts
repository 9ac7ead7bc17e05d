// Loaded into weft-proxy before it starts: tells what is inside when asked to, and ends it.
process.on('SIGUSR2', () => {
  const modules = (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList.length;
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed;
  process.stdout.write(`INSIDE ${JSON.stringify({ modules, heapBytes })}\n`, () => process.exit(0));
});
