// What a proxy keeps after a fixed load, once it has given back what it need not: as it is shipped, compiled and collected by V8
// as V8 likes.
import { setTimeout as sleep } from 'node:timers/promises';
import { imageFlags } from '../machine.ts';
import { type Kind, privateByKind } from '../memory/mappings.ts';
import { startWeft } from '../peers/index.ts';
import { ownBackend } from '../scenarios/backends.ts';
import type { Stage } from '../stage.ts';
import { send } from './requests.ts';

const requests = 5_000;
/** It gives back at looks 2 s apart, after three quiet ones; the least of what is seen until then is what it needs. */
const looks = 12;
/** Of files: who else has mapped them decides whether they are private. */
const shared: readonly Kind[] = ['node: code', 'libraries', 'other files'];

/** Kilobytes of a hop. */
export async function memoryKept(stage: Stage): Promise<Record<string, number>> {
  const { http } = await ownBackend(stage);
  const job = { protocol: 'http', topology: 'hop', backend: http } as const;
  const flags = imageFlags().split(' ').filter(Boolean);
  const { port, programs } = await startWeft(job, stage, { flags, ipc: false });
  await send(port, requests, '');
  const { pid } = programs[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < looks; look++) {
    await sleep(1_000);
    const kinds = Object.entries(privateByKind(pid, process.execPath)) as [Kind, number][];
    least = Math.min(
      least,
      kinds.reduce((sum, [kind, kb]) => (shared.includes(kind) ? sum : sum + kb), 0),
    );
  }
  return { hop_memory_kb: least * 1.024 };
}
