import { equal, type Resource, type Route } from '../model/index.ts';

/**
 * The resource with the routes of the one before where they say the same: of thousands only those that changed are new objects,
 * so that whoever compiles them can tell at once.
 */
export function withKnownRoutes<R extends Resource | undefined>(
  resource: R,
  before: Resource | undefined,
): R {
  if (resource?.kind !== 'destination' || before?.kind !== 'destination') return resource;
  const known = new Map<string, Route>();
  for (const each of before.routes) known.set(each.name, each);
  const routes = resource.routes.map(each => {
    const last = known.get(each.name);
    return last !== undefined && equal(last, each) ? last : each;
  });
  return { ...resource, routes };
}
