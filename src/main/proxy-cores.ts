// The other cores of `weft-proxy run --concurrency`, started and watched.
import { Worker } from 'node:worker_threads';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { Cores, type CoresOptions } from '../cores/index.ts';
import type { Credentials } from '../identity/index.ts';
import type { Log } from '../telemetry/index.ts';
import { MeshTls } from '../tls/index.ts';
import type { ListeningSocket } from '../wire/index.ts';

/** Starts one thread for each core beside the first. They end with the process. `sockets`: of the process before, if any. */
export function startCores(
  config: ProxyConfig,
  log: Log,
  sockets: readonly ListeningSocket[],
  { own, source, questions }: Pick<CoresOptions, 'own' | 'source' | 'questions'>,
): Cores {
  const fail = (core: number, code: string, message: string): void => {
    log.error(
      { core, code },
      `a core of this proxy cannot go on: ${message}; ending, so that it is started again`,
    );
    process.exit(1);
  };
  const ports = Array.from({ length: config.concurrency - 1 }, (_, i) => {
    // The program's own file: weft-proxy runs as a core when it finds itself on another thread.
    const worker = new Worker(process.argv[1]!, { workerData: { config, core: i + 1, sockets } });
    worker.on('error', error => fail(i + 1, 'core-failed', String(error)));
    worker.unref();
    return worker;
  });
  return new Cores({ ports, own, source, questions, onFailed: fail });
}

/** The first core's certificate, which the others get too. */
export class SharedTls extends MeshTls {
  readonly #share: (credentials: Credentials) => void;

  constructor(share: (credentials: Credentials) => void) {
    super();
    this.#share = share;
  }

  override update(credentials: Credentials): void {
    super.update(credentials);
    this.#share(credentials);
  }
}
