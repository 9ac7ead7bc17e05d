import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DemoMesh, DemoPod } from './mesh.interface.ts';

/** One request to a pod from outside the mesh. */
export interface PodCall {
  readonly mesh: Pick<DemoMesh, 'dial'>;
  readonly pod: DemoPod;
  readonly port: number;
  readonly path: string;
  /** GET unless said. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: object;
  /** 15 s unless said. */
  readonly timeoutMs?: number;
}

/** Calls a pod once, on a connection of its own; the text of a 2xx answer, an Error that names pod and path otherwise. */
export async function callText(call: PodCall): Promise<string> {
  const { mesh, pod, port, path, method = 'GET', timeoutMs = 15_000 } = call;
  const fail = (what: string) => new Error(`${method} ${pod.name}:${port}${path}: ${what}`);
  const socket = await mesh.dial(pod, port).catch((thrown: unknown) => {
    throw fail(thrown instanceof Error ? thrown.message : String(thrown));
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), timeoutMs);
  send(socket, call, (status, text) => {
    if (status >= 200 && status <= 299) resolve(text);
    else reject(fail(`answered ${status} ${text.slice(0, 300)}`));
  }).on('error', error => reject(fail(error.message)));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** The JSON of a 2xx answer; see callText. */
export async function callJson<T>(call: PodCall): Promise<T> {
  const text = await callText(call);
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${call.pod.name}:${call.port}${call.path}: the answer is not JSON`);
  }
}

function send(socket: Duplex, call: PodCall, done: (status: number, text: string) => void) {
  const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
  const outgoing = request({
    createConnection: () => socket,
    host: call.pod.name,
    path: call.path,
    method: call.method ?? 'GET',
    headers: {
      Connection: 'close',
      ...(payload === undefined ? {} : { 'Content-Length': Buffer.byteLength(payload) }),
    },
  });
  outgoing.on('response', response => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
    });
    response.on('error', error => outgoing.emit('error', error));
    response.on('end', () => done(response.statusCode ?? 0, text));
  });
  outgoing.end(payload);
  return outgoing;
}
