// Checks of what policies came to: in the control plane, and in the proxies that it serves.

import { answerMessage } from '../../../webhook/index.ts';
import { PORTS } from '../../config/index.ts';
import { recordsOf } from '../../plain/index.ts';
import { revisionOfPod } from '../install/index.ts';
import { type Check, error, type Finding, field, ok, skipped, warning } from './check.ts';

/** So many are told, the rest is counted. */
const most = 10;
/** What keeps requests from being answered as a policy says; weft analyze has the rest. */
const grave: ReadonlySet<string> = new Set(['refused-by-proxies', 'rule-refused', 'translator-failed']);

const inEffect: Check = {
  id: 'policies-in-effect',
  title: 'proxies take what the policies say',
  async run(context) {
    const pods = (await context.pods()).filter(
      ({ metadata }) =>
        metadata.namespace === context.namespace && revisionOfPod(metadata.labels ?? {}) !== undefined,
    );
    if (pods.length === 0) return [skipped('there is no control plane')];
    const found = new Map<string, Finding>();
    const mute: string[] = [];
    // Each replica knows the proxies that are connected to it.
    for (const { metadata } of pods) {
      const path = `/api/v1/namespaces/${context.namespace}/pods/${metadata.name}:${PORTS.controlPlaneMetrics}/proxy/debug/problems`;
      const answer = await context.cluster.request({ method: 'GET', path, timeoutMs: 5_000 });
      if (answer.status === 200) for (const each of judgeProblems(answer.body)) found.set(each.message, each);
      else mute.push(`${metadata.name}: ${answerMessage(answer)}`);
    }
    const all = [...found.values()];
    if (mute.length === pods.length) return [skipped(`the control plane could not be asked: ${mute[0]}`)];
    const more = all.length - most;
    if (more > 0)
      return [...all.slice(0, most), warning(`${more} more of this kind`, 'weft analyze names all')];
    return all.length > 0 ? all : [ok()];
  },
};

/** Findings about `/debug/problems` of a control plane. */
export function judgeProblems(body: unknown): readonly Finding[] {
  return recordsOf(body).flatMap(each => {
    if (!grave.has(String(each.code))) return [];
    const { kind, name, namespace } = (each.object ?? {}) as Record<string, unknown>;
    const who = kind === undefined ? '' : `${String(kind)} ${String(name)}.${String(namespace)}: `;
    return [
      error(
        `${who}${String(field(each, 'message'))}`,
        `see ${String(each.code)} in docs/errors.md, and weft analyze`,
      ),
    ];
  });
}

/** Checks of policies. */
export const policyChecks: readonly Check[] = [inEffect];
