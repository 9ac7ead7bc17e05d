// Every row of cases.ts four times through real proxies, over both versions of HTTP: ALLOW and DENY, asked for and asked against;
// gRPC and bytes are in combinations.test.ts.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CONDITION_ROWS, OPERATION_ROWS, type Row, SOURCE_ROWS } from './cases.ts';
import { AuthorizationRig, policy } from './rig.ts';

let rig: AuthorizationRig;
let cases = 0;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

type Shape = (row: Row, not: boolean) => object;
const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);
const name = (field: string, not: boolean): string => (not ? `not${capital(field)}` : field);
const source: Shape = ({ field, values }, not) => ({ from: [{ source: { [name(field, not)]: values } }] });
const operation: Shape = ({ field, values }, not) => ({
  to: [{ operation: { [name(field, not)]: values } }],
});
const condition: Shape = ({ field: key, values }, not) => ({
  when: [{ key, [name('values', not)]: values }],
});

/** Rows with the same rule are tried one after the other, so that policies are compiled once. */
async function tryAll(rows: readonly Row[], shape: Shape, http2: boolean): Promise<string[]> {
  const wrong: string[] = [];
  const byRule = Map.groupBy(rows, ({ field, values }) => `${field} ${values.join()}`);
  for (const group of byRule.values())
    for (const action of ['ALLOW', 'DENY'])
      for (const not of [false, true]) {
        rig.obey(rig.policies(policy({ action, rules: [shape(group[0]!, not)] })));
        for (const { field, values, sent, has } of group) {
          const passes = (has !== not) === (action === 'ALLOW');
          const { status } = await rig.send({ ...sent, http2 });
          cases++;
          if (status !== (passes ? 200 : 403))
            wrong.push(
              `${action} ${name(field, not)} ${values}: ${JSON.stringify(sent)} was answered ${status}`,
            );
        }
      }
  return wrong;
}

for (const [what, rows, shape] of [
  ['sources', SOURCE_ROWS, source],
  ['operations', OPERATION_ROWS, operation],
  ['conditions', CONDITION_ROWS, condition],
] as const)
  for (const version of ['HTTP/1.1', 'HTTP/2'])
    test(`${what} over ${version}: every field, value and negation decides as Istio says`, async () => {
      assert.deepEqual(await tryAll(rows, shape, version === 'HTTP/2'), []);
    });

test('there are as many cases as promised', () => {
  assert.ok(cases >= 1200, `${cases} cases`);
});
