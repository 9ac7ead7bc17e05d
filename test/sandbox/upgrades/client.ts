// The clients of the upgrade test: HTTP/1 on kept and on new connections, gRPC calls and talks on one channel, WebSockets, and
// connections of bytes, each of which lasts for a second or two. Prints what became of them, as JSON, twice a second.
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { Client, type ClientDuplexStream, credentials, type ServiceError } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { echoService } from '../restarts/echo.ts';

const host = process.argv[2]!;

interface Tally {
  ok: number;
  readonly failures: string[];
}
const tallies: Record<string, Tally> = {};
const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

/** So many at once go on for ever, each with a pause after it. */
function load(name: string, atOnce: number, pauseMs: number, one: () => Promise<void>): void {
  const tally: Tally = { ok: 0, failures: [] };
  tallies[name] = tally;
  const forEver = async (): Promise<void> => {
    for (;;) {
      await one().then(
        () => tally.ok++,
        (error: Error) => tally.failures.push(`${new Date().toISOString()} ${error.message}`),
      );
      await wait(pauseMs);
    }
  };
  for (let i = 0; i < atOnce; i++) void forEver();
}

function ask(method: string, agent: Agent | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = `/${Math.random()}`;
    const call = request({ agent: agent ?? false, host, method, path, timeout: 10_000 }, answer => {
      answer.setEncoding('utf8').on('error', reject);
      answer.toArray().then(parts => {
        const text = parts.join('');
        if (answer.statusCode === 200 && text === `${method} ${path}`) resolve();
        else reject(new Error(`${answer.statusCode} ${text}`));
      }, reject);
    });
    call.on('error', reject).on('timeout', () => call.destroy(new Error('no answer in 10 s')));
    call.end();
  });
}
for (let there = false; !there; await wait(200))
  there = await ask('GET', undefined).then(
    () => true,
    () => false,
  );

const kept = new Agent({ keepAlive: true, maxSockets: 4 });
load('GET', 4, 20, () => ask('GET', kept));
load('POST', 2, 40, () => ask('POST', kept));
load('GET on new connections', 2, 40, () => ask('GET', undefined));

const channel = new Client(`${host}:9090`, credentials.createInsecure());
const { Echo, Talk } = echoService;
const words = (error: ServiceError): Error => new Error(`${error.code} ${error.details}`);
load(
  'gRPC calls',
  3,
  20,
  () =>
    new Promise((resolve, reject) => {
      const text = String(Math.random());
      const { path, requestSerialize, responseDeserialize } = Echo;
      const deadline = Date.now() + 10_000;
      channel.makeUnaryRequest(
        ...([path, requestSerialize, responseDeserialize, text, { deadline }] as const),
        (error, answer) => {
          if (error) reject(words(error));
          else if (answer === text) resolve();
          else reject(new Error(`answered ${answer}`));
        },
      );
    }),
);
load(
  'gRPC talks',
  3,
  50,
  () =>
    new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = Talk;
      const call: ClientDuplexStream<string, string> = channel.makeBidiStreamRequest(
        ...([path, requestSerialize, responseDeserialize] as const),
      );
      const most = 15;
      let heard = 0;
      call.write('0');
      call.on('data', (text: string) => {
        if (text !== String(heard)) reject(new Error(`echo ${heard} was ${text}`));
        heard++;
        if (heard === most) call.end();
        else setTimeout(() => call.write(String(heard)), 100);
      });
      call.on('error', error => reject(words(error as ServiceError)));
      call.on('end', () => (heard === most ? resolve() : reject(new Error(`${heard} of ${most} echoes`))));
    }),
);
load(
  'WebSockets',
  4,
  20,
  () =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://${host}/`);
      const most = 40;
      let echoed = 0;
      socket.on('open', () => socket.send('0'));
      socket.on('message', data => {
        if (String(data) !== String(echoed)) reject(new Error(`echo ${echoed} was ${String(data)}`));
        if (++echoed === most) socket.close(1000);
        else setTimeout(() => socket.send(String(echoed)), 40);
      });
      socket.on('error', reject);
      socket.on('close', code =>
        echoed === most && code === 1000
          ? resolve()
          : reject(new Error(`closed with ${code} after ${echoed} of ${most} echoes`)),
      );
    }),
);
load('TCP', 4, 20, async () => {
  const socket = connect(7000, host);
  await once(socket, 'connect');
  for (let i = 0; i < 30; i++) {
    const text = `${i} ${Math.random()}`;
    socket.write(text);
    const [echo] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
    if (echo.toString() !== text) throw new Error(`'${text}' came back as '${echo}'`);
    await wait(40);
  }
  socket.end();
  await once(socket, 'close');
});

setInterval(() => console.log(`TALLIES ${JSON.stringify(tallies)}`), 500);
