import type { JSX } from 'preact';
import { Empty } from '../parts/words.tsx';

/** Not there yet. */
export function TapPage(): JSX.Element {
  return (
    <Empty title="Tap is not in the page yet">
      <p>
        On the command line: <code>weft tap --help</code>
      </p>
    </Empty>
  );
}
