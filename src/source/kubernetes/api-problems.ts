import { type ApiError, type Reflector, resourceName, TYPES } from '../../kubernetes/index.ts';
import { type Problem, problem } from '../../model/index.ts';

/** A connection that breaks and is there again is no news. */
const quietMs = 5_000;

/** What is wrong with reading the API now: one problem for a server that is away, one for each kind that is refused. */
export function apiProblems(
  reflectors: readonly Reflector[],
  discovery: ApiError | undefined,
  server: string,
  nowMs: number,
): readonly Problem[] {
  const problems: Problem[] = [];
  const troubles = reflectors
    .flatMap(reflector => (reflector.state.phase === 'waiting' ? [{ reflector, ...reflector.state }] : []))
    .filter(({ reflector, error }) => {
      const behindMs = nowMs - (reflector.behindSinceMs ?? nowMs);
      return !reflector.synced || !error.passing || behindMs >= quietMs;
    });
  const away =
    troubles.find(({ error }) => error.status === 0)?.error ??
    (discovery?.status === 0 ? discovery : undefined);
  if (away) problems.push(problem(away.code, `${away.message}; what is known stays in use`));
  const denied =
    troubles.find(({ error }) => error.status === 401)?.error ??
    (discovery?.status === 401 ? discovery : undefined);
  if (denied) problems.push(problem(denied.code, `${denied.message}; what is known stays in use`));
  for (const { reflector, error, verb } of troubles) {
    if (error.status === 0 || error.status === 401) continue;
    // A watch that must begin anew is everyday business.
    if (error.status === 410) continue;
    problems.push(error.status === 403 ? forbidden(reflector, error, verb) : failing(reflector, error, verb));
  }
  if (discovery && discovery.status !== 0 && discovery.status !== 401) {
    const why = `the kinds that the Kubernetes API at ${server} serves cannot be asked for: ${discovery.message}`;
    problems.push(problem(discovery.code, why));
  }
  // ConfigMaps are read by name, one after the other, and are refused with the same words.
  return problems.filter(
    ({ message }, index) => problems.findIndex(each => each.message === message) === index,
  );
}

/** Why a kind has not been read yet. */
export function waitingWords({ state, type }: Reflector): string {
  if (state.phase === 'waiting') return `${resourceName(type)} cannot be read: ${state.error.message}`;
  return `${resourceName(type)} are being read from the Kubernetes API`;
}

/** An object that is not what every object is. */
export function refusedObject(kind: string, key: string, path: string, message: string): Problem {
  const at = key.indexOf('/');
  const object = {
    apiVersion: '',
    kind: kind.split('.')[0]!,
    namespace: at < 0 ? '' : key.slice(0, at),
    name: key.slice(at + 1),
  };
  return problem('object-unreadable', message, { object, path });
}

function forbidden({ type, namespace }: Reflector, error: ApiError, verb: string): Problem {
  const rule = `{apiGroups: ["${type.group}"], resources: ["${type.plural}"], verbs: ["list", "watch"]}`;
  const remedy =
    type === TYPES.secret || (type === TYPES.configMap && namespace !== undefined)
      ? `give the right with 'weft install --gateway', whose --ingress-secrets names the namespaces, or, of Secrets alone, with 'weft install --secret-namespaces' (docs/rights.md)`
      : `add the rule ${rule} to the role of this account, as the ClusterRole of 'weft install' has it`;
  const why = `not allowed to ${verb} ${resourceName(type)} (${error.message}); ${remedy}`;
  return problem('api-forbidden', why);
}

function failing({ type }: Reflector, error: ApiError, verb: string): Problem {
  const why = `cannot ${verb} ${resourceName(type)}: ${error.message}; what is known of them stays in use`;
  return problem(error.code, why, { severity: 'warning' });
}
