// The clients of the restart test: HTTP/1 on kept connections, gRPC calls and streams on one channel, WebSockets. Prints what
// became of them once a second, as JSON. Begins when the server has answered for the first time.
import { Agent, request } from 'node:http';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { counted, echoService, goodbye } from './echo.ts';

const host = process.argv[2]!;

/** What became of one kind of load. */
interface Tally {
  ok: number;
  readonly failures: string[];
}
const tallies: Record<string, Tally> = {};

/** Begins `one` every so often, whether the last is over or not; rejected means failed. */
function load(name: string, everyMs: number, one: () => Promise<void>): void {
  const tally: Tally = { ok: 0, failures: [] };
  tallies[name] = tally;
  setInterval(() => {
    one().then(
      () => tally.ok++,
      (error: Error) => tally.failures.push(`${new Date().toISOString()} ${error.message}`),
    );
  }, everyMs);
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
function ask(method: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = `/${Math.random()}`;
    const call = request({ agent, host, method, path, timeout: 10_000 }, answer => {
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
while (
  !(await ask('GET').then(
    () => true,
    () => false,
  ))
)
  await new Promise(resolve => setTimeout(resolve, 200));

load('GET', 40, () => ask('GET'));
load('POST', 100, () => ask('POST'));

const channel = new Client(`${host}:9090`, credentials.createInsecure());
const { Echo, Count, Talk } = echoService;
const words = (error: ServiceError): Error => new Error(`${error.code} ${error.details}`);
load('gRPC calls', 40, () => {
  const text = String(Math.random());
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 10_000;
    channel.makeUnaryRequest(
      Echo.path,
      Echo.requestSerialize,
      Echo.responseDeserialize,
      text,
      { deadline },
      (error, answer) => {
        if (error) reject(words(error));
        else if (answer === text) resolve();
        else reject(new Error(`answered ${answer}`));
      },
    );
  });
});
load('gRPC streams', 300, () => {
  return new Promise((resolve, reject) => {
    let answers = 0;
    channel
      .makeServerStreamRequest(Count.path, Count.requestSerialize, Count.responseDeserialize, 'go')
      .on('data', () => answers++)
      .on('error', error => reject(words(error as ServiceError)))
      .on('end', () => (answers === counted.answers ? resolve() : reject(new Error(`${answers} answers`))));
  });
});

const talk = (): ClientDuplexStream<string, string> =>
  channel.makeBidiStreamRequest(Talk.path, Talk.requestSerialize, Talk.responseDeserialize);

load('gRPC talks', 400, () => {
  const most = 10;
  return new Promise((resolve, reject) => {
    const call = talk();
    let heard = 0;
    call.write('0');
    call.on('data', (text: string) => {
      if (text !== String(heard)) reject(new Error(`echo ${heard} was ${text}`));
      heard++;
      if (heard === most) call.end();
      else setTimeout(() => call.write(String(heard)), 50);
    });
    call.on('error', error => reject(words(error as ServiceError)));
    call.on('end', () => (heard === most ? resolve() : reject(new Error(`${heard} of ${most} echoes`))));
  });
});

/** One WebSocket until the server says goodbye; it was good when every message had come back by its end. */
function converse(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${host}/`);
    let sent = 0;
    let echoed = 0;
    let ending = false;
    const endWhenDone = (): void => {
      if (ending && echoed === sent) socket.close(1000);
    };
    let timer: NodeJS.Timeout | undefined;
    socket.on('open', () => {
      timer = setInterval(() => {
        if (!ending) socket.send(String(sent++));
      }, 20);
    });
    socket.on('message', data => {
      if (String(data) === goodbye) ending = true;
      else if (String(data) !== String(echoed++)) reject(new Error(`echo ${echoed} was ${String(data)}`));
      endWhenDone();
    });
    socket.on('error', reject);
    socket.on('close', code => {
      clearInterval(timer);
      if (ending && echoed === sent && code === 1000) resolve();
      else reject(new Error(`closed with ${code} after ${echoed} of ${sent} echoes`));
    });
  });
}
const conversations: Tally = { ok: 0, failures: [] };
tallies.WebSockets = conversations;
/** One after the other, each as long as it lasts. */
async function forEver(tally: Tally, one: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await one();
      tally.ok++;
    } catch (error) {
      tally.failures.push(`${new Date().toISOString()} ${(error as Error).message}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}
for (let i = 0; i < 4; i++) void forEver(conversations, converse);

/**
 * A stream that its client never ends. Its server may end it, or cut it when its patience is over: then it must be UNAVAILABLE,
 * so that clients come back, and nothing that looks like a fault of theirs.
 */
function watch(): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = talk();
    const timer = setInterval(() => call.write('still there'), 100);
    call.on('data', () => {});
    call.on('error', () => {});
    call.on('status', ({ code, details }: StatusObject) => {
      clearInterval(timer);
      if (code === status.OK || code === status.UNAVAILABLE) resolve();
      else reject(new Error(`${status[code]} ${details}`));
    });
  });
}
const watches: Tally = { ok: 0, failures: [] };
tallies['long gRPC streams'] = watches;
for (let i = 0; i < 4; i++) void forEver(watches, watch);

setInterval(() => console.log(`TALLIES ${JSON.stringify(tallies)}`), 1_000);
