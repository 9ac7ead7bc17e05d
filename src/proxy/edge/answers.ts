import type { EdgePolicy } from '../../model/index.ts';
import type { EdgeServices } from '../filters/edge.interface.ts';
import { PASS, type RequestFilter } from '../filters/filter.interface.ts';
import { RewrittenAnswer } from './answer-rewrites.ts';
import { CompressedAnswer, compressionFor } from './compression.ts';
import { requestTarget } from './edge-text.ts';
import { compilePages, PagedAnswer } from './error-pages.ts';

/** What answers go through on their way to the client: places in their fields, pages in place of errors, then compression. */
export function answersFilter(
  { errorPages = [], compression, rewrites }: EdgePolicy,
  services: EdgeServices,
): RequestFilter | undefined {
  if (errorPages.length === 0 && compression === undefined && rewrites === undefined) return undefined;
  const pages = compilePages(errorPages);
  return {
    judge(request) {
      if (compression !== undefined) {
        const encoding = compressionFor(compression, request.requestHeader('accept-encoding'));
        request.answerThrough(
          (client, writable) => new CompressedAnswer(client, compression, encoding, writable),
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
