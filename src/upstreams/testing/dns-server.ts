import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** What is answered to a question: records, an error code, or nothing. */
export type FakeAnswer = readonly Answer[] | number | undefined;

/** A DNS server on loopback that answers what it is told to, over UDP and TCP; what does not fit into 512 bytes goes over TCP. */
export async function fakeDns(answer: (name: string, type: string) => FakeAnswer, on = 0) {
  const asked: string[] = [];
  const respond = (message: Buffer, over: 'udp' | 'tcp'): Buffer | undefined => {
    const query = decode(message);
    const { name, type } = query.questions![0]!;
    asked.push(`${over} ${type} ${name}`);
    const found = answer(name, type);
    if (found === undefined) return undefined;
    const packet: Packet = { type: 'response', id: query.id ?? 0, questions: query.questions ?? [] };
    if (typeof found === 'number') return encode({ ...packet, flags: found });
    const bytes = encode({ ...packet, answers: [...found] });
    if (over === 'tcp' || bytes.length <= 512) return bytes;
    return encode({ ...packet, flags: 1 << 9 });
  };
  const tcp = createServer(socket => {
    socket.on('error', () => {});
    socket.once('data', chunk => {
      const response = respond(chunk.subarray(2), 'tcp');
      if (!response) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(response.length);
      socket.end(Buffer.concat([length, response]));
    });
  });
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => {
    const response = respond(message, 'udp');
    if (response) udp.send(response, from.port, from.address);
  });
  tcp.listen(on, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as { port: number };
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    server: { host: '127.0.0.1', port },
    asked,
    close() {
      tcp.close();
      udp.close();
    },
  };
}
