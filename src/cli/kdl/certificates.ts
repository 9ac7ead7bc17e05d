import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errorMessage } from '../../errors/index.ts';
import type { KdlProblem, TextPosition } from '../../kdl/index.ts';
import type { SentinelConfiguration } from '../../translate/sentinel/index.ts';

/** What is wrong with the files of certificates that a configuration names: missing, unreadable, or two that do not fit. */
export function certificateProblems({ listeners, upstreams }: SentinelConfiguration): readonly KdlProblem[] {
  const pairs = listeners.flatMap(({ tls }) => tls?.certificates ?? []);
  const served = pairs.flatMap(({ certificate, key, at, stem }) => {
    const found = pairProblem(certificate, key, at);
    return stem === undefined ? found : found.map(leftOut);
  });
  const authorities = listeners.flatMap(({ tls, at }) =>
    tls?.clientAuthorities === undefined ? [] : certificateProblem(tls.clientAuthorities, at),
  );
  const outward = upstreams.flatMap(({ tls, at }) => [
    ...(tls?.caFile === undefined ? [] : certificateProblem(tls.caFile, at)),
    ...(tls?.certificateFile === undefined ? [] : pairProblem(tls.certificateFile, tls.keyFile!, at)),
  ]);
  return [...served, ...authorities, ...outward];
}

/** Of a folder's pairs one that is no good is left out, and nothing else. */
function leftOut({ message, ...found }: KdlProblem): KdlProblem {
  return { ...found, severity: 'warning', message: `${message}; it is left out` };
}

function pairProblem(certificateFile: string, keyFile: string, at: TextPosition): readonly KdlProblem[] {
  const found = certificateProblem(certificateFile, at);
  if (found.length > 0) return found;
  try {
    const key = createPrivateKey(readFileSync(keyFile));
    const certificate = new X509Certificate(readFileSync(certificateFile));
    if (certificate.checkPrivateKey(key)) return [];
    return [problem(at, `the key in ${keyFile} is not that of the certificate in ${certificateFile}`)];
  } catch (error) {
    return [problem(at, `the key in ${keyFile} cannot be used: ${errorMessage(error)}`)];
  }
}

function certificateProblem(file: string, at: TextPosition): readonly KdlProblem[] {
  try {
    const certificate = new X509Certificate(readFileSync(file));
    const until = Date.parse(certificate.validTo);
    return until < Date.now()
      ? [problem(at, `the certificate in ${file} ran out on ${certificate.validTo}`)]
      : [];
  } catch (error) {
    return [problem(at, `the certificate in ${file} cannot be used: ${errorMessage(error)}`)];
  }
}

function problem(at: TextPosition, message: string): KdlProblem {
  return { severity: 'error', code: 'sentinel-certificate', message, at };
}
