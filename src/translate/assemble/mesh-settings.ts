import { DEFAULT_PATH_NORMALIZATION, fact, formatRef, type PathNormalization } from '../../model/index.ts';
import type { MeshSettingsPart } from '../part.ts';

/** What the objects about the whole mesh come to. */
export class MeshSettings {
  readonly #parts = new Map<string, MeshSettingsPart>();

  set(id: string, part: MeshSettingsPart, present: boolean): void {
    if (present) this.#parts.set(id, part);
    else this.#parts.delete(id);
  }

  /** For Mesh.pathNormalization. */
  pathNormalization(before: PathNormalization, touched: Set<string>): PathNormalization {
    const said = [...this.#parts.values()].filter(each => each.pathNormalization !== undefined);
    const [first] = said.sort(
      (left, right) => left.rank - right.rank || (formatRef(left.from) < formatRef(right.from) ? -1 : 1),
    );
    const now = first?.pathNormalization ?? DEFAULT_PATH_NORMALIZATION;
    if (now !== before) touched.add(fact.pathNormalization());
    return now;
  }
}
