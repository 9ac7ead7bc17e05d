import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { parseIssuerSettings } from './issuer-settings.ts';

test('Vault and cert-manager are read, with what nobody said filled in', () => {
  const vault = 'vault: {address: "https://v:8200", role: weft, kubernetes: {role: weft-injector}}';
  assert.deepEqual(parseIssuerSettings(vault, 'f'), {
    ...{ kind: 'vault', address: 'https://v:8200', mount: 'pki', role: 'weft' },
    auth: {
      ...{ kind: 'kubernetes', mount: 'kubernetes', role: 'weft-injector' },
      tokenFile: '/var/run/secrets/kubernetes.io/serviceaccount/token',
    },
  });
  assert.deepEqual(parseIssuerSettings('certManager: {issuer: mesh, rootsFile: /r.pem}', 'f'), {
    kind: 'certManager',
    issuer: { name: 'mesh', kind: 'ClusterIssuer', group: 'cert-manager.io' },
    rootsFile: '/r.pem',
  });
});

test('what cannot be used is refused by the path of the field', () => {
  const cases: [string, RegExp][] = [
    ['{', /no YAML/],
    ['[]', /no map of fields/],
    ['{}', /one of the fields vault and certManager/],
    ['vault: {}', /vault\.address is missing/],
    ['vault: {address: "x", role: a, tokenFile: t}', /vault\.address 'x' is no URL/],
    ['vault: {address: "http://x", role: a}', /one of tokenFile and kubernetes/],
    ['vault: {address: "http://x", role: a, kubernetes: {}}', /vault\.kubernetes\.role is missing/],
    ['vault: {address: "http://x", rolle: a}', /vault\.rolle is not known; there are address/],
    ['certManager: {issuer: 7}', /certManager\.issuer is no text/],
  ];
  for (const [text, message] of cases) {
    const refused = parseIssuerSettings(text, 'issuer.yaml');
    assert.ok(refused instanceof WeftError, text);
    assert.match(refused.message, message);
    assert.match(refused.message, /issuer\.yaml .*docs\/certificates\.md/);
  }
});
