import { CERTIFICATE_FIELDS } from '../../http/index.ts';
import type { ClientCertificates, EdgePolicy, ShownCertificate } from '../../model/index.ts';
import { compilePattern } from '../../routing/index.ts';
import { type FilteredRequest, type Instead, PASS, type RequestFilter } from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';

/** What the upstream gets. The gateway has taken out what clients claim under these names. */
const { verify, subject, issuer, certificate } = CERTIFICATE_FIELDS;

/** Faults that only mean that the authority is not known (nginx's ngx_ssl_verify_error_optional). */
const ofUnknownAuthority: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Judges what the client's connection has shown, and tells the upstream of it. */
export function clientCertificatesFilter({
  clientCertificates,
  from,
}: EdgePolicy): RequestFilter | undefined {
  if (clientCertificates === undefined) return undefined;
  const { demand, subject: pattern, forward, refusedTo } = clientCertificates;
  const wanted = pattern === undefined ? undefined : compilePattern(`(?s).*(?:${pattern}).*`);
  const refuse = (request: FilteredRequest, status: number, words: string): Instead => {
    const location = status === 400 && refusedTo !== undefined ? [['location', refusedTo] as const] : [];
    const reply = localReply('UAEX', words, {
      status: location.length > 0 ? 302 : status,
      fields: [...request.localFields, ...location],
    });
    return { reply, flag: 'UAEX', detail: words, ...(from && { from }) };
  };
  return {
    judge(request) {
      const { head } = request;
      const shown = request.caller.clientCertificate;
      if (shown === undefined && demand === 'required')
        return refuse(request, 400, 'no required certificate of the client was sent');
      const fault = shown === undefined ? undefined : faultOf(shown, clientCertificates);
      const isBad = fault !== undefined && !(demand === 'any' && ofUnknownAuthority.has(fault.code));
      if (isBad) return refuse(request, 400, `the certificate of the client is no good: ${fault.words}`);
      if (wanted !== undefined && !wanted.matches(shown?.subject ?? ''))
        return refuse(request, 403, 'the certificate of the client is of somebody who may not call');
      const verdict =
        shown === undefined ? 'NONE' : fault === undefined ? 'SUCCESS' : `FAILED:${fault.words}`;
      head.add(verify, Buffer.from(verdict, 'latin1'));
      if (shown === undefined) return PASS;
      head.add(subject, Buffer.from(shown.subject, 'latin1'));
      head.add(issuer, Buffer.from(shown.issuer, 'latin1'));
      if (forward) head.add(certificate, Buffer.from(encodeURIComponent(shown.pem), 'latin1'));
      return PASS;
    },
  };
}

function faultOf(
  { fault, depth }: ShownCertificate,
  { maxDepth }: ClientCertificates,
): ShownCertificate['fault'] {
  if (fault !== undefined || depth <= maxDepth) return fault;
  return { code: 'CERT_CHAIN_TOO_LONG', words: 'certificate chain too long' };
}
