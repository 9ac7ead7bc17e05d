// The client of the chaos suite: calls at a steady rate whether the last is over or not, and connections that last. Begins when
// the server has answered for the first time, and prints what became of everything.
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { WebSocket } from 'ws';
import { echoService } from '../sandbox/restarts/echo.ts';
import { type Kind, type Outcome, writeOutcomes } from './kinds.ts';

const host = process.argv[2]!;
/** After which a client gives a call up, and takes a connection that says nothing for dead. */
const patienceMs = 20_000;
/** Connections of each kind that lasts. */
const lanes = 4;

const outcomes: Outcome[] = [];
const nowMs = (): number => performance.timeOrigin + performance.now();

function note(kind: Kind, lane: number, sinceMs: number, error = ''): void {
  const atMs = nowMs();
  outcomes.push({ atMs, kind, lane, tookMs: atMs - sinceMs, error });
}

function calls(kind: Kind, everyMs: number, call: () => Promise<void>): void {
  setInterval(() => {
    const sinceMs = nowMs();
    call().then(
      () => note(kind, 0, sinceMs),
      (error: Error) => note(kind, 0, sinceMs, error.message),
    );
  }, everyMs);
}

const kept = new Agent({ keepAlive: true, maxSockets: 32 });

function ask(method: string, agent: Agent | false): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = `/${Math.random()}`;
    const call = request({ agent, host, method, path, timeout: patienceMs }, answer => {
      answer.setEncoding('utf8').on('error', reject);
      answer.toArray().then(parts => {
        const text = parts.join('');
        if (answer.statusCode === 200 && text === `${method} ${path}`) resolve();
        else reject(new Error(`${answer.statusCode}`));
      }, reject);
    });
    call.on('error', (error: NodeJS.ErrnoException) => reject(new Error(error.code ?? error.message)));
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.end();
  });
}

const channel = new Client(`${host}:9090`, credentials.createInsecure(), {
  // As services do that want to be back as soon as their network is.
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.initial_reconnect_backoff_ms': 200,
});
const { Echo } = echoService;

function callGrpc(): Promise<void> {
  const text = String(Math.random());
  return new Promise((resolve, reject) => {
    channel.makeUnaryRequest(
      Echo.path,
      Echo.requestSerialize,
      Echo.responseDeserialize,
      text,
      { deadline: Date.now() + patienceMs },
      (error, answer) => {
        if (error) reject(new Error(`gRPC ${error.code}`));
        else if (answer === text) resolve();
        else reject(new Error('another answer'));
      },
    );
  });
}

/** A connection on which one message after the other is sent and comes back. */
interface Talk {
  send(text: string): void;
  end(): void;
}
type Open = (heard: (text: string) => void, opened: () => void, ended: (why: string) => void) => Talk;

/** Keeps one connection of the kind in use for ever; one that breaks is noted once, and made anew. */
function talkForEver(kind: Kind, lane: number, open: Open): void {
  let sent = '';
  let sinceMs = nowMs();
  let over = false;
  let patience: NodeJS.Timeout | undefined;
  const say = (): void => {
    if (over) return;
    sent = String(Math.random());
    sinceMs = nowMs();
    talk.send(sent);
  };
  const ended = (why: string): void => {
    if (over) return;
    over = true;
    clearTimeout(patience);
    note(kind, lane, sinceMs, why);
    setTimeout(() => talkForEver(kind, lane, open), 200);
  };
  const patient = (): void => {
    clearTimeout(patience);
    patience = setTimeout(() => {
      ended('no answer');
      talk.end();
    }, patienceMs);
  };
  patient();
  const talk = open(
    text => {
      if (text !== sent) return;
      note(kind, lane, sinceMs);
      patient();
      setTimeout(say, 100);
    },
    say,
    ended,
  );
}

const webSocket: Open = (heard, opened, ended) => {
  const socket = new WebSocket(`ws://${host}/`);
  socket.on('open', opened);
  socket.on('message', data => heard(String(data)));
  socket.on('error', (error: NodeJS.ErrnoException) => ended(error.code ?? error.message));
  socket.on('close', code => ended(`closed ${code}`));
  return { send: text => socket.send(text), end: () => socket.terminate() };
};

const tcp: Open = (heard, opened, ended) => {
  const socket = connect(7000, host);
  let text = '';
  socket.setEncoding('utf8').setNoDelay(true);
  socket.on('connect', opened);
  socket.on('data', chunk => {
    text += String(chunk);
    const lines = text.split('\n');
    text = lines.pop()!;
    for (const line of lines) heard(line);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => ended(error.code ?? error.message));
  socket.on('close', () => ended('closed'));
  return { send: line => socket.write(`${line}\n`), end: () => socket.destroy() };
};

const isUp = (): Promise<boolean> =>
  Promise.all([ask('GET', false), callGrpc()]).then(
    () => true,
    () => false,
  );
while (!(await isUp())) await new Promise(resolve => setTimeout(resolve, 200));

calls('GET', 40, () => ask('GET', kept));
calls('POST', 100, () => ask('POST', kept));
calls('gRPC', 40, callGrpc);
calls('new connections', 200, () => ask('GET', false));
for (let lane = 0; lane < lanes; lane++) {
  talkForEver('WebSockets', lane, webSocket);
  talkForEver('TCP', lane, tcp);
}
setInterval(() => {
  if (outcomes.length > 0) console.log(writeOutcomes(outcomes.splice(0)));
}, 100);
