// Checks of several control planes beside each other: whether all are well and fit together, and whether labels lead to them.
import { LABELS } from '../../config/index.ts';
import { lostText, outOfDateText, restartCommand } from '../revision/list.ts';
import {
  known,
  lostNamespaces,
  outOfDatePods,
  type Revision,
  type Revisions,
} from '../revision/revisions.ts';
import { type Check, error, type Finding, ok, skipped, warning } from './check.ts';

const together: Check = {
  id: 'revisions',
  title: 'control planes beside each other are ready, and of one mesh',
  async run(context) {
    const all = await context.revisions();
    if (all.revisions.length < 2 && all.tags.length === 0) return [skipped('there is one control plane')];
    return [
      ...all.revisions.flatMap(each => readiness(each, context.namespace)),
      ...differences(all),
      ...tags(all),
    ];
  },
};

function readiness({ name, ready, replicas }: Revision, namespace: string): Finding[] {
  if (ready >= replicas) return [ok(`${name} is ready`)];
  const words = `revision ${name}: ${ready} of ${replicas} replicas are ready`;
  const look = `kubectl get deployment -n ${namespace} -l ${LABELS.revision}=${name}; kubectl describe tells why`;
  return ready === 0 ? [error(words, look)] : [{ ...warning(words, look), underWay: true }];
}

/** What proxies of two revisions could not agree on. */
function differences({ revisions }: Revisions): Finding[] {
  const [first, ...others] = revisions;
  return others.flatMap(each => {
    const found: Finding[] = [];
    const differ = (what: string, flag: string): void => {
      const words = `revisions ${first!.name} and ${each.name} have different ${what}`;
      found.push(
        error(words, `weft upgrade --revision ${each.name} ${flag} --apply, with what ${first!.name} has`),
      );
    };
    if (each.trustDomain !== first!.trustDomain) differ('trust domains', '--trust-domain NAME');
    if (each.issuer !== first!.issuer) differ('issuers of certificates', '--issuer FILE');
    if (each.acceptsIstio !== first!.acceptsIstio)
      differ("minds about Istio's labels, so that a pod may be injected by both", '--accept-labels MESHES');
    return found;
  });
}

function tags({ revisions, tags: all }: Revisions): Finding[] {
  return all.flatMap(({ name, revision }) => {
    if (!revisions.some(each => each.name === revision))
      return [
        error(
          `tag ${name} stands for revision ${revision}, which is gone: pods that choose it are not injected`,
          `weft revision tag set ${name} --revision REVISION --overwrite`,
        ),
      ];
    // `default` is the name of both on purpose: one configuration, whosever it is.
    const isBoth = name !== 'default' && revisions.some(each => each.name === name);
    return isBoth
      ? [
          error(
            `${name} is a revision and a tag: a pod that chooses it is injected twice`,
            `weft revision tag remove ${name} --force`,
          ),
        ]
      : [];
  });
}

const labels: Check = {
  id: 'revision-labels',
  title: 'every label of a revision leads to a control plane, and pods have the one that they choose',
  async run(context) {
    const all = await context.revisions();
    const namespaces = await context.namespaces();
    const both = [...namespaces].filter(
      ([, each]) => each.labels[LABELS.inject] !== undefined && each.labels[LABELS.revision] !== undefined,
    );
    return [
      ...lostNamespaces(all, namespaces).map(({ namespace, by, name }) =>
        error(
          `namespace ${namespace}: ${lostText({ by, words: known(all), namespace })}`,
          `kubectl label namespace ${namespace} --overwrite ${LABELS.revision}=REVISION, or weft revision tag set ${name} --revision REVISION`,
        ),
      ),
      ...both.map(([name, each]) =>
        warning(
          `namespace ${name} has ${LABELS.inject}=${each.labels[LABELS.inject]} beside ${LABELS.revision}=${each.labels[LABELS.revision]}, which has no effect`,
          `kubectl label namespace ${name} ${LABELS.inject}-, or ${LABELS.revision}-`,
        ),
      ),
      ...outOfDatePods(all, await context.pods(), namespaces).map(each =>
        warning(outOfDateText(each), restartCommand(each.namespace)),
      ),
    ];
  },
};

/** Checks of revisions and of the labels that choose them. */
export const revisionChecks: readonly Check[] = [together, labels];
