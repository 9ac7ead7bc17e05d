import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Report } from '../report.ts';
import { Annotations, NGINX_PREFIX } from './annotations.ts';
import { INGRESS_DEFAULTS } from './ingress-model.ts';
import { readSettings } from './settings.ts';

test('an authorizer sets no field that frames a request, says to whom it goes, or who sent it', () => {
  const problems = (names: string): readonly string[] => {
    const report = new Report({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      namespace: 'shop',
      name: 'web',
    });
    const values = {
      [`${NGINX_PREFIX}auth-url`]: 'http://auth/',
      [`${NGINX_PREFIX}auth-response-headers`]: names,
    };
    readSettings(new Annotations(values, report), {
      namespace: 'shop',
      name: 'web',
      clusterDomain: 'cluster.local',
      defaults: INGRESS_DEFAULTS,
      report,
    });
    return report.problems.map(({ message }) => message);
  };
  for (const name of ['Transfer-Encoding', 'content-length', 'Host', 'x-forwarded-client-cert', 'a b'])
    assert.match(problems(`x-user, ${name}`).join(), new RegExp(`'${name.toLowerCase()}' (is|says)`), name);
  assert.deepEqual(problems('X-User, x_groups'), []);
});
