import { probeGrpc as askGrpc } from '../../probing/index.ts';
import type { ProbeOutcome } from './prober.ts';

/** Asks grpc.health.v1.Health/Check; SERVING is success. */
export async function probeGrpc(
  address: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const failure = await askGrpc({ port, service }, { host: address }, { timeoutMs });
  return failure === undefined ? { ok: true, detail: '' } : { ok: false, detail: failure };
}
