import { equal, type UpstreamSettings } from '../model/index.ts';
import { RunningUpstream, type UpstreamContext, type UpstreamStatus } from './running-upstream.ts';

/** The upstreams of a gateway. One whose settings stay goes on as it is when others change. */
export class Upstreams {
  readonly #context: UpstreamContext;
  readonly #changed: (status: UpstreamStatus) => void;
  readonly #running = new Map<string, RunningUpstream>();

  /** `changed` is called with every change of an upstream's endpoints or failures. */
  constructor(context: UpstreamContext, changed: (status: UpstreamStatus) => void) {
    this.#context = context;
    this.#changed = changed;
  }

  /** These are the upstreams now; others end. Of those that are new or changed is told at once what is known. */
  set(all: readonly UpstreamSettings[]): void {
    const wanted = new Map(all.map(each => [each.name, each]));
    for (const [name, running] of this.#running) {
      if (equal(wanted.get(name), running.settings)) continue;
      running.close();
      this.#running.delete(name);
    }
    for (const [name, settings] of wanted) {
      if (this.#running.has(name)) continue;
      let begun = false;
      const running = new RunningUpstream(settings, this.#context, () => {
        if (begun) this.#changed(running.status);
      });
      begun = true;
      this.#running.set(name, running);
      this.#changed(running.status);
    }
  }

  get statuses(): readonly UpstreamStatus[] {
    return [...this.#running.values()].map(each => each.status);
  }

  close(): void {
    this.set([]);
  }
}
