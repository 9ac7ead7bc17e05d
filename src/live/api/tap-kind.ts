// `GET /live/tap`: live requests as people ask for them, with the names of pods and workloads that the mesh knows.
import { addressKey, type Mesh } from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import { readTapQuestion, type TapDestination, type TapEnd, type TapItem } from '../tap/index.ts';
import type { AskKind } from './ask-route.ts';
import { podsMeant } from './targets.ts';

/** So many pods a caller or callee may stand for, so that the question stays short. */
const maxAddresses = 400;

/** The kind of question. `mesh`: as it is now. */
export function tapKind(mesh: () => Mesh | undefined): AskKind {
  return {
    path: '/live/tap',
    needs: { verb: 'create', subresource: 'tap' },
    follow: true,
    question: query => readQuery(query, mesh),
    named: (pod, item) => named(pod, item, mesh()),
  };
}

function readQuery(query: URLSearchParams, mesh: () => Mesh | undefined): ReturnType<typeof readTapQuestion> {
  const one = (name: string): string | undefined => query.get(name) || undefined;
  const all = (name: string): readonly string[] | undefined =>
    query.has(name) ? query.getAll(name) : undefined;
  const number = (name: string): number | undefined =>
    query.has(name) ? Number(query.get(name)) : undefined;
  const from = one('from') === undefined ? undefined : addressesOf(one('from')!, mesh);
  const to = one('to') === undefined ? undefined : destinationsOf(one('to')!, mesh);
  if (typeof from === 'string' || typeof to === 'string') return (from ?? to) as string;
  const headers = all('header')?.map(text => {
    const at = text.indexOf('=');
    return at < 0
      ? { name: text.toLowerCase() }
      : { name: text.slice(0, at).trim().toLowerCase(), value: text.slice(at + 1).trim() };
  });
  const question = {
    ...{ kind: 'tap', direction: one('direction'), protocol: one('protocol'), path: one('path') },
    methods: all('method')?.map(each => each.toUpperCase()),
    statuses: all('status')?.map(each => each.toLowerCase()),
    authority: one('authority')?.toLowerCase(),
    flags: all('flag')?.map(each => each.toUpperCase()),
    show: all('show')?.map(each => each.toLowerCase()),
    ...{ headers, minMs: number('minMs'), id: one('id'), from, to, maxRps: number('maxRps') },
  };
  return readTapQuestion(
    Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined)),
  );
}

/** `NAMESPACE/KIND/NAME` as in the target of a tap. */
function podsOf(text: string, mesh: () => Mesh | undefined): readonly { address: string }[] | string {
  const slash = text.indexOf('/');
  const meant = podsMeant(mesh, {
    namespace: text.slice(0, Math.max(0, slash)),
    target: text.slice(slash + 1),
  });
  if (typeof meant === 'string') return meant;
  const found = [...(mesh()?.workloads ?? [])].filter(([pod]) => meant(pod));
  const addresses = found.flatMap(([, workload]) => workload.addresses.map(address => ({ address })));
  if (addresses.length === 0) return `no pod is ${text} now; see kubectl get pods -A`;
  if (addresses.length <= maxAddresses) return addresses;
  return `${text} stands for ${addresses.length} addresses, and a filter for at most ${maxAddresses}; name something narrower`;
}

function addressesOf(text: string, mesh: () => Mesh | undefined): readonly string[] | string {
  const found = podsOf(text, mesh);
  return typeof found === 'string' ? found : found.map(({ address }) => address);
}

/** Services and workloads are matched by name, so that pods that come later are meant too. */
function destinationsOf(text: string, mesh: () => Mesh | undefined): readonly TapDestination[] | string {
  const [namespace = '', kind = '', name = '', ...rest] = text.split('/');
  if (rest.length === 0 && (kind === 'svc' || kind === 'service') && name !== '')
    return [{ service: name, namespace }];
  if (rest.length === 0 && name !== '' && kind !== 'pod' && kind !== 'po')
    return [{ workload: name, namespace }];
  return podsOf(text, mesh);
}

/** The item with the names of its ends; undefined for what is none. */
function named(pod: string, item: unknown, mesh: Mesh | undefined): TapItem | undefined {
  if (!isRecord(item) || !isRecord(item.source) || !isRecord(item.destination)) return undefined;
  const tap = item as unknown as TapItem;
  const own = { ...workloadName(pod, mesh), pod };
  const inbound = tap.direction === 'inbound';
  return {
    ...tap,
    source: inbound ? withNames(tap.source, mesh) : { ...tap.source, ...own },
    destination: inbound
      ? { ...tap.destination, ...own }
      : { ...tap.destination, ...withNames(tap.destination, mesh) },
  };
}

function withNames(end: TapEnd, mesh: Mesh | undefined): TapEnd {
  const address = /^\[?([0-9a-f.:]+?)\]?:\d+$/i.exec(String(end.address ?? ''))?.[1];
  const pod = address === undefined ? undefined : mesh?.workloadByAddress.get(addressKey(address, undefined));
  return pod === undefined ? end : { ...end, pod, ...workloadName(pod, mesh) };
}

function workloadName(pod: string, mesh: Mesh | undefined): { readonly workload?: string } {
  const workload = mesh?.workloads.get(pod);
  return workload ? { workload: `${workload.namespace}/${workload.owner.name}` } : {};
}
