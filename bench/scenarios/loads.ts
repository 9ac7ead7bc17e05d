// The kinds of load, as a Comparison takes them.
import { readResult } from '../load/load-result.ts';
import type { Load } from './rounds.ts';

/** What wrk is asked for. */
export interface WrkOptions {
  readonly connections?: number;
  readonly headers?: readonly string[];
  /** Bytes of a POST body; GET without. */
  readonly body?: number;
  readonly path?: string;
  readonly address?: string;
  /** The Host header; the address unless told. */
  readonly host?: string;
  readonly tls?: boolean;
}

/** As fast as it goes: wrk, one thread, closed loop. */
export function closedLoop(options: WrkOptions = {}): Load {
  const { connections = 32, headers = [], body = 0, path = '/', address = '127.0.0.1', host = '' } = options;
  const scheme = options.tls === true ? 'https' : 'http';
  return async (stage, port, seconds) => {
    const printed = await stage.load('env', [
      `BENCH_BODY=${body}`,
      'wrk',
      '-t1',
      `-c${connections}`,
      `-d${Math.max(1, Math.round(seconds))}s`,
      '-s',
      'bench/load/wrk.lua',
      ...[...headers, ...(host === '' ? [] : [`Host: ${host}`])].flatMap(header => ['-H', header]),
      `${scheme}://${address}:${port}${path}`,
    ]);
    return readResult(printed);
  };
}

/** At a constant rate, without coordinated omission. */
export function openLoop(rate: number, host = 'bench', address = '127.0.0.1'): Load {
  return async (stage, port, seconds) => {
    const program = ['bench/load/open-loop.ts', '--url', `http://${address}:${port}/`];
    const flags = ['--rate', `${rate}`, '--seconds', `${seconds}`, '--host', host];
    return readResult(await stage.load(process.execPath, [...program, ...flags]));
  };
}

/** The same over HTTP/2: streams of four connections. */
export function openLoopOfStreams(rate: number): Load {
  return async (stage, port, seconds) => {
    const program = ['bench/load/open-loop.ts', '--http2', '--url', `http://127.0.0.1:${port}/`];
    const flags = ['--rate', `${rate}`, '--seconds', `${seconds}`];
    return readResult(await stage.load(process.execPath, [...program, ...flags]));
  };
}

/** Streams of 100 MB. */
export function transfer(kind: 'download' | 'upload' | 'tcp'): Load {
  return async (stage, port, seconds) => {
    const flags = ['--port', `${port}`, '--kind', kind, '--seconds', `${seconds}`];
    return readResult(await stage.load(process.execPath, ['bench/load/transfer.ts', ...flags]));
  };
}

/** WebSocket messages and their echoes. */
export const websocket: Load = async (stage, port, seconds) => {
  const flags = ['--port', `${port}`, '--seconds', `${seconds}`];
  return readResult(await stage.load(process.execPath, ['bench/load/websocket.ts', ...flags]));
};

/**
 * A TLS handshake for each request, as fast as one process of Node's makes them: `full`, with the key exchange that every server
 * knows; `resumed`, with a ticket that is used once; `hybrid`, full as browsers make it, with X25519MLKEM768 where the server has
 * it. wrk is not for this: it resumes each session that it gets a ticket for, so that servers which give more of them do less.
 */
export function handshakes(kind: 'full' | 'resumed' | 'hybrid'): Load {
  const more = { full: [], resumed: ['--resume'], hybrid: ['--group', 'X25519MLKEM768:X25519'] }[kind];
  return async (stage, port, seconds) => {
    const flags = ['--port', `${port}`, '--seconds', `${seconds}`, ...more];
    return readResult(await stage.load(process.execPath, ['bench/load/handshakes.ts', ...flags]));
  };
}
