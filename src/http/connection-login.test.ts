import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesConnectionLogin } from './connection-login.ts';

const named = (text: string): boolean => {
  const bytes = Buffer.from(`xx${text}yy`, 'latin1');
  return namesConnectionLogin(bytes, 2, bytes.length - 2);
};

test('schemes that log in the connection are found wherever a list names them, in any case', () => {
  for (const text of [
    'NTLM',
    'ntlm TlRMTVNTUAAB',
    'Negotiate YIIJ',
    'nEgOtIaTe',
    'Nego2',
    'Kerberos abc',
    'Negotiate\tabc',
    'Basic realm="x", NTLM',
    'Basic realm="x",Negotiate',
    'Negotiate, Basic realm="a, b"',
    ', ,  NTLM',
    'Digest realm="unclosed, Negotiate',
  ])
    assert.equal(named(text), true, text);
});

test('other schemes are not', () => {
  for (const text of [
    '',
    'Basic TlRMTTpwdw==',
    'Bearer ntlm.negotiate.kerberos',
    'Digest username="negotiate", realm="ntlm"',
    'NTLMv2',
    'X-Negotiate abc',
    'Negotiate2',
  ])
    assert.equal(named(text), false, text);
});
