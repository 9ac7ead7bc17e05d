// Calls a server that speaks first again and again, as its own clients do, and prints what became of it as JSON.
// node client.ts mariadb|ssh|nats HOST PORT CALLS AT-ONCE
import { connect, type Socket } from 'node:net';

/** What a client makes of what it has heard so far: bytes to say, the end, or undefined for more. Throws for what is no good. */
type Talk = (heard: Buffer, said: number) => Buffer | 'done' | undefined;

const packet = (sequence: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([payload.length & 255, payload.length >> 8, 0, sequence]), payload]);

/** PROTOCOL_41, LONG_PASSWORD, SECURE_CONNECTION, PLUGIN_AUTH; no password (mariadb.com/kb, connection phase). */
const login = packet(
  1,
  Buffer.concat([
    Buffer.from([1, 0x82, 8, 0, 0, 0, 0, 1, 45]),
    Buffer.alloc(23),
    Buffer.from('app\0\0mysql_native_password\0'),
  ]),
);
const ping = packet(0, Buffer.from([0x0e]));

/** The server's packets so far; undefined while the last is not whole. */
function packets(heard: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= heard.length; ) {
    const end = at + 4 + heard.readUIntLE(at, 3);
    if (end > heard.length) break;
    found.push(heard.subarray(at + 4, end));
    at = end;
  }
  for (const each of found)
    if (each[0] === 0xff) throw new Error(`error ${each.readUInt16LE(1)} ${each.toString('latin1', 3)}`);
  return found;
}

const talks: Readonly<Record<string, Talk>> = {
  // Greeting, login, a ping: two answers more.
  mariadb(heard, said) {
    const got = packets(heard).length;
    if (said < got && said < 2) return said === 0 ? login : ping;
    return got >= 3 ? 'done' : undefined;
  },
  // Its banner, ours, its offer of algorithms (RFC 4253 section 7.1: 20 is KEXINIT).
  ssh(heard, said) {
    const end = heard.indexOf('\r\n');
    if (end < 0) return undefined;
    if (!heard.toString('latin1', 0, end).startsWith('SSH-2.0-')) throw new Error('no banner of SSH');
    if (said === 0) return Buffer.from('SSH-2.0-test\r\n');
    if (heard.length < end + 2 + 6) return undefined;
    if (heard[end + 2 + 5] !== 20) throw new Error('no offer of algorithms');
    return 'done';
  },
  nats(heard, said) {
    const text = heard.toString('latin1');
    if (!text.includes('\r\n')) return undefined;
    if (!text.startsWith('INFO {')) throw new Error(`no INFO: ${text.slice(0, 20)}`);
    if (said === 0) return Buffer.from('CONNECT {"verbose":false}\r\nPING\r\n');
    return text.includes('PONG') ? 'done' : undefined;
  },
};

const [kind = '', host = '', port = '', calls = '', atOnce = ''] = process.argv.slice(2);
const talk = talks[kind]!;

/** One connection; '' when all went well. */
function call(): Promise<string> {
  return new Promise(resolve => {
    const socket: Socket = connect({ host, port: Number(port) });
    let heard = Buffer.alloc(0);
    let said = 0;
    const end = (outcome: string): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(20_000, () => end(`silent after ${heard.length} bytes`));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    socket.on('end', () => end(`closed after ${heard.length} bytes`));
    socket.on('data', bytes => {
      heard = Buffer.concat([heard, bytes]);
      try {
        const next = talk(heard, said);
        if (next === 'done') {
          if (kind === 'mariadb') socket.write(packet(0, Buffer.from([1])));
          end('');
        } else if (next !== undefined) {
          said++;
          socket.write(next);
        }
      } catch (error) {
        end((error as Error).message);
      }
    });
  });
}

const failures: Record<string, number> = {};
let [left, good] = [Number(calls), 0];
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    while (left-- > 0) {
      const outcome = await call();
      if (outcome === '') good++;
      else failures[outcome] = (failures[outcome] ?? 0) + 1;
    }
  }),
);
process.stdout.write(`${JSON.stringify({ good, failures })}\n`);
