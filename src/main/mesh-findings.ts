// What the analyzer says of the policies of a running mesh, worked out while somebody looks.
import { injectOptions } from '../../webhook/inject/index.ts';
import { analyze, type Code } from '../analyze/index.ts';
import type { KnownFinding } from '../dashboard/index.ts';
import type { Mesh, Problem } from '../model/index.ts';
import type { Stored } from '../registry/index.ts';
import type { Clock } from '../time/index.ts';

/** Of each second that somebody looks, at most this share is spent on findings. */
const share = 0.02;
const restMs = 5_000;

/** Those about Services that what the control plane reads is enough for: Services, endpoints, pods without their environment. */
const ofServices: ReadonlySet<string> = new Set([
  'service-partly-meshed',
  'service-selects-nothing',
  'service-port-unserved',
  'grpc-port-unnamed',
  'protocol-conflict',
  'canary-bypassed-by-service',
  'canary-bypassed-from-outside',
] satisfies readonly Code[]);

/**
 * Findings about policies and Services, not older than five seconds; in a mesh where that takes long, than fifty times as long.
 * Of pods and what makes them the control plane reads too little to judge them (no Deployments): `weft analyze` does.
 */
export class MeshFindings {
  readonly #clock: Clock;
  #mesh: Mesh | undefined;
  #problems = 0;
  #nextMs = Number.NEGATIVE_INFINITY;
  #found: readonly KnownFinding[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `objects` are asked for only where there is something to work out; `isPolicy` says which kinds are told whole. */
  of(
    mesh: Mesh,
    problems: readonly Problem[],
    objects: () => readonly Stored[],
    isPolicy: (kind: string, apiVersion: string) => boolean,
  ): readonly KnownFinding[] {
    const startMs = this.#clock.monotonic();
    const isSame = mesh === this.#mesh && problems.length === this.#problems;
    if (isSame || startMs < this.#nextMs) return this.#found;
    const inject = injectOptions({ acceptOtherMeshes: true });
    const all = analyze({ objects: objects(), mesh, problems, inject, expectPods: false });
    this.#mesh = mesh;
    this.#problems = problems.length;
    this.#found = all.flatMap(({ code, severity, object, path, reason, remedy }) => {
      if (object === undefined) return [];
      const { kind, apiVersion } = object;
      const isOfService = kind === 'Service' && apiVersion === 'v1' && ofServices.has(code);
      if (!isOfService && !isPolicy(kind, apiVersion)) return [];
      const message = reason.includes(remedy) ? reason : `${reason}; ${remedy}`;
      return [{ code, severity, object, ...(path !== undefined && { path }), message }];
    });
    const endMs = this.#clock.monotonic();
    this.#nextMs = endMs + Math.max(restMs, (endMs - startMs) / share);
    return this.#found;
  }
}
