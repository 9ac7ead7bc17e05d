import type { ObjectRef, Site } from '../model/index.ts';
import type { KubeObject } from '../registry/index.ts';
import type { Part } from './part.ts';
import type { Report } from './report.ts';

/** What a translation may know beside its object. */
export interface TranslateContext {
  readonly trustDomain: string;
  /** `cluster.local` */
  readonly clusterDomain: string;
  /** Where policies for the whole mesh live: `istio-system`, `weft-system`. */
  readonly rootNamespaces: readonly string[];
  /** Where the object is; empty for the control plane's own cluster. */
  readonly site: Site;
}

/**
 * How objects of one kind are read; several for one kind each keep their own last good parts. Pure: everything it needs is in its
 * arguments, everything wrong goes into the report.
 */
export interface KindTranslator {
  /** With API group and without version: `DestinationRule.networking.istio.io`. */
  readonly kind: string;
  /** The parts of the object. They are dropped, and the last good ones stay, when the report has an error. */
  translate(object: KubeObject, context: TranslateContext, report: Report): readonly Part[];
  /**
   * The parts that hold for a refused object of which nothing held before; none unless given. For kinds that keep somebody out,
   * so that an error lets nobody in. Must not throw either, whatever the object is.
   */
  closed?(object: KubeObject, context: TranslateContext, from: ObjectRef): readonly Part[];
  /** What those parts mean, for the object's author; unless told, what policies about callers do. */
  readonly closedWords?: string;
}
