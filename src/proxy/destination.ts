import type { Cluster, Random } from '../cluster/index.ts';
import type { Head } from '../http/index.ts';
import type { DestinationResource, Route, WeightedCluster } from '../model/index.ts';

/** Clusters that share traffic by weight. */
export class WeightedChoice {
  readonly #clusters: readonly Cluster[];
  readonly #upTo: readonly number[];
  readonly #random: Random;

  /** Clusters of weight 0 get nothing, unless all are 0: then all share alike. */
  constructor(choices: readonly WeightedCluster[], cluster: (name: string) => Cluster, random: Random) {
    const sum = choices.reduce((total, choice) => total + choice.weight, 0);
    const used =
      sum === 0
        ? choices.map(choice => ({ ...choice, weight: 1 }))
        : choices.filter(choice => choice.weight > 0);
    let upTo = 0;
    this.#clusters = used.map(choice => cluster(choice.cluster));
    this.#upTo = used.map(choice => (upTo += choice.weight));
    this.#random = random;
  }

  pick(): Cluster | undefined {
    const { length } = this.#clusters;
    if (length <= 1) return this.#clusters[0];
    const at = this.#random() * this.#upTo[length - 1]!;
    for (let i = 0; i < length; i++) if (at < this.#upTo[i]!) return this.#clusters[i];
    return this.#clusters[length - 1];
  }
}

/** A route with its clusters at hand. */
export class RunningRoute {
  readonly route: Route;
  readonly clusters: WeightedChoice;

  constructor(route: Route, clusters: WeightedChoice) {
    this.route = route;
    this.clusters = clusters;
  }
}

/** A destination as the proxied path uses it: compiled once per resource, immutable afterwards. */
export class RunningDestination {
  readonly resource: DestinationResource;
  readonly tcp: WeightedChoice;
  readonly #routes: readonly RunningRoute[];

  constructor(resource: DestinationResource, cluster: (name: string) => Cluster, random: Random) {
    this.resource = resource;
    this.#routes = resource.routes.map(
      route =>
        new RunningRoute(
          route,
          new WeightedChoice(route.action.kind === 'forward' ? route.action.clusters : [], cluster, random),
        ),
    );
    this.tcp = new WeightedChoice(resource.tcp, cluster, random);
  }

  /** The first route that matches the request. */
  match(_head: Head): RunningRoute | undefined {
    return this.#routes[0];
  }
}
