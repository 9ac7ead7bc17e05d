// Whether a run kept its bounds. Memory, work and what was heard are the same on any machine; times are not, where the processes
// that take part had to wait for a processor that others used.

/**
 * A phase whose processes got less than this share of the processor time that they asked for says nothing about times. On two
 * cores with nothing beside it the three processes get 0.42 to 0.54, since they want more than there is; beside a load of 8 to
 * 10 it is 0.16 to 0.25.
 */
export const LEAST_SHARE = 0.35;

/** What a mesh must keep on any machine. */
export const bounds = {
  controlPlaneMb: 2_000,
  /** CPU time of the control plane for each message that it sent under churn: what a slow machine cannot excuse. */
  cpuUsPerMessage: 400,
  metadataMessages: 0,
  /** Changes that not all who needed them heard of. */
  unheard: 0,
} as const;

/** What it must keep where its processes get a processor when they ask for it. */
export const timeBounds = { endpointP99Ms: 250, routeP99Ms: 500, reconnectSeconds: 60 } as const;

/** A time, and the share of the processor time it asked for that the worst off process of that phase got, 0 to 1. */
export interface Timed {
  readonly value: number;
  readonly share: number;
}

/** What a run comes to. */
export interface Verdict {
  /** Names of bounds that were not kept. */
  readonly broken: readonly string[];
  /** Names of bounds of time that were not kept by a starved phase: the run neither passes nor fails them. */
  readonly notJudged: readonly string[];
}

/** Holds what was found against the bounds; what is no number breaks its bound. */
export function judge(
  found: Readonly<Record<keyof typeof bounds, number>>,
  times: Readonly<Record<keyof typeof timeBounds, Timed>>,
): Verdict {
  const broken: string[] = [];
  const notJudged: string[] = [];
  for (const name of Object.keys(bounds) as (keyof typeof bounds)[])
    if (!(found[name] <= bounds[name])) broken.push(name);
  for (const name of Object.keys(timeBounds) as (keyof typeof timeBounds)[]) {
    const { value, share } = times[name];
    if (value <= timeBounds[name]) continue;
    (share < LEAST_SHARE ? notJudged : broken).push(name);
  }
  return { broken, notJudged };
}
