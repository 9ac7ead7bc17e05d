import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../client.ts';
import { apiVersionOf, type ResourceType, TYPES } from '../resource-type.ts';
import {
  idOf,
  matchPath,
  merged,
  nameSelector,
  refuse,
  type SeenCall,
  selected,
  send,
  statusOnly,
} from './fake-calls.ts';

export type { SeenCall } from './fake-calls.ts';

/** An object as tests write it. */
export interface FakeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

interface StoredObject {
  readonly type: ResourceType;
  readonly object: Record<string, unknown>;
  readonly version: number;
}

interface Watcher {
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly response: ServerResponse;
}

interface Happening {
  readonly version: number;
  readonly type: ResourceType;
  readonly event: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Record<string, unknown>;
}

/** What a test wants a call to meet instead of its answer: a status with a reason, a broken connection, or raw text. */
export type Fault =
  | {
      readonly status: number;
      readonly reason?: string;
      readonly retryAfter?: number;
      readonly message?: string;
    }
  | 'break'
  | { readonly text: string };

/** An API server in memory: list with pages, watch with history, create, replace, merge patch, delete, discovery. */
export class FakeApi {
  readonly calls: SeenCall[] = [];
  #open = 0;
  /** Asked before every call. */
  fault: (call: SeenCall) => Fault | undefined = () => undefined;
  /** Answers TokenReviews. */
  review: (spec: Record<string, unknown>) => Record<string, unknown> = () => ({ authenticated: false });
  /** What it says at /version; of a version that streams lists it does. */
  minor = '20';
  /** Such a server refuses that all the same where its feature is switched off. */
  streamsLists = true;
  /** Kinds without a status subresource. */
  readonly withoutStatus = new Set<string>();
  readonly #types: ResourceType[];
  readonly #objects = new Map<string, StoredObject>();
  readonly #watchers = new Set<Watcher>();
  #history: Happening[] = [];
  /** What lists that are read page by page are cut from, by the number in their `continue`: no changes between pages. */
  readonly #snapshots = new Map<
    string,
    { readonly all: readonly StoredObject[]; readonly version: number }
  >();
  #lists = 0;
  #version = 100;
  #server: Server | undefined;
  #port = 0;

  constructor(types: readonly ResourceType[] = Object.values(TYPES)) {
    this.#types = [...types];
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    this.#server = server;
    await new Promise<void>(resolve => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Gone, with every connection; `start` brings it back on the same port with what it held. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    this.#watchers.clear();
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  }

  /** Whether every call has its answer. */
  get idle(): boolean {
    return this.#open === 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** A client of this server. */
  client(token = 'test'): KubeClient {
    return new KubeClient({ load: () => this.kubeConfig(token) });
  }

  kubeConfig(token = 'test'): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'fake', server: this.url, skipTLSVerify: true }],
      users: [{ name: 'me', token }],
      contexts: [{ name: 'fake', cluster: 'fake', user: 'me', namespace: 'weft-system' }],
      currentContext: 'fake',
    });
    return config;
  }

  addType(type: ResourceType): void {
    this.#types.push(type);
  }

  removeType(kind: string): void {
    const at = this.#types.findIndex(type => type.kind === kind);
    const [type] = this.#types.splice(at, 1);
    for (const [id, stored] of this.#objects) if (stored.type === type) this.#objects.delete(id);
    this.breakWatches(kind);
  }

  put(type: ResourceType, object: FakeObject): void {
    const id = idOf(type, object.metadata.namespace, object.metadata.name);
    this.#store(type, id, object as Record<string, unknown>, this.#objects.has(id) ? 'MODIFIED' : 'ADDED');
  }

  remove(type: ResourceType, namespace: string | undefined, name: string): void {
    const id = idOf(type, namespace, name);
    const stored = this.#objects.get(id);
    if (!stored) return;
    this.#objects.delete(id);
    const version = ++this.#version;
    const metadata = { ...(stored.object.metadata as object), resourceVersion: String(version) };
    this.#happen({ version, type, event: 'DELETED', object: { ...stored.object, metadata } });
  }

  read(type: ResourceType, namespace: string | undefined, name: string): Record<string, unknown> | undefined {
    return this.#objects.get(idOf(type, namespace, name))?.object;
  }

  /** Forgets the history, so that nobody can resume from before now. */
  compact(): void {
    this.#history = [];
  }

  /** Ends the watches of a kind (all kinds unless told) in order. */
  endWatches(kind?: string): void {
    this.#eachWatcher(kind, watcher => watcher.response.end());
  }

  /** Breaks their connections. */
  breakWatches(kind?: string): void {
    this.#eachWatcher(kind, watcher => watcher.response.destroy());
  }

  /** Sends a bookmark of now, or any text, to the watches of a kind. */
  send(kind: string, text?: string): void {
    this.#eachWatcher(
      kind,
      ({ type, response }) => {
        const metadata = { resourceVersion: String(this.#version) };
        const object = { kind: type.kind, apiVersion: apiVersionOf(type), metadata };
        response.write(text ?? `${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
      },
      false,
    );
  }

  /** How many watches of a kind are open. */
  watches(kind: string): number {
    return [...this.#watchers].filter(watcher => watcher.type.kind === kind).length;
  }

  /** Calls with this method and path, watches or not. */
  count(method: string, path: string, watch = false): number {
    return this.calls.filter(
      call => call.method === method && call.path === path && call.query.has('watch') === watch,
    ).length;
  }

  #eachWatcher(kind: string | undefined, run: (watcher: Watcher) => void, forget = true): void {
    for (const watcher of this.#watchers) {
      if (kind !== undefined && watcher.type.kind !== kind) continue;
      if (forget) this.#watchers.delete(watcher);
      run(watcher);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open++;
    response.on('close', () => this.#open--);
    const url = new URL(request.url ?? '/', 'http://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const call: SeenCall = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization,
      impersonated: request.headers['impersonate-user']?.toString(),
      contentType: request.headers['content-type'],
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault === 'break') response.destroy();
    else if (fault && 'text' in fault) response.end(fault.text);
    else if (fault) refuse(response, fault.status, fault.reason ?? '', fault.message, fault.retryAfter);
    else this.#route(call, response);
  }

  #route(call: SeenCall, response: ServerResponse): void {
    if (call.path === '/version') {
      send(response, 200, { major: '1', minor: this.minor, gitVersion: `v1.${this.minor}.0` });
      return;
    }
    if (call.path === '/apis') {
      send(response, 200, this.#groupList());
      return;
    }
    const group = /^\/apis\/([^/]+)\/([^/]+)$/.exec(call.path);
    if (group) {
      this.#resourceList(group[1]!, group[2]!, response);
      return;
    }
    const isStatus = call.path.endsWith('/status');
    const path = isStatus ? call.path.slice(0, -'/status'.length) : call.path;
    for (const type of this.#types) {
      const match = matchPath(type, path);
      if (match && !(isStatus && this.withoutStatus.has(type.kind))) {
        this.#serve(type, match.namespace, match.name, isStatus ? statusOnly(call) : call, response);
        return;
      }
    }
    refuse(response, 404, 'NotFound');
  }

  #serve(
    type: ResourceType,
    namespace: string | undefined,
    name: string | undefined,
    call: SeenCall,
    response: ServerResponse,
  ): void {
    if (name === undefined) {
      if (call.method === 'POST') {
        this.#create(type, namespace, call.body, response);
        return;
      }
      if (call.query.has('watch')) {
        this.#watch(type, namespace, call.query, response);
        return;
      }
      this.#list(type, namespace, call.query, response);
      return;
    }
    const id = idOf(type, namespace, name);
    const stored = this.#objects.get(id);
    if (call.contentType === 'application/apply-patch+yaml') {
      this.#apply(type, id, call.body as FakeObject, response);
      return;
    }
    if (!stored) {
      refuse(response, 404, 'NotFound', `${type.plural} "${name}" not found`);
      return;
    }
    if (call.method === 'GET') {
      send(response, 200, stored.object);
      return;
    }
    if (call.method === 'DELETE') {
      this.remove(type, namespace, name);
      send(response, 200, { kind: 'Status', status: 'Success' });
      return;
    }
    const given = call.body as Record<string, unknown>;
    const said = (given.metadata as { resourceVersion?: string } | undefined)?.resourceVersion;
    if (said !== undefined && said !== String(stored.version)) {
      refuse(response, 409, 'Conflict');
      return;
    }
    const next = call.method === 'PATCH' ? merged(stored.object, given) : given;
    send(response, 200, this.#store(type, id, next as Record<string, unknown>, 'MODIFIED'));
  }

  /** Server-side apply by the only manager there is: what is given stands in place of what was. */
  #apply(type: ResourceType, id: string, given: FakeObject, response: ServerResponse): void {
    const before = this.#objects.get(id)?.object as FakeObject | undefined;
    const next = { ...before, ...given, metadata: { ...before?.metadata, ...given.metadata } };
    send(response, before ? 200 : 201, this.#store(type, id, next, before ? 'MODIFIED' : 'ADDED'));
  }

  #create(type: ResourceType, namespace: string | undefined, body: unknown, response: ServerResponse): void {
    const object = body as FakeObject;
    if (type.kind === 'TokenReview') {
      const status = this.review((object as unknown as { spec: Record<string, unknown> }).spec);
      send(response, 201, { ...object, status });
      return;
    }
    const id = idOf(type, namespace, object.metadata.name);
    if (this.#objects.has(id)) {
      refuse(response, 409, 'AlreadyExists');
      return;
    }
    const placed = {
      ...object,
      metadata: { ...object.metadata, ...(namespace !== undefined && { namespace }) },
    };
    send(response, 201, this.#store(type, id, placed, 'ADDED'));
  }

  #list(
    type: ResourceType,
    namespace: string | undefined,
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
    const limit = Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY;
    const [list = '', start = '0'] = query.get('continue')?.split('/') ?? [String(++this.#lists)];
    const from = Number(start);
    const snapshot = this.#snapshots.get(list) ?? {
      all: [...this.#objects.values()].filter(
        stored => stored.type === type && selected(stored.object, namespace, nameSelector(query)),
      ),
      version: this.#version,
    };
    const { all, version } = snapshot;
    // Items of lists have neither apiVersion nor kind.
    const items = all.slice(from, from + limit).map(({ object }) => {
      const { apiVersion: _, kind: __, ...rest } = object;
      return rest;
    });
    const next = from + limit < all.length ? `${list}/${from + limit}` : '';
    if (next === '') this.#snapshots.delete(list);
    else this.#snapshots.set(list, snapshot);
    const metadata = { resourceVersion: String(version), ...(next !== '' && { continue: next }) };
    send(response, 200, { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items });
  }

  #watch(
    type: ResourceType,
    namespace: string | undefined,
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
    const everything = query.get('sendInitialEvents') === 'true' && Number.parseInt(this.minor, 10) >= 27;
    if (everything && !this.streamsLists) {
      const why = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
      refuse(response, 422, 'Invalid', why);
      return;
    }
    const from = everything ? this.#version : Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const oldest = this.#history[0]?.version ?? this.#version + 1;
    if (from < oldest - 1) {
      const object = {
        kind: 'Status',
        status: 'Failure',
        reason: 'Expired',
        code: 410,
        message: 'too old resource version',
      };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    const watcher: Watcher = { type, namespace, name: nameSelector(query), response };
    if (everything) this.#tellAll(watcher);
    for (const happening of this.#history) if (happening.version > from) tell(watcher, happening);
    this.#watchers.add(watcher);
    response.on('close', () => this.#watchers.delete(watcher));
  }

  /** As what came just now, and then that this is all. */
  #tellAll(watcher: Watcher): void {
    const { type, response } = watcher;
    for (const { type: of, object, version } of this.#objects.values())
      if (of === type) tell(watcher, { version, type, event: 'ADDED', object });
    const metadata = {
      resourceVersion: String(this.#version),
      annotations: { 'k8s.io/initial-events-end': 'true' },
    };
    const object = { kind: type.kind, apiVersion: apiVersionOf(type), metadata };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #store(
    type: ResourceType,
    id: string,
    object: Record<string, unknown>,
    event: 'ADDED' | 'MODIFIED',
  ): Record<string, unknown> {
    const version = ++this.#version;
    const metadata = { uid: `uid-${id}`, ...(object.metadata as object), resourceVersion: String(version) };
    const stored = { apiVersion: apiVersionOf(type), kind: type.kind, ...object, metadata };
    this.#objects.set(id, { type, object: stored, version });
    this.#happen({ version, type, event, object: stored });
    return stored;
  }

  #happen(happening: Happening): void {
    this.#history.push(happening);
    for (const watcher of this.#watchers) tell(watcher, happening);
  }

  #groupList(): object {
    const groups = new Map<string, Set<string>>();
    for (const { group, version } of this.#types) {
      if (group !== '') groups.set(group, (groups.get(group) ?? new Set()).add(version));
    }
    return {
      kind: 'APIGroupList',
      groups: [...groups].map(([name, versions]) => ({
        name,
        versions: [...versions].map(version => ({ groupVersion: `${name}/${version}`, version })),
        preferredVersion: { version: [...versions][0] },
      })),
    };
  }

  #resourceList(group: string, version: string, response: ServerResponse): void {
    const types = this.#types.filter(type => type.group === group && type.version === version);
    if (types.length === 0) {
      refuse(response, 404, 'NotFound');
      return;
    }
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];
    const resources = types.flatMap(({ plural, kind, namespaced }) => [
      { name: plural, kind, namespaced, verbs },
      ...(this.withoutStatus.has(kind) ? [] : [{ name: `${plural}/status`, kind, namespaced, verbs }]),
    ]);
    send(response, 200, { kind: 'APIResourceList', groupVersion: `${group}/${version}`, resources });
  }
}

function tell(watcher: Watcher, { type, event, object }: Happening): void {
  if (watcher.type !== type || !selected(object, watcher.namespace, watcher.name)) return;
  watcher.response.write(`${JSON.stringify({ type: event, object })}\n`);
}
