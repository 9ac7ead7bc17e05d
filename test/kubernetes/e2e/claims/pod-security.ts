import { strict as assert } from 'node:assert';
import { become, podOf, podSpec, programs, service } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { type Cluster, type Item, until } from '../cluster.ts';
import { callsOverMutualTls, ruleless } from './redirection.ts';

const namespace = 'guarded';
const names = ['guarded-a', 'guarded-b'] as const;

/** What the restricted level wants of every container. */
const securityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  runAsUser: 1000,
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A target without packet rules that fits the level by itself. */
function guarded(image: string, name: string): object {
  const pod = ruleless(image, name);
  const containers = pod.spec.containers.map(each => ({ ...each, securityContext }));
  return { ...pod, metadata: { ...pod.metadata, namespace }, spec: { ...pod.spec, containers } };
}

/** The same with packet rules, of a Deployment. */
function withRules(image: string): object {
  const labels = { app: 'ruled' };
  const app = { name: 'app', image, command: ['node', '-e', 'setInterval(() => {}, 1000)'], securityContext };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'ruled', namespace },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec([app]) } },
  };
}

interface Event extends Item {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

/** The message of an event that says this. */
async function told(cluster: Cluster, reason: string, kind: string, words: RegExp): Promise<string> {
  return until(`an event ${reason} about a ${kind}`, async () => {
    const events = await cluster.list<Event>(`/api/v1/namespaces/${namespace}/events`);
    return events.find(
      each => each.reason === reason && each.involvedObject.kind === kind && words.test(each.message),
    )?.message;
  });
}

export const restrictedNamespace: Claim = {
  name: 'where Pod Security enforces restricted, pods without packet rules are in the mesh, and others are told what to write',
  async run({ cluster, settings }) {
    const labels = { 'weft.dev/inject': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' };
    try {
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
      await cluster.apply(programs(namespace), withRules(settings.shopImage));
      for (const name of names)
        await cluster.apply(service(name, namespace), guarded(settings.shopImage, name));
      await become(cluster, names, true, namespace);
      const { spec } = await podOf(cluster, names[0], namespace);
      const all = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name).sort();
      assert.deepEqual(all, ['app', 'weft-proxy']);
      const counted = await callsOverMutualTls(cluster, names, namespace);
      await told(cluster, 'FailedCreate', 'ReplicaSet', /violates PodSecurity "restricted:.*weft-init/);
      const remedy = /write weft\.dev\/redirection: none/;
      const words = await told(cluster, 'WeftInjectedWithNote', 'Deployment', remedy);
      return `${names.join(' and ')} spoke ${counted}; the Deployment with rules hears: ${words}`;
    } finally {
      const path = `/api/v1/namespaces/${namespace}`;
      await cluster.delete(path);
      await until(`namespace ${namespace} to be gone`, async () => (await cluster.find(path)) === undefined);
    }
  },
};
