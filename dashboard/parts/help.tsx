import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { Dialog } from './dialog.tsx';

const keys: readonly (readonly [key: string, words: string])[] = [
  ['/', 'search workloads, pods, services'],
  ['?', 'this list'],
  ['← → ↑ ↓', 'in the graph: from workload to workload'],
  ['Enter', 'in the graph: open the one that is chosen'],
  ['+ − 0', 'in the graph: nearer, farther, all of it'],
  ['Esc', 'close, or choose nothing'],
];

const finds: readonly (readonly [text: string, words: string])[] = [
  ['reviews', 'the name has it'],
  ['ns:shop', 'the namespace'],
  ['version:v2', 'the version, where versions are told apart'],
  ['errors>1%', 'failed requests; also >=, <, <='],
  ['p99>250', 'milliseconds; also p50, p90, rps'],
  ['mtls:no', 'not wholly by mutual TLS'],
  ['protocol:tcp', 'links of one protocol'],
  ['-cart', 'not that; terms beside each other must all hold'],
];

/** Keys and what to write into the graph's fields. */
export function Help({ open }: { open: Signal<boolean> }): JSX.Element {
  return (
    <Dialog open={open} label="help">
      <h2>Keys</h2>
      <dl class="help">
        {keys.map(([key, words]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <h2>Find and hide</h2>
      <dl class="help">
        {finds.map(([text, words]) => (
          <div key={text}>
            <dt>
              <code>{text}</code>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </Dialog>
  );
}
