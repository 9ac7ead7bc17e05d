// The callee's proxy as it was before connections of apps were streams: what it offers in TLS, and what it does with bytes.
import { connect } from 'node:net';
import { acceptMeshTls, type MeshTls } from '../../tls/index.ts';
import { Listener, type Wire } from '../../wire/index.ts';
import { readPreface } from '../connect/preface.ts';

/** An inbound listener of the older kind. */
export interface OlderProxy {
  readonly port: number;
  /** Mesh connections so far, by what was agreed on for each. */
  readonly agreed: readonly string[];
  close(): void;
}

/** Ends mesh TLS, and carries bytes to the port that the preface names. */
export function olderProxy(tls: MeshTls): OlderProxy {
  const agreed: string[] = [];
  const offered = ['weft/h2', 'weft/h1', 'weft/tcp'];
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    acceptMeshTls(wire, Buffer.alloc(0), tls, offered, {
      onSecured: ({ wire: clear, protocol, principal }) => {
        agreed.push(protocol);
        carry(clear, principal);
      },
      onHandshakeError() {},
      onFault() {},
    });
  });
  return { port: listener.port, agreed, close: () => listener.close() };
}

function carry(clear: Wire, principal: string): void {
  let read = Buffer.alloc(0);
  let app: ReturnType<typeof connect> | undefined;
  const onData = (bytes: Buffer, start: number, end: number): void => {
    if (app !== undefined) {
      app.write(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    read = Buffer.concat([read, bytes.subarray(start, end)]);
    const preface = readPreface(read, principal);
    if (preface.kind !== 'preface') return;
    app = connect({ port: preface.preface.port, host: '127.0.0.1', allowHalfOpen: true });
    app.on('error', () => {});
    app.on('data', data => clear.write(data, 0, data.length));
    app.on('end', () => clear.end());
    app.write(read.subarray(preface.end));
  };
  clear.handler = {
    onData,
    onEnd: () => void app?.end(),
    onDrain() {},
    onClose: () => void app?.destroy(),
  };
  clear.resume();
}
