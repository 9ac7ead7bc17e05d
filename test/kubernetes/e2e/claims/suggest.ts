// Policies from what the running shop does, applied to it: everything that it does goes on, and nobody else comes in.
import { strict as assert } from 'node:assert';
import { parseAllDocuments } from 'yaml';
import { defineKind } from '../../support/custom-resources.ts';
import type { Claim, Context } from '../claim.ts';
import { type Item, pathOf, until } from '../cluster.ts';
import { nothingLost } from '../shop.ts';

const kind = {
  group: 'security.istio.io',
  version: 'v1',
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
};

export const suggests: Claim = {
  name: 'what weft authz suggest proposes of the shop lets all of it go on, and keeps a stranger out',
  async run(context) {
    const { cluster, shop } = context;
    await defineKind(cluster.client, kind);
    const definition = `${kind.plural}.${kind.group}`;
    let figure: string;
    try {
      figure = await applied(context);
    } finally {
      await cluster.delete(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition}`);
    }
    await until('the policies to be over', async () => (await shop.visit(stranger)).status !== 403);
    return figure;
  },
};

/** Asked from outside of the mesh; 404 where it is let in. */
const stranger = 'http://cart.shop:8080/';

async function applied({ cluster, shop }: Context): Promise<string> {
  await shop.start('seen');
  const { code, stdout, stderr } = await cluster.weft('authz', 'suggest', '-n', 'shop', '--for', '8s');
  nothingLost(await shop.stop('seen'));
  assert.equal(code, 0, stdout + stderr);
  const policies = parseAllDocuments(stdout)
    .map(document => document.toJS() as Item | null)
    .filter(object => object !== null);
  assert.ok(policies.length >= 5, `${policies.length} policies: ${stdout}`);
  await cluster.apply(...policies);
  await until('the stranger to be refused', async () => (await shop.visit(stranger)).status === 403);
  const report = nothingLost(await shop.run('suggested', 60));
  for (const policy of policies) await cluster.delete(pathOf(policy));
  return `${policies.length} policies; ${report}`;
}
