import { readObject, refOf, type Stored } from '../../registry/index.ts';
import { attachSandbox } from '../proxies/which-sandbox.ts';
import type { ReadObjects } from './from-files.ts';

/** Every object of a sandbox, its live pods and endpoints included. Rejects with a WeftError when there is no such sandbox. */
export async function readSandbox(name: string | true): Promise<ReadObjects> {
  const sandbox = attachSandbox(name);
  const objects: Stored[] = [];
  for (const item of await sandbox.objects()) {
    const read = readObject(item);
    if (read.kind === 'object') objects.push({ object: read.object, ref: refOf(read.object) });
  }
  const { problems } = await sandbox.status();
  return { objects, problems };
}
