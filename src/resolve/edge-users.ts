import { type BasicAuth, type BasicCredential, credentialKey, type Route } from '../model/index.ts';
import type { MeshReader } from './mesh-reader.ts';

/** The route with the users of its basic authentication, where they stand in a Secret. Only gateways are told of such routes. */
export function withUsers(reader: MeshReader, route: Route): Route {
  const { edge } = route;
  const { credential, ...auth } = edge?.basicAuth ?? {};
  if (edge === undefined || credential === undefined) return route;
  const key = credentialKey(credential.secret);
  const data = reader.policies('credentials', key)[0]?.data;
  const basicAuth = { ...(auth as BasicAuth), ...usersOf(data, key, credential.form) };
  return { ...route, edge: { ...edge, basicAuth } };
}

function usersOf(
  data: Readonly<Record<string, string>> | undefined,
  key: string,
  form: BasicCredential['form'],
): Pick<BasicAuth, 'users' | 'why'> {
  if (data === undefined) {
    const what = form === 'map' ? ' whose keys are users and whose values hashes of htpasswd' : '';
    return { users: {}, why: `there is no ${key}${what}` };
  }
  if (form === 'map')
    return { users: Object.fromEntries(Object.entries(data).map(([user, hash]) => [user, hash.trim()])) };
  // ingress-nginx's key, and the one of Traefik's guides.
  const file = data.auth ?? data.users;
  if (file === undefined)
    return { users: {}, why: `${key} has no key auth (or users) with lines of htpasswd` };
  const lines = file.split('\n').map(line => line.trim());
  const users = lines.flatMap(line => {
    const colon = line.indexOf(':');
    return colon <= 0 || line.startsWith('#') ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
  });
  return { users: Object.fromEntries(users) };
}
