import type { EdgePolicy } from '../../model/index.ts';
import type { EdgeServices } from '../filters/edge.interface.ts';
import { PASS, type RequestFilter } from '../filters/filter.interface.ts';
import { RewrittenAnswer } from './answer-rewrites.ts';
import { CompressedAnswer, compressionFor } from './compression.ts';
import { requestTarget } from './edge-text.ts';
import { compilePages, PagedAnswer } from './error-pages.ts';
import { PacedAnswer } from './paced-answer.ts';

/**
 * What answers go through on their way to the client: places in their fields, pages in place of errors,
 * compression, then the rate at which they are sent.
 */
export function answersFilter(
  { errorPages = [], compression, rewrites, answerRate }: EdgePolicy,
  services: EdgeServices,
): RequestFilter | undefined {
  const isNone = errorPages.length === 0 && compression === undefined && rewrites === undefined;
  if (isNone && answerRate === undefined) return undefined;
  const pages = compilePages(errorPages);
  return {
    judge(request) {
      // Nearest to the client: what it gets is what is counted.
      if (answerRate !== undefined) {
        const startMs = request.nowMs;
        request.answerThrough(
          (client, upstream) => new PacedAnswer(client, answerRate, startMs, services, upstream),
        );
      }
      if (compression !== undefined) {
        const encoding = compressionFor(compression, request.requestHeader('accept-encoding'));
        request.answerThrough(
          (client, { writable }) => new CompressedAnswer(client, compression, encoding, writable),
        );
      }
      if (pages.size > 0) {
        // The request's head is another's by the time that the page comes.
        const uri = requestTarget(request);
        const format = request.requestHeader('accept');
        request.answerThrough(client => new PagedAnswer(client, pages, services, { uri, format }));
      }
      if (rewrites !== undefined) request.answerThrough(client => new RewrittenAnswer(client, rewrites));
      return PASS;
    },
  };
}
