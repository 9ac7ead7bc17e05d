import type { ServerResponse } from 'node:http';
import { guarded } from '../../errors/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';
import type { PageMesh, StreamMessage } from '../contract.ts';
import type { DashboardSource } from '../source.interface.ts';
import { MAX_WAITING_BYTES, STALLED_MS } from './limits.ts';

/**
 * What one open page is told, as lines of JSON: the mesh, then figures whenever there are new ones, and the mesh again when it
 * changed. A page that does not keep up misses figures and never the last mesh; one that takes nothing at all is let go.
 */
export class PageStream {
  readonly #response: ServerResponse;
  readonly #source: DashboardSource;
  readonly #opened: ReadonlySet<string>;
  readonly #clock: Clock;
  #told: PageMesh | undefined;
  #stalled: Cancel | undefined;

  constructor(response: ServerResponse, source: DashboardSource, opened: ReadonlySet<string>, clock: Clock) {
    this.#response = response;
    this.#source = source;
    this.#opened = opened;
    this.#clock = clock;
  }

  /** Answers, and goes on until the page closes. */
  start(): void {
    const response = this.#response;
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    const unwatch = this.#source.watch(
      guarded(
        'dashboard',
        () => this.#tell(),
        () => response.destroy(),
      ),
    );
    response.once(
      'close',
      guarded('dashboard', () => {
        unwatch();
        this.#stalled?.();
      }),
    );
    this.#tell();
  }

  #tell(): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (response.writableLength > MAX_WAITING_BYTES) {
      this.#stalled ??= this.#clock.after(STALLED_MS, () => response.destroy());
      return;
    }
    this.#stalled?.();
    this.#stalled = undefined;
    const mesh = this.#source.mesh(this.#opened);
    if (mesh !== this.#told) this.#write({ type: 'mesh', mesh });
    this.#told = mesh;
    this.#write({ type: 'figures', figures: this.#source.figures(this.#opened) });
  }

  #write(message: StreamMessage): void {
    this.#response.write(`${JSON.stringify(message)}\n`);
  }
}
