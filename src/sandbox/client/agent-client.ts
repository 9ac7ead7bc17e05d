import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WeftError } from '../../errors/index.ts';
import type { SandboxFolder } from '../host/index.ts';
import { tailOf } from '../runtime/index.ts';

const socketLimitMs = 60_000;

/** Speaks with a sandbox's agent. Every call rejects with a WeftError that says what to do when the agent does not answer. */
export class AgentClient {
  readonly #folder: SandboxFolder;
  readonly #name: string;

  constructor(name: string, folder: SandboxFolder) {
    this.#name = name;
    this.#folder = folder;
  }

  /** GET; `T` is what the agent answers on that path. */
  get<T>(path: string): Promise<T> {
    return this.#call<T>('GET', path, undefined);
  }

  /** POST; rejects with the agent's reason when it refuses. */
  post<T>(path: string, body: object): Promise<T> {
    return this.#call<T>('POST', path, body);
  }

  /** Calls `line` with every event, the past ones first, until the signal aborts or the agent goes away. */
  async follow(line: (text: string) => void, signal: AbortSignal): Promise<void> {
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      const asked = request({ socketPath: this.#folder.socket, path: '/events', signal }, resolve);
      asked.on('error', error => reject(this.#unreachable(error)));
      asked.end();
    });
    let rest = '';
    try {
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop()!;
        for (const text of lines) line(text);
      }
    } catch (error) {
      if (!signal.aborted) throw this.#unreachable(error as Error);
    }
  }

  /** A stream to `svc/NAME` or `pod/NAME` of the sandbox. */
  dial(target: string, port: number | string): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const asked = request({
        socketPath: this.#folder.socket,
        method: 'CONNECT',
        path: `${target}:${port}`,
        agent: false,
      });
      asked.on('error', error => reject(this.#unreachable(error)));
      asked.on('connect', (response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        if (response.statusCode === 200) {
          resolve(socket as Socket);
          return;
        }
        let text = '';
        socket.on('data', chunk => (text += String(chunk)));
        socket.on('close', () => reject(refusal(text)));
      });
      asked.end();
    });
  }

  /** Whether the agent takes connections. */
  isListening(): Promise<boolean> {
    return new Promise(resolve => {
      const socket = connect(this.#folder.socket);
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  }

  #call<T>(method: string, path: string, body: object | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#folder.socket, method, path, agent: false }, response => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', chunk => (text += String(chunk)));
        response.on('error', error => reject(this.#unreachable(error)));
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text) as T);
          else reject(refusal(text));
        });
      });
      asked.setTimeout(socketLimitMs, () => asked.destroy(new Error(`no answer within ${socketLimitMs} ms`)));
      asked.on('error', error => reject(this.#unreachable(error)));
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  #unreachable(error: Error): WeftError {
    const name = this.#name;
    if (!this.#folder.exists()) {
      return new WeftError(
        'no-sandbox',
        `there is no sandbox ${name}; start it with weft sandbox up DIR --name ${name}`,
      );
    }
    const dir = this.#folder.record()?.dir ?? 'DIR';
    const remedy = `run weft sandbox down --name ${name} and then weft sandbox up ${dir} --name ${name}`;
    const code = this.#folder.agentExitCode();
    const last = tailOf(this.#folder.agentLog, 15);
    const how =
      code === undefined ? `does not answer (${error.message})` : `has ended with exit code ${code}`;
    const lines = last === '' ? '' : `\nlast lines of ${this.#folder.agentLog}:\n${last}`;
    return new WeftError('agent-gone', `the agent of sandbox ${name} ${how}; ${remedy}${lines}`);
  }
}

function refusal(text: string): WeftError {
  try {
    return new WeftError('refused', (JSON.parse(text) as { problem: string }).problem);
  } catch {
    return new WeftError('refused', text === '' ? 'the agent refused' : text);
  }
}
