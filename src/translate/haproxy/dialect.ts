import { formatRef, HAPROXY_PREFIXES, type PathMatch } from '../../model/index.ts';
import type { IngressDialect, IngressWords, PathProblem, PathWords } from '../ingress/ingress-dialect.ts';
import { INGRESS_DEFAULTS, type IngressDefaults, type IngressSettings } from '../ingress/ingress-model.ts';
import type { OrderedPath, OrderPaths } from '../ingress/paths.ts';
import { Report } from '../report.ts';
import { HAPROXY_ANNOTATIONS } from './annotations.table.ts';
import { HaproxyAnnotations, type HaproxyValues } from './annotations.ts';
import { readHaproxySettings } from './settings.ts';

/** What HAProxy's controller does unless told: it has no limit for bodies, and speaks of no HSTS. */
const HAPROXY_DEFAULTS: IngressDefaults = {
  ...INGRESS_DEFAULTS,
  redirectStatus: 302,
  hsts: undefined,
  maxBodyBytes: 0,
  idleTimeoutMs: 50_000,
};

/** The annotations of HAProxy's ingress controller: default < ConfigMap < Ingress < Service. */
export const haproxyDialect: IngressDialect = {
  name: 'haproxy',
  prefixes: HAPROXY_PREFIXES,
  defaults: HAPROXY_DEFAULTS,
  order: haproxyOrder,
  settings,
  problems,
};

/** What an Ingress cannot say, and what a Service cannot. */
const notOf = (place: 'ingress' | 'service'): ReadonlySet<string> =>
  new Set(HAPROXY_ANNOTATIONS.flatMap(each => (each.places.includes(place) ? [] : [each.name])));
const notOfIngress = notOf('ingress');
const notOfService = notOf('service');

function settings(of: PathWords): IngressSettings | undefined {
  const all = wordsOf(of);
  if (all.some(each => each.refused === true)) return undefined;
  const { namespace, name, from } = of.ingress;
  const values: HaproxyValues = Object.assign({}, ...all.map(valuesOf));
  // What is wrong with a value has been told where it stands.
  const annotations = new HaproxyAnnotations(values, new Report(from));
  return readHaproxySettings(annotations, { namespace, name, from, isAlone: false });
}

function problems(of: PathWords): readonly PathProblem[] {
  const { path } = of;
  return wordsOf(of).flatMap(each =>
    each.refused === true && each.of === 'service'
      ? [
          {
            path: 'spec.rules',
            message: `spec.rules: paths to ${path.target.host} answer 503 because of annotations of ${formatRef(each.from)}; its problems say which`,
          },
        ]
      : [],
  );
}

/** From what counts least to what counts most. */
function wordsOf({ ingress, path, words }: PathWords): readonly IngressWords[] {
  const [name, namespace] = path.target.host.split('.');
  return [
    words.config('haproxy'),
    ingress.words,
    words.find('haproxy', 'service', `${namespace}/${name}`),
  ].filter(each => each !== undefined);
}

function valuesOf(words: IngressWords): HaproxyValues {
  if (words.dialect !== 'haproxy') return {};
  const without = words.of === 'ingress' ? notOfIngress : words.of === 'service' ? notOfService : new Set();
  return Object.fromEntries(Object.entries(words.values).filter(([name]) => !without.has(name)));
}

/** Whole paths, then the longest beginning: Prefix by elements, ImplementationSpecific as text (pkg/route/route.go). */
function haproxyOrder(paths: Parameters<OrderPaths>[0]): readonly OrderedPath[] {
  return [...paths]
    .sort(({ path: left }, { path: right }) => {
      const kind = Number(left.type === 'prefix') - Number(right.type === 'prefix');
      const loose = Number(left.loose ?? false) - Number(right.loose ?? false);
      return kind || right.path.length - left.path.length || loose || (left.path < right.path ? -1 : 1);
    })
    .map(of => ({ of, match: matchOf(of.path), rewrite: of.settings.path }));
}

function matchOf({ path, type, loose }: Parameters<OrderPaths>[0][number]['path']): PathMatch | undefined {
  if (type === 'exact') return { kind: 'exact', value: path };
  const value = path.replace(/\/$/, '');
  if (value === '') return undefined;
  return { kind: loose === true ? 'prefix' : 'segments', value };
}
