import type { Cancel, Clock } from '../../time/index.ts';
import type { EventLog, ObjectStore } from '../kube/index.ts';
import { run } from '../runtime/index.ts';
import { NETWORK } from './namespaces.ts';
import { serviceRules } from './service-rules.ts';

/** Changes that come within this time are written together. */
const gatherMs = 5;

/** Keeps the packet rules for Service addresses in step with the store. Runs inside the node's network namespace. */
export class ServiceProxy {
  readonly #store: ObjectStore;
  readonly #events: EventLog;
  readonly #clock: Clock;
  #written = '';
  #writing = false;
  #again = false;
  #stopped = false;
  #stop: () => void = () => {};
  #cancel: Cancel | undefined;

  constructor(store: ObjectStore, events: EventLog, clock: Clock) {
    this.#store = store;
    this.#events = events;
    this.#clock = clock;
  }

  /** Follows the store until `stop`. */
  start(): void {
    this.#stop = this.#store.onChange(change => {
      if (change.object.kind === 'Service' || change.object.kind === 'EndpointSlice') this.#schedule();
    });
    this.#schedule();
  }

  /** Rules stay as they are; they go with the namespace. */
  stop(): void {
    this.#stopped = true;
    this.#stop();
    this.#cancel?.();
  }

  #schedule(): void {
    if (this.#cancel || this.#stopped) return;
    this.#cancel = this.#clock.after(gatherMs, () => {
      this.#cancel = undefined;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    if (this.#writing) {
      this.#again = true;
      return;
    }
    const rules = serviceRules(
      this.#store.list('Service'),
      this.#store.list('EndpointSlice'),
      NETWORK.services,
    );
    if (rules === this.#written) return;
    this.#writing = true;
    const { code, output } = await run(['iptables-restore', '-w', '10'], { input: rules });
    this.#writing = false;
    if (code === 0) this.#written = rules;
    else
      this.#events.add(
        'Warning',
        'ServiceRules',
        undefined,
        `iptables-restore refused the Service rules: ${output}`,
      );
    if (this.#again) {
      this.#again = false;
      this.#schedule();
    }
  }
}
