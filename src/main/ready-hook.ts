// What `weft-proxy wait` does. It is loaded by each postStart hook, so it imports next to nothing: not even an HTTP client.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { PORTS } from '../config/names.ts';

/** Seconds until it gives up. */
export const WAIT_SECONDS = 60;

const lookEveryMs = 50;
const answerMs = 1_000;

/** Ends when the proxy of this pod is ready; after `seconds` with exit code 1 and what it last said. */
export async function waitForProxy(
  port: number = PORTS.health,
  seconds: number = WAIT_SECONDS,
): Promise<void> {
  const untilMs = Date.now() + seconds * 1000;
  for (;;) {
    const reason = await whyNotReady(port);
    if (reason === undefined) return;
    if (Date.now() >= untilMs) {
      process.stderr.write(`weft-proxy wait: the proxy is not ready after ${seconds} s: ${reason}\n`);
      process.exitCode = 1;
      return;
    }
    await sleep(lookEveryMs);
  }
}

/** Asks once. In HTTP/1.0, whose answers end with their connection: a connection that is kept would keep this process. */
function whyNotReady(port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.setTimeout(answerMs, () => {
      socket.destroy();
      resolve(`no answer from http://127.0.0.1:${port}/ready within ${answerMs} ms`);
    });
    socket.on('connect', () => socket.write('GET /ready HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n'));
    socket.on('data', (piece: string) => {
      answer += piece;
    });
    socket.on('error', ({ message }) => resolve(message));
    socket.on('end', () => resolve(reasonIn(answer)));
  });
}

/** Undefined where the answer is 200 and whole. */
function reasonIn(answer: string): string | undefined {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? body.length);
  if (head === '' || body.length < length) return 'aborted: the answer stopped in the middle';
  return /^HTTP\/1\.\d 200 /.test(head) ? undefined : body.trim();
}
