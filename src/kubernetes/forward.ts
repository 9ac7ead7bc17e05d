// A connection to a port of a pod, through the API server and the kubelet: what kubectl port-forward makes, over a WebSocket.
import { Duplex, PassThrough, Writable } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';
import { errorMessage } from '../errors/index.ts';
import { ApiError } from './api-error.ts';

/** What of a WebSocket is used here. */
interface ForwardSocket {
  close(): void;
  pause(): void;
  resume(): void;
  on(event: 'close' | 'error', heard: () => void): unknown;
}

/**
 * Connects to a port of a pod. The stream ends when either side does; what the pod's side has to say of a failure is its error.
 * Resolves with an ApiError where the API server refuses.
 */
export async function forwardPort(
  config: KubeConfig,
  namespace: string,
  pod: string,
  port: number,
): Promise<Duplex | ApiError> {
  const input = new PassThrough();
  let socket: ForwardSocket | undefined;
  const duplex: Duplex = new Duplex({
    read: () => socket?.resume(),
    write: (chunk, _encoding, done) => void input.write(chunk, done),
    final(done) {
      input.end();
      done();
    },
    destroy(error, done) {
      socket?.close();
      done(error);
    },
  });
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!duplex.push(chunk)) socket?.pause();
      done();
    },
  });
  const failure = new Writable({
    write(chunk: Buffer, _encoding, done) {
      // The first message of each channel says which port it is for, and what is left of it is empty.
      if (chunk.length > 0) duplex.destroy(new Error(chunk.toString().trim().slice(0, 300)));
      done();
    },
  });
  // It may fail before whoever asked has it in hand: `errored` tells them then.
  duplex.on('error', () => {});
  try {
    const made = await new PortForward(config).portForward(namespace, pod, [port], output, failure, input);
    socket = (typeof made === 'function' ? made() : made) as unknown as ForwardSocket;
  } catch (thrown) {
    return refusal(thrown, namespace, pod, port);
  }
  const over = (): void => {
    if (!duplex.destroyed) duplex.push(null);
  };
  socket.on('close', over);
  socket.on('error', over);
  return duplex;
}

/** The library rejects with the event of the WebSocket, whose message has the status. */
function refusal(thrown: unknown, namespace: string, pod: string, port: number): ApiError {
  const words =
    thrown instanceof Error
      ? errorMessage(thrown)
      : String((thrown as { message?: unknown }).message ?? thrown);
  const status = Number(/\b([45]\d\d)\b/.exec(words)?.[1] ?? 0);
  const where = `port ${port} of pod ${pod} in ${namespace}`;
  if (status === 403) {
    const why = `this account has not the right to create pods/portforward in namespace ${namespace}`;
    return new ApiError('api-forbidden', why, { status, reason: 'Forbidden' }, thrown);
  }
  const why = `no connection to ${where} through the API server: ${words}`;
  return new ApiError('api-unreachable', why, { status, reason: '' }, thrown);
}
