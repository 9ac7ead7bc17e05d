// A cluster for tests of controllers: a store, the loop's reconcilers run by hand, and pods that do what they are told.

import { FakeClock } from '../../time/index.ts';
import { AddressPool, ControllerLoop } from '../controllers/index.ts';
import { EventLog, isTerminating, type KubeObject, ObjectStore, type Pod } from '../kube/index.ts';

/** Store, controllers and a kubelet that only says what pods should say. */
export class TestCluster {
  readonly clock = new FakeClock();
  readonly store = new ObjectStore();
  readonly events = new EventLog(this.clock);
  readonly controllers: ControllerLoop;
  #nextAddress = 1;

  constructor() {
    const serviceAddresses = new AddressPool('10.96.0.0/16', 16);
    const { store, clock, events } = this;
    this.controllers = new ControllerLoop({
      store,
      clock,
      events,
      serviceAddresses,
      admit: pod => ({ pod }),
    });
    this.controllers.start();
  }

  /** Adds objects and lets the controllers settle. */
  async put(...objects: KubeObject[]): Promise<void> {
    for (const object of objects) this.store.put(object);
    await this.settle();
  }

  /** Lets the controllers run until nothing changes. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve));
  }

  /** Pods that are not on their way out, by name. */
  pods(): Pod[] {
    return this.store.list('Pod').filter(pod => !isTerminating(pod));
  }

  /** Gives every pod an address and makes it ready, as far as `which` says. */
  async makeReady(which: (pod: Pod) => boolean = () => true): Promise<void> {
    for (const pod of this.store.list('Pod').filter(which)) await this.setReady(pod, true);
    await this.settle();
  }

  /** Says that a pod is ready, or is not. */
  async setReady(pod: Pod, ready: boolean): Promise<void> {
    const podIP = pod.status?.podIP ?? `10.244.0.${this.#nextAddress++}`;
    const current = this.store.get('Pod', pod.metadata.namespace!, pod.metadata.name)!;
    const at = new Date(this.clock.now()).toISOString();
    this.store.put({
      ...current,
      status: {
        phase: 'Running',
        podIP,
        conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: at }],
      },
    } as Pod);
    await this.settle();
  }

  /** Says that a pod has ended. */
  async finish(pod: Pod, phase: 'Succeeded' | 'Failed'): Promise<void> {
    this.store.put({ ...pod, status: { ...pod.status, phase } } as Pod);
    await this.settle();
  }

  /** Removes the pods that were asked to go, as the kubelet does when they have stopped. */
  async removeTerminated(): Promise<void> {
    for (const pod of this.store.list('Pod').filter(isTerminating)) this.store.remove(pod);
    await this.settle();
  }
}
