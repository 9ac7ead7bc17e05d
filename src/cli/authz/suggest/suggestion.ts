// What is observed and a mesh in, a proposal as text out, with the proof that it allows what was observed.
import type { ObjectMesh } from '../../../analyze/index.ts';
import { WeftError } from '../../../errors/index.ts';
import type { Gathered } from './gather.ts';
import { propose, type SuggestOptions } from './propose.ts';
import { meshWith, type Proof, prove } from './prove.ts';
import { suggestionText } from './text.ts';

/**
 * YAML, and whether it allows what was observed beside the policies that there are. Throws a WeftError where nothing is
 * proposed.
 */
export function suggestionOf(
  mesh: ObjectMesh,
  { observed, whence }: Gathered,
  options: SuggestOptions & { readonly clusterDomain: string },
): { readonly text: string; readonly proof: Proof } {
  const proposal = propose(mesh, observed, options);
  if (proposal.policies.length === 0) throw nothing(proposal.notes, options.atLeast);
  const added = proposal.policies.map(({ object }) => object);
  const proof = prove(meshWith(mesh, added, options.clusterDomain), observed);
  const head = [
    `proposed by weft authz suggest, ${whence.join('; ')}`,
    ...(options.audit ? ['dry run: take the annotation istio.io/dry-run away to enforce a policy'] : []),
  ];
  return { text: suggestionText(head, proposal, proof), proof };
}

function nothing(notes: readonly string[], atLeast: number): WeftError {
  const why = notes.length === 0 ? 'no request to a workload with a proxy was seen' : notes.join('; ');
  const remedy = `watch longer (--for), or make do with less than ${atLeast} (--at-least)`;
  return new WeftError('nothing-observed', `${why}; ${remedy}`, { source: 'config' });
}
