import { ApiError, type KubeClient } from '../../../src/kubernetes/index.ts';
import { apply, good, until } from './objects.ts';

/**
 * Kubernetes before 1.23, built with Go 1.18 or later, dies of the first custom resource (modern-go/reflect2 before 1.0.2).
 * WEFT_TEST_CUSTOM_RESOURCES in the environment says that this one was built with a newer library.
 */
export async function crashesOnCustomResources(client: KubeClient): Promise<string | undefined> {
  const { minor, goVersion } = await good(client.call({ path: '/version' }));
  const go = Number(/^go1\.(\d+)/.exec(String(goVersion))?.[1] ?? 0);
  const mended = process.env.WEFT_TEST_CUSTOM_RESOURCES === '1';
  const crashes = Number.parseInt(String(minor), 10) < 23 && go >= 18 && !mended;
  return crashes
    ? `custom resources are left out: this server (1.${String(minor)}, ${String(goVersion)}) dies of them`
    : undefined;
}

/** A kind whose objects hold whatever is written, with a status subresource; waits until it is served. */
export async function defineKind(
  client: KubeClient,
  { group, version, kind, plural }: Record<'group' | 'version' | 'kind' | 'plural', string>,
): Promise<void> {
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  await apply(client, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // The API server guards the names of Kubernetes' own groups.
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/1' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema },
          subresources: { status: {} },
        },
      ],
    },
  });
  await until(`${kind} to be served`, async () => {
    const answer = await client.call({ path: `/apis/${group}/${version}/${plural}` });
    return !(answer instanceof ApiError);
  });
}
