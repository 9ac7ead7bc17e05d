import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageMesh } from '../../src/dashboard/contract.ts';
import { mesh } from '../state/connection.ts';
import { go, href } from '../state/route.ts';
import { Dialog } from './dialog.tsx';

interface Hit {
  readonly kind: string;
  readonly key: string;
  readonly to: string;
}

const most = 12;

/** Goes to a workload, pod or service by a part of its name. */
export function Search({ open }: { open: Signal<boolean> }): JSX.Element {
  return (
    <Dialog open={open} label="search">
      <SearchForm open={open} />
    </Dialog>
  );
}

function SearchForm({ open }: { open: Signal<boolean> }): JSX.Element {
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const hits = mesh.value ? hitsOf(mesh.value, text) : [];
  const chosen = Math.min(at, hits.length - 1);
  const take = (hit: Hit | undefined): void => {
    if (hit === undefined) return;
    open.value = false;
    go(hit.to);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setAt(Math.min(chosen + 1, hits.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(chosen - 1, 0));
    else if (event.key === 'Enter') take(hits[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <div class="search">
      <input
        autofocus
        type="text"
        // biome-ignore lint/a11y/noRedundantRoles: it has no datalist, so nothing implies it
        role="combobox"
        list={undefined}
        aria-label="workload, pod or service"
        aria-expanded={hits.length > 0}
        aria-controls="hits"
        aria-activedescendant={hits.length > 0 ? `hit-${chosen}` : undefined}
        placeholder="Workload, pod or service"
        value={text}
        onInput={event => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="hits" role="listbox" aria-label="hits">
        {hits.map((hit, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: keys are the field's
          <div
            key={`${hit.kind} ${hit.key}`}
            id={`hit-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onClick={() => take(hit)}
          >
            <span class="muted">{hit.kind}</span> {hit.key}
          </div>
        ))}
      </div>
      {hits.length === 0 ? <p class="muted">Nothing has that in its name.</p> : null}
    </div>
  );
}

function hitsOf({ workloads, services, grouped, namespaces }: PageMesh, text: string): readonly Hit[] {
  const wanted = text.trim().toLowerCase();
  const found: Hit[] = [];
  const add = (kind: string, key: string, to: string): void => {
    if (key.toLowerCase().includes(wanted)) found.push({ kind, key, to });
  };
  for (const { key } of workloads) add('workload', key, href('workload', key));
  for (const { key } of services) add('service', key, href('service', key));
  if (grouped)
    for (const { name } of namespaces)
      add('namespace', name, `#/graph?namespace=${encodeURIComponent(name)}`);
  if (wanted !== '')
    for (const { pods } of workloads) for (const { key } of pods) add('pod', key, href('pod', key));
  // What begins with it first.
  const rank = ({ key }: Hit): number =>
    key.split('/').some(each => each.toLowerCase().startsWith(wanted)) ? 0 : 1;
  return found.sort((a, b) => rank(a) - rank(b)).slice(0, most);
}
