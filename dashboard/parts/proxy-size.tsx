import type { JSX } from 'preact';
import type { PagePodFigures, PageSize } from '../../src/dashboard/contract.ts';
import { formatCores, formatMebibytes, formatSpan } from '../state/format.ts';
import { Figure } from './words.tsx';

/** What the proxies of these pods used at most, and what they should ask Kubernetes for; nothing where none of them tells. */
export function ProxySize({ pods }: { readonly pods: readonly PagePodFigures[] }): JSX.Element | null {
  const size = largest(pods.flatMap(each => each.size ?? []));
  if (size === undefined) return null;
  return (
    <>
      <h2>Size of its proxy</h2>
      <dl class="figures">
        <Figure name="CPU, busiest minute">{formatCores(size.busiestCores)}</Figure>
        <Figure name="Memory, highest">{formatMebibytes(size.peakBytes)}</Figure>
        <Figure name="Watched for">{formatSpan(size.seconds * 1_000)}</Figure>
        <Figure name="Proposed CPU request">{formatCores(size.cpuRequestCores)}</Figure>
        <Figure name="Proposed memory request">{formatMebibytes(size.memoryRequestBytes)}</Figure>
        <Figure name="Proposed memory limit">{formatMebibytes(size.memoryLimitBytes)}</Figure>
      </dl>
      <p class="hints">
        {size.seconds < 3_600 ? 'Too short to take anything away from it. ' : ''}
        <code>weft analyze --sizes</code> compares this with what its pods ask for, and says what to write.
      </p>
    </>
  );
}

/** All pods of a workload ask for the same, so each figure is the highest of any of them. */
function largest(sizes: readonly PageSize[]): PageSize | undefined {
  const [first] = sizes;
  if (first === undefined) return undefined;
  const highest = (of: (size: PageSize) => number): number => Math.max(...sizes.map(of));
  return {
    seconds: highest(each => each.seconds),
    busiestCores: highest(each => each.busiestCores),
    peakBytes: highest(each => each.peakBytes),
    cpuRequestCores: highest(each => each.cpuRequestCores),
    memoryRequestBytes: highest(each => each.memoryRequestBytes),
    memoryLimitBytes: highest(each => each.memoryLimitBytes),
  };
}
