// A real cert-manager on a real API server: the controller of WEFT_CERT_MANAGER, with its own definitions.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import type { AuthorityParts } from '../../src/ca/index.ts';
import { ApiError, type KubeClient } from '../../src/kubernetes/index.ts';
import { recordOf, recordsOf } from '../../src/plain/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { noApiServer } from '../kubernetes/support/api-server.ts';
import { apply, good, system, until } from '../kubernetes/support/objects.ts';

/** A folder with `cert-manager-controller` and `crds/`, as .ci/build-cert-manager makes it. */
const folder = process.env.WEFT_CERT_MANAGER ?? '';

/** Why there is none; false where there is one. */
export const controllerMissing: string | false =
  !existsSync(join(folder, 'cert-manager-controller')) &&
  'set WEFT_CERT_MANAGER to a folder with cert-manager-controller and crds/';

/** Why tests with it are left out; false when they can run. */
export const noCertManager: string | false = noApiServer || controllerMissing;

export const requests = `/apis/cert-manager.io/v1/namespaces/${system}/certificaterequests`;
export const clusterIssuers = '/apis/cert-manager.io/v1/clusterissuers';

/** Its definitions, which are templates of its chart: the labels go. */
export async function defineCertManager(client: KubeClient): Promise<void> {
  for (const file of globSync('crds/crd-*.yaml', { cwd: folder })) {
    const { metadata, ...rest } = parse(
      (await readFile(join(folder, file), 'utf8')).replace(/^.*\{\{.*\n/gm, ''),
    ) as {
      metadata: { name: string };
    };
    await apply(client, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      ...{ kind: 'CustomResourceDefinition', metadata: { name: metadata.name }, ...rest },
    });
  }
  await until('the kinds of cert-manager', async () => {
    const found = await Promise.all([clusterIssuers, requests].map(path => client.call({ path })));
    return !found.some(each => each instanceof ApiError);
  });
}

/** Its controller; `approves`: whether it approves every request, as it does unless told. */
export async function startCertManager(
  context: Pick<TestContext, 'after'>,
  kubeconfig: string,
  { approves = true }: { approves?: boolean } = {},
): Promise<() => Promise<void>> {
  const [metrics = 0, profiler = 0] = await freePorts(2);
  const child: ChildProcess = spawn(
    join(folder, 'cert-manager-controller'),
    [
      `--kubeconfig=${kubeconfig}`,
      '--leader-elect=false',
      `--cluster-resource-namespace=${system}`,
      `--metrics-listen-address=127.0.0.1:${metrics}`,
      `--profiler-address=127.0.0.1:${profiler}`,
      ...(approves ? [] : ['--controllers=*,-certificaterequests-approver']),
    ],
    { stdio: ['ignore', 'ignore', process.env.WEFT_TEST_LOGS === '1' ? 'inherit' : 'ignore'] },
  );
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const stop = (): Promise<void> => {
    child.kill('SIGKILL');
    return ended;
  };
  context.after(stop);
  return stop;
}

/** The key pair of a CA issuer, put there or replaced. */
export async function writeCaSecret(client: KubeClient, name: string, parts: AuthorityParts): Promise<void> {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const data = { 'tls.crt': base64(parts.chainPem), 'tls.key': base64(parts.keyPem) };
  const path = `/api/v1/namespaces/${system}/secrets`;
  const object = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name }, data };
  const made = await client.call({ method: 'POST', path, body: object });
  if (made instanceof ApiError)
    await good(client.call({ method: 'PATCH', path: `${path}/${name}`, body: { data } }));
}

/** A ClusterIssuer that signs with that key pair; waits until it is ready. */
export async function makeCaIssuer(client: KubeClient, name: string, secretName: string): Promise<void> {
  await apply(client, clusterIssuers, {
    ...{
      apiVersion: 'cert-manager.io/v1',
      kind: 'ClusterIssuer',
      metadata: { name },
      spec: { ca: { secretName } },
    },
  });
  await until(`the issuer ${name}`, async () =>
    isTrue(await good(client.call({ path: `${clusterIssuers}/${name}` })), 'Ready'),
  );
}

/** Whether the object's status has this condition. */
export function isTrue(object: unknown, type: string): boolean {
  const { conditions } = recordOf(recordOf(object).status);
  return recordsOf(conditions).some(each => each.type === type && each.status === 'True');
}

/** Sets a condition beside those that are there, as `cmctl approve`, `deny` and `renew` do. */
export async function setCondition(
  client: KubeClient,
  path: string,
  type: string,
  message: string,
): Promise<void> {
  const { conditions } = recordOf((await good(client.call({ path }))).status);
  const given = {
    ...{ type, status: 'True', reason: 'weft.dev', message, lastTransitionTime: new Date().toISOString() },
  };
  const body = {
    status: { conditions: [...recordsOf(conditions).filter(each => each.type !== type), given] },
  };
  await good(client.call({ method: 'PATCH', path: `${path}/status`, body }));
}
