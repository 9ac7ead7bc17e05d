import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the condition holds; fails after ten seconds, naming what was waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > limitMs) throw new Error(`waited in vain: ${what}`);
    await sleep(5);
  }
}
