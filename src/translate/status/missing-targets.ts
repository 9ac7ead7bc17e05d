import {
  type Mesh,
  mirrorsOf,
  type ObjectRef,
  type Problem,
  problem,
  type RouteTable,
  type RouteTarget,
} from '../../model/index.ts';
import { whyMissing } from './backends.ts';

/** Targets of an object that nothing stands behind. */
export interface MissingTargets {
  readonly problems: readonly Problem[];
  /** Whether no rule leads anywhere. */
  readonly all: boolean;
}

/** What rules send requests to and is not there: a Service, a port of it, a subset that nobody defines. */
export function missingTargets(object: ObjectRef, tables: readonly RouteTable[], mesh: Mesh): MissingTargets {
  const problems: Problem[] = [];
  let [lost, found] = [0, 0];
  for (const { path, target, mirror } of tables.flatMap(targetsOf)) {
    const subset = undefinedSubset(target, mesh);
    const why = subset ?? whyMissing(target, mesh);
    if (!mirror && target.weight > 0) {
      if (why === undefined) found++;
      else lost++;
    }
    if (why === undefined) continue;
    const outcome = mirror ? 'no copies are sent' : 'its share of the requests is answered 503';
    const code = subset === undefined ? 'backend-not-found' : 'subset-undefined';
    problems.push(problem(code, `${path}: ${why}; ${outcome}`, { object, path, severity: 'warning' }));
  }
  return { problems, all: lost > 0 && found === 0 };
}

interface Placed {
  readonly path: string;
  readonly target: RouteTarget;
  readonly mirror: boolean;
}

/** A rule that answers itself counts as one that leads somewhere. */
function targetsOf({ http, tcp }: RouteTable): readonly Placed[] {
  return [
    ...http.flatMap((rule): Placed[] => {
      const { path, action } = rule;
      const targets = action.kind === 'forward' ? action.targets : [answered];
      return [
        ...targets.map(target => ({ path, target, mirror: false })),
        ...mirrorsOf(rule).map(({ target }) => ({ path, target, mirror: true })),
      ];
    }),
    ...tcp.flatMap(({ path, targets }) => targets.map(target => ({ path, target, mirror: false }))),
  ];
}

const answered: RouteTarget = { host: '', weight: 1 };

/** Whoever defines it, and for whom: who may see what is resolution's business. */
function undefinedSubset(
  { host, subset }: RouteTarget,
  { subsets, clusterDomain }: Mesh,
): string | undefined {
  if (subset === undefined) return undefined;
  const known = [...subsets].flatMap(([each, found]) =>
    each === host || each === '*' || (each.startsWith('*.') && host.endsWith(each.slice(1))) ? found : [],
  );
  if (known.some(each => each.name === subset)) return undefined;
  const names = [...new Set(known.map(each => each.name))].join(', ');
  const short = host.endsWith(`.svc.${clusterDomain}`)
    ? host.slice(0, -`.svc.${clusterDomain}`.length)
    : host;
  return `no DestinationRule defines subset ${subset} of ${short} (it has ${names || 'none'})`;
}
