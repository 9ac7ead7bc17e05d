import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';

/** A column of rows `R`. */
export interface Column<R> {
  readonly title: string;
  readonly cell: (row: R) => ComponentChildren;
  /** What to sort by; without it the column cannot be sorted by. Undefined values come last. */
  readonly by?: (row: R) => number | string | undefined;
  readonly numeric?: boolean;
}

interface TableProps<R> {
  readonly caption: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly keyOf: (row: R) => string;
  /** Column to sort by at first, by its title; the order of the rows otherwise. */
  readonly sorted?: string;
  readonly empty: ComponentChildren;
}

/** Rows beyond these are shown when somebody asks. */
const page = 200;

/** A table that is sorted by its heads; numbers fall at first, names rise. */
export function Table<R>({ caption, columns, rows, keyOf, sorted, empty }: TableProps<R>): JSX.Element {
  const [order, setOrder] = useState<{ title: string; falling: boolean } | undefined>(
    sorted === undefined
      ? undefined
      : { title: sorted, falling: columns.find(each => each.title === sorted)?.numeric === true },
  );
  const [shown, setShown] = useState(page);
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  const by = columns.find(each => each.title === order?.title)?.by;
  const all = by === undefined ? rows : [...rows].sort(comparing(by, order?.falling === true));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class="scrolls" tabIndex={0} aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, by: sortable, numeric }) => {
              const mine = order?.title === title;
              const sort = mine ? (order.falling ? 'descending' : 'ascending') : undefined;
              return (
                <th key={title} scope="col" class={numeric ? 'number' : ''} aria-sort={sort}>
                  {sortable === undefined ? (
                    title
                  ) : (
                    <button
                      type="button"
                      onClick={() => setOrder({ title, falling: mine ? !order.falling : numeric === true })}
                    >
                      {title}
                      <span aria-hidden="true">{mine ? (order.falling ? ' ↓' : ' ↑') : ''}</span>
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {all.slice(0, shown).map(row => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, numeric }) => (
                <td key={title} class={numeric ? 'number' : ''}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {all.length > shown ? (
        <button type="button" class="more" onClick={() => setShown(shown + page)}>
          {all.length - shown} more
        </button>
      ) : null}
    </section>
  );
}

function comparing<R>(
  by: (row: R) => number | string | undefined,
  falling: boolean,
): (left: R, right: R) => number {
  return (left, right) => {
    const [a, b] = [by(left), by(right)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
    return falling ? -order : order;
  };
}
