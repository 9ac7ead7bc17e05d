import type { Mesh, ObjectRef, RouteTable } from '../../model/index.ts';
import { hiddenBy, hidesTable } from '../assemble/hidden-tables.ts';

/** A table and, where another keeps it from taking effect, how that is said. */
export interface IndexedTable {
  readonly table: RouteTable;
  readonly hidden?: string;
}

/** The tables of each object. */
export class TableIndex {
  readonly #tables = new Map<string, IndexedTable[]>();

  constructor({ routeTables }: Mesh) {
    for (const tables of routeTables.values()) {
      tables.forEach((table, index) => {
        const winner = tables.slice(0, index).find(each => hidesTable(each, table));
        const found = this.#tables.get(idOf(table.from)) ?? [];
        found.push({ table, ...(winner && { hidden: hiddenBy(table, winner) }) });
        this.#tables.set(idOf(table.from), found);
      });
    }
  }

  of(object: ObjectRef): readonly IndexedTable[] {
    return this.#tables.get(idOf(object)) ?? [];
  }
}

/** The same for all versions of a kind. */
export function idOf({ apiVersion, kind, namespace, name }: ObjectRef): string {
  const slash = apiVersion.indexOf('/');
  return `${slash < 0 ? '' : apiVersion.slice(0, slash)} ${kind} ${namespace}/${name}`;
}
