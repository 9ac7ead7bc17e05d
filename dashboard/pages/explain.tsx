import type { JSX } from 'preact';
import { Empty } from '../parts/words.tsx';

/** Not there yet. */
export function ExplainPage(): JSX.Element {
  return (
    <Empty title="Explain is not in the page yet">
      <p>
        On the command line: <code>weft explain --help</code>
      </p>
    </Empty>
  );
}
