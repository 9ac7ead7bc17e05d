import { equal, type GatewayPorts, type Mesh, type Problem, problem } from '../model/index.ts';
import type { Change, Stored } from '../registry/index.ts';
import { MeshAssembler } from './assemble/mesh-assembler.ts';
import type { KindTranslator, TranslateContext } from './dialect.ts';
import { dialects, ignoredKind } from './dialects.ts';
import { fitParts } from './fit-parts.ts';
import type { Part } from './part.ts';
import { Report } from './report.ts';

/** What a translation of changes came to. */
export interface Update {
  readonly mesh: Mesh;
  /** Names of the facts that differ from the mesh before (see model/fact.ts). Empty: nothing that anybody reads changed. */
  readonly touched: ReadonlySet<string>;
}

/** What is fixed for the life of a mesh. */
export interface TranslatorOptions {
  readonly trustDomain?: string;
  /** Other names of it, beside those that the mesh's settings name. */
  readonly trustDomainAliases?: readonly string[];
  readonly clusterDomain?: string;
  readonly rootNamespaces?: readonly string[];
  /** Where proxies of gateways listen, as far as whoever asks knows that. */
  readonly gatewayPorts?: GatewayPorts;
  /** Dialects beside those that everybody reads; see Translator. */
  readonly dialects?: readonly KindTranslator[];
}

interface Translated {
  readonly parts: readonly Part[];
  readonly problems: readonly Problem[];
  /** The parts stand in place of what the object says, which nobody could read yet (KindTranslator.closed). */
  readonly closed?: true;
}

const CLOSED =
  'nothing of this object has held before, so until it is corrected nobody may do what it speaks of: an ALLOW policy and a Server allow nothing, any other denies everything to the workloads that it selects; of a RequestAuthentication the tokens are refused';

const ofClusters: ReadonlySet<Part['kind']> = new Set(['service', 'endpoints', 'workload', 'node']);

/**
 * Turns changes of objects into a new Mesh, at the cost of what changed. An object with an error keeps its last good
 * translation. No I/O and no clock: the same changes always make the same mesh.
 */
export class Translator {
  readonly #context: TranslateContext;
  readonly #assembler: MeshAssembler;
  readonly #translators = new Map<string, KindTranslator[]>();
  readonly #translated = new Map<string, Translated>();
  /** Only the objects that have problems, so that asking for them does not cost all objects. */
  readonly #troubled = new Set<string>();

  constructor(options: TranslatorOptions = {}) {
    const { trustDomain = 'cluster.local', clusterDomain = 'cluster.local' } = options;
    const { rootNamespaces = ['istio-system', 'weft-system'] } = options;
    this.#context = { trustDomain, clusterDomain, rootNamespaces, site: {} };
    this.#assembler = new MeshAssembler(trustDomain, clusterDomain, options);
    for (const translator of [...dialects, ...(options.dialects ?? [])]) {
      const others = this.#translators.get(translator.kind) ?? [];
      this.#translators.set(translator.kind, [...others, translator]);
    }
  }

  get mesh(): Mesh {
    return this.#assembler.mesh;
  }

  apply(changes: readonly Change[]): Update {
    for (const change of changes) {
      const translators = this.#translators.get(change.kind);
      if (!translators) this.#note(change);
      translators?.forEach((translator, index) => {
        this.#applyOne(`${change.kind} ${index} ${change.key}`, change, translator);
      });
    }
    const touched = this.#assembler.build();
    return { mesh: this.#assembler.mesh, touched };
  }

  /** Everything wrong with any object now. */
  problems(): readonly Problem[] {
    const found = [...this.#troubled]
      .filter(id => !this.#assembler.isForeign(id))
      .flatMap(id => this.#translated.get(id)!.problems);
    return [...found, ...this.#assembler.problems()];
  }

  #applyOne(id: string, change: Change, translator: KindTranslator): void {
    const before = this.#translated.get(id);
    const after = change.type === 'put' ? this.#translate(translator, change.stored, before) : undefined;
    const [from, to] = [before?.parts ?? [], after?.parts ?? []];
    if (!equal(from, to)) this.#assembler.replace(id, from, to);
    this.#remember(id, after);
  }

  /** Objects of other systems are nobody's business; those that people expect a mesh to obey are named. */
  #note(change: Change): void {
    const reason = ignoredKind(change.kind);
    if (reason === undefined) return;
    const id = `${change.kind} ${change.key}`;
    const where = change.type === 'put' && { object: change.stored.ref };
    this.#remember(
      id,
      where ? { parts: [], problems: [problem('kind-not-supported', reason, where)] } : undefined,
    );
  }

  #translate(translator: KindTranslator, stored: Stored, before: Translated | undefined): Translated {
    const report = new Report(stored.ref);
    let parts: readonly Part[] = [];
    try {
      parts = this.#partsOf(translator, stored, report);
      if (!report.refused) parts = fitParts(parts, before?.parts ?? [], report);
    } catch (thrown) {
      // A translator must not throw; when one does all the same, one object must not stop the others.
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      report.error('translator-failed', '', `the translation of this ${stored.ref.kind} failed: ${reason}`);
    }
    if (!report.refused) return { parts, problems: report.problems };
    if (before !== undefined && !before.closed) return { parts: before.parts, problems: report.problems };
    return this.#closed(translator, stored, report);
  }

  /** Nothing of the object has ever held. */
  #closed(translator: KindTranslator, { object, ref }: Stored, report: Report): Translated {
    const parts = ref.cluster === undefined ? translator.closed?.(object, this.#context, ref) : undefined;
    if (parts === undefined) return { parts: [], problems: report.problems };
    if (parts.length > 0) report.fail('policy-closed', '', translator.closedWords ?? CLOSED);
    return { parts, problems: report.problems, closed: true };
  }

  /** Another cluster lends its pods and Services; its policies are for its own control plane. */
  #partsOf(translator: KindTranslator, { object, ref, owner }: Stored, report: Report): readonly Part[] {
    if (ref.cluster === undefined) return translator.translate(object, this.#context, report);
    const parts = translator.translate(object, { ...this.#context, site: owner?.site ?? {} }, report);
    return parts.filter(({ kind }) => ofClusters.has(kind));
  }

  #remember(id: string, translated: Translated | undefined): void {
    if (translated) this.#translated.set(id, translated);
    else this.#translated.delete(id);
    if (translated && translated.problems.length > 0) this.#troubled.add(id);
    else this.#troubled.delete(id);
  }
}
