// One kept connection to the stock service, questions pipelined on it, opened again when it is lost.
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { dial } from './dial.ts';
import { Refusal } from './service.ts';

/** How many are left, and which pod of stock said so. */
export interface Count {
  readonly count: number;
  readonly servedBy: string;
}

interface Question {
  readonly id: string;
  readonly resolve: (count: Count) => void;
  readonly reject: (error: Error) => void;
}

/** A connection; `lost` once it can take no more questions. */
interface Line {
  readonly socket: Socket;
  readonly asked: Question[];
  greeting: string;
  lost: boolean;
}

/** Asks the stock service. Reading is safe to repeat, so a question whose connection was lost is asked again. */
export class StockClient {
  readonly #host: string;
  readonly #port: number;
  readonly #attempts = 4;
  #line: Promise<Line> | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  /** A Refusal 502 when four connections in a row were lost, 404 when stock does not know the product. */
  async count(id: string): Promise<Count> {
    let last = '';
    for (let attempt = 0; attempt < this.#attempts; attempt += 1) {
      if (attempt > 1) await sleep(50 * attempt);
      try {
        return await this.#ask(id);
      } catch (thrown) {
        if (thrown instanceof Refusal) throw thrown;
        last = thrown instanceof Error ? thrown.message : String(thrown);
      }
    }
    throw new Refusal(502, `stock at ${this.#host}:${this.#port}: ${last}`);
  }

  async #ask(id: string): Promise<Count> {
    let opening = this.#line;
    if (!opening || (await opening.catch(() => undefined))?.lost !== false) {
      // Another question may have opened a new one meanwhile.
      if (this.#line === opening) this.#line = this.#open();
      opening = this.#line!;
    }
    const line = await opening;
    const { promise, resolve, reject } = Promise.withResolvers<Count>();
    if (line.lost) throw new Error('the connection was closed');
    line.asked.push({ id, resolve, reject });
    line.socket.write(`COUNT ${id}\r\n`);
    return promise;
  }

  async #open(): Promise<Line> {
    const socket = await dial(this.#host, this.#port);
    const line: Line = { socket, asked: [], greeting: '', lost: false };
    let pending = '';
    const lose = (why: string) => {
      line.lost = true;
      for (const question of line.asked.splice(0)) question.reject(new Error(why));
    };
    socket.setEncoding('utf8').setNoDelay(true).setTimeout(5_000);
    socket.on('data', (text: string) => {
      const lines = (pending + text).split('\r\n');
      pending = lines.pop()!;
      for (const said of lines) hear(line, said);
    });
    socket.on('timeout', () => {
      if (line.asked.length > 0) socket.destroy(new Error('no answer within 5 s'));
    });
    socket.on('error', error => lose(error.message));
    socket.on('end', () => lose('the connection was closed'));
    socket.on('close', () => lose('the connection was closed'));
    return line;
  }
}

function hear(line: Line, said: string): void {
  if (line.greeting === '') {
    line.greeting = said;
    return;
  }
  if (said === 'BYE') {
    line.lost = true;
    line.socket.end();
    return;
  }
  const question = line.asked.shift();
  if (!question) return;
  const [verdict, id, count] = said.split(' ');
  if (verdict === 'OK' && id === question.id) {
    question.resolve({ count: Number(count), servedBy: line.greeting.split(' ').at(-1) ?? '' });
  } else question.reject(new Refusal(404, `stock said: ${said}`));
}
