import { probeTcp as connectTcp, probeHttp as getHttp, hookHttp } from '../../probing/index.ts';
import type { Container, HttpGet } from '../kube/index.ts';
import type { ProbeOutcome } from './prober.ts';

function outcomeOf(failure: string | undefined): ProbeOutcome {
  return failure === undefined ? { ok: true, detail: '' } : { ok: false, detail: failure };
}

/** GET with any status from 200 to 399 is success; `get.host` is asked in place of the pod, where it is given. */
export async function probeHttp(
  address: string,
  port: number,
  get: HttpGet,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  return outcomeOf(await getHttp({ ...get, port }, { host: get.host || address }, { timeoutMs }));
}

/** A hook: any answer is success. */
export async function runHttpHook(
  address: string,
  port: number,
  get: HttpGet,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  return outcomeOf(await hookHttp({ ...get, port }, { host: get.host || address }, { timeoutMs }));
}

/** A connection that opens is success. */
export async function probeTcp(address: string, port: number, timeoutMs: number): Promise<ProbeOutcome> {
  return outcomeOf(await connectTcp(port, { host: address }, timeoutMs));
}

/** The number of a port: by its name in the same container and no other, or written as a text. A text: why there is none. */
export function containerPort(container: Container, port: number | string): number | string {
  const named = container.ports?.find(({ name }) => name !== undefined && name === port)?.containerPort;
  const number = named ?? (/^\d+$/.test(String(port)) ? Number(port) : 0);
  if (number > 0 && number < 65_536) return number;
  return `container ${container.name} declares no port ${JSON.stringify(port)}`;
}
