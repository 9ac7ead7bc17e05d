import type { RouteTarget } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { CHAIN_RANKS, CHAIN_TABLE } from './chain.ts';
import { readHeaders } from './header-edits.ts';
import { type OwnService, ownService, readTarget } from './service-name.ts';

/**
 * consul.hashicorp.com ServiceSplitter: its Service's requests by weight, wherever a router or another splitter sends them to
 * that Service without naming a subset. A split that is another Service goes through that one's splitter and resolver in turn.
 */
export const serviceSplitterTranslator: KindTranslator = {
  kind: 'ServiceSplitter.consul.hashicorp.com',
  translate: translateSplitter,
};

function translateSplitter(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { creationTimestamp: createdAt = '' } = object.metadata;
  const own = ownService(object, context);
  const spec = fieldsOf(object, 'spec', report);
  const targets = readSplits(spec, own, context, report);
  spec.rest();
  if (targets.length === 0 || report.refused) return [];
  const { host } = own;
  const { object: from } = report;
  const action = { kind: 'forward', targets: [{ host, weight: 1 }] } as const;
  const http = [{ name: object.metadata.name, path: 'spec.splits', matches: [], action }];
  const table = { host, http, tcp: [], ...CHAIN_TABLE, rank: CHAIN_RANKS.splitter, from, createdAt };
  return [
    { kind: 'route-table', table, chain: 'consul' },
    { kind: 'targets', chain: 'consul', stage: 'split', host, targets, nested: true, from, createdAt },
  ];
}

/** Weights are percent with two digits after the point, and come to a hundred. */
function readSplits(
  spec: Fields,
  own: OwnService,
  context: TranslateContext,
  report: Report,
): readonly RouteTarget[] {
  const splits = spec.objects('splits');
  if (splits.length === 0 && (!spec.has('splits') || spec.isList('splits')))
    report.error('field-invalid', 'spec.splits', 'spec.splits is empty; say who gets which share');
  let sum = 0;
  const targets = splits.flatMap(split => {
    const hundredths = Math.round((split.decimal('weight', { max: 100 }) ?? 0) * 100);
    const target = readTarget(split, own, context, report);
    const headers = readHeaders(split, report);
    split.rest();
    sum += hundredths;
    return target ? [{ ...target, weight: hundredths, ...headers }] : [];
  });
  if (splits.length > 0 && sum !== 10_000 && !report.refused)
    report.error(
      'field-invalid',
      'spec.splits',
      `spec.splits: the weights come to ${sum / 100}; they must come to 100`,
    );
  return targets.every(each => each.weight % 100 === 0)
    ? targets.map(each => ({ ...each, weight: each.weight / 100 }))
    : targets;
}
