// What becomes of the records of TLS that come out of one read: they go on together, and none is left lying.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { CertificateAuthority } from '../ca/index.ts';
import { createKeyAndCsr, readCredentials } from '../identity/index.ts';
import { parseSpiffe } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { Listener, type Wire } from '../wire/index.ts';
import { ALPN, acceptMeshTls, MeshTls } from './index.ts';

const fullRecord = 16_384;

/** A client of mesh TLS whose bytes go to a receiver in clear; `pieces`: how many writes towards the receiver there were. */
async function relay(): Promise<{
  send: (bytes: Buffer) => void;
  received: (length: number) => Promise<Buffer>;
  pieces: () => number;
  close: () => void;
}> {
  const ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = ca.sign(csrPem, parseSpiffe('spiffe://cluster.local/ns/default/sa/both')!, {
    lifetimeMs: 3_600_000,
  });
  if (signed instanceof Error) throw signed;
  const credentials = readCredentials({ keyPem, chainPem: signed.chainPem, roots: ca.roots }, Date.now());
  if (credentials instanceof Error) throw credentials;
  const tls = new MeshTls();
  tls.update(credentials);

  let pieces = 0;
  const plain = Promise.withResolvers<Wire>();
  const clear = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    const { native } = wire;
    const write = native.writeBuffer.bind(native);
    native.writeBuffer = (request, bytes) => {
      pieces++;
      return write(request, bytes);
    };
    plain.resolve(wire);
  });
  const receiver = connectTcp(clear.port, '127.0.0.1');
  const got: Buffer[] = [];
  let length = 0;
  let wake = (): void => {};
  receiver.on('data', bytes => {
    got.push(bytes);
    length += bytes.length;
    wake();
  });
  const to = await plain.promise;

  const secure = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    const relayed = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
    wire.handler = {
      ...relayed,
      onData(bytes, start, end) {
        acceptMeshTls(wire, Buffer.from(bytes.subarray(start, end)), tls, [ALPN.tcp], {
          onSecured: secured => {
            secured.wire.handler = {
              ...relayed,
              onData: (read, from, until) => void to.write(read, from, until),
            };
            secured.wire.resume();
          },
          onHandshakeError: reason => plain.reject(new Error(reason)),
        });
      },
    };
    wire.resume();
  });
  const client = connectTls({
    ...{ port: secure.port, key: keyPem, cert: signed.chainPem, ca: [...ca.roots] },
    ...{ ALPNProtocols: [ALPN.tcp], checkServerIdentity: () => undefined },
  });
  await once(client, 'secureConnect');
  return {
    send: bytes => client.write(bytes),
    async received(wanted) {
      while (length < wanted) await new Promise<void>(resolve => (wake = resolve));
      return Buffer.concat(got);
    },
    pieces: () => pieces,
    close() {
      for (const each of [client, receiver, to]) each.destroy();
      clear.close();
      secure.close();
    },
  };
}

test('full records that came with one read are passed on in fewer writes than there are records', async context => {
  const { send, received, pieces, close } = await relay();
  context.after(close);
  const records = 64;
  const bytes = Buffer.alloc(records * fullRecord, 'abcdefg');
  send(bytes);
  assert.ok((await received(bytes.length)).equals(bytes));
  assert.ok(pieces() <= records / 2, `${pieces()} writes for ${records} records`);
});

test('a full record behind which nothing comes is passed on all the same, as is the short one after it', async context => {
  const { send, received, close } = await relay();
  context.after(close);
  for (let sent = 0; sent < 4 * fullRecord; sent += fullRecord) {
    send(Buffer.alloc(fullRecord, 'x'));
    assert.equal((await received(sent + fullRecord)).length, sent + fullRecord);
  }
  send(Buffer.from('end'));
  assert.ok((await received(4 * fullRecord + 3)).toString().endsWith('xend'));
});
