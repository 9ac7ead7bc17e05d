import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PageMesh } from '../../src/dashboard/contract.ts';
import type { LinkLabel } from '../graph/drawing.tsx';
import { type Finder, readFind } from '../graph/find.ts';
import type { LayoutInput } from '../graph/layout.ts';
import { type GraphModel, graphOf } from '../graph/model.ts';
import { GraphSide } from '../graph/side.tsx';
import { useLayout } from '../graph/use-layout.ts';
import { GraphView } from '../graph/view.tsx';
import { EdgeTable } from '../parts/edge-table.tsx';
import { TextField } from '../parts/text-field.tsx';
import { Empty } from '../parts/words.tsx';
import { figures, mesh, openNamespace } from '../state/connection.ts';
import { go, href, place } from '../state/route.ts';

const labels: readonly (readonly [LinkLabel, string])[] = [
  ['rate', 'rate'],
  ['errors', 'failures'],
  ['p99', 'p99'],
  ['none', 'nothing'],
];

/** From so many links on they say nothing unless asked to: nobody could read it. */
const crowded = 150;

/** Who calls whom, live. */
export function GraphPage(): JSX.Element {
  const whole = mesh.value!;
  const namespace = place.value.query.get('namespace') ?? '';
  const [versions, setVersions] = useState(false);
  const [idle, setIdle] = useState(true);
  const [asked, setLabel] = useState<LinkLabel | undefined>(undefined);
  const [find, setFind] = useState('');
  const [hide, setHide] = useState('');
  const [selected, select] = useState('');
  const [asTable, setAsTable] = useState(false);
  const finder = readFind(find);
  const hider = readFind(hide);
  const closed = new Set<string>();
  const model = without(graphOf(whole, figures.value, { namespace, versions, idle, closed }), hider);
  const label = asked ?? (model.links.length > crowded ? 'none' : 'rate');
  const input: LayoutInput = {
    nodes: model.nodes.map(({ id, namespace: group, kind }) => ({
      id,
      group: kind === 'workload' ? group : '',
    })),
    links: model.links.map(({ from, to }) => [from, to] as const),
  };
  const layout = useLayout(input);
  const wrong = [finder, hider].find(each => typeof each === 'string') as string | undefined;
  if (whole.namespaces.every(each => each.pods === 0)) return <NoWorkloads />;
  return (
    <>
      <h1 class="unseen">Graph</h1>
      <form class="bar" onSubmit={event => event.preventDefault()}>
        <NamespaceChoice whole={whole} namespace={namespace} />
        <TextField label="Find" value={find} placeholder="errors>1%" onText={setFind} />
        <TextField label="Hide" value={hide} placeholder="ns:default" onText={setHide} />
        <label>
          Links say{' '}
          <select value={label} onChange={event => setLabel(event.currentTarget.value as LinkLabel)}>
            {labels.map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={versions}
            onChange={event => setVersions(event.currentTarget.checked)}
          />{' '}
          versions
        </label>
        <label>
          <input type="checkbox" checked={idle} onChange={event => setIdle(event.currentTarget.checked)} />{' '}
          idle
        </label>
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          As a table
        </button>
        {wrong === undefined ? null : <p role="alert">{wrong}</p>}
      </form>
      <Hints whole={whole} model={model} />
      {asTable ? (
        <EdgeTable
          caption="who calls whom"
          edges={model.links.flatMap(each => each.edges)}
          ends="both"
          empty="Nobody calls anybody: send requests to a workload of the mesh."
        />
      ) : (
        <div class="graph">
          {layout === undefined ? (
            <p class="starting">Working out where everything stands…</p>
          ) : (
            <GraphView
              model={model}
              layout={layout}
              label={label}
              selected={selected}
              found={typeof finder === 'object' ? foundIn(model, finder) : undefined}
              select={select}
              open={node =>
                node.kind === 'namespace'
                  ? openNamespace(node.namespace)
                  : go(href('workload', node.id.split('@')[0]!))
              }
            />
          )}
          <GraphSide model={model} selected={selected} grouped={whole.grouped} open={openNamespace} />
        </div>
      )}
    </>
  );
}

function NamespaceChoice({ whole, namespace }: { whole: PageMesh; namespace: string }): JSX.Element {
  return (
    <label>
      Namespace{' '}
      <select
        value={namespace}
        onChange={event => {
          const { value } = event.currentTarget;
          if (value !== '' && whole.grouped) openNamespace(value);
          go(value === '' ? '#/graph' : `#/graph?namespace=${encodeURIComponent(value)}`);
        }}
      >
        <option value="">all</option>
        {whole.namespaces.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Hints({ whole, model }: { whole: PageMesh; model: GraphModel }): JSX.Element | null {
  const hints: string[] = [];
  const meshed = whole.namespaces.reduce((sum, each) => sum + each.meshedPods, 0);
  if (meshed === 0) {
    hints.push(
      'No pod has a proxy. Label a namespace and restart its pods: kubectl label namespace NAME weft.dev/inject=enabled',
    );
  } else if (figures.value.seconds > 0 && model.links.length === 0) {
    hints.push('No requests in the last seconds. Send some to a workload of the mesh, and they appear here.');
  }
  if (whole.grouped)
    hints.push('So many workloads are shown by namespace. Open one with a double click or Enter.');
  const { asked, answered } = figures.value;
  if (answered < asked)
    hints.push(
      `${asked - answered} of ${asked} proxies have not answered: their figures are missing. See Control plane.`,
    );
  if (hints.length === 0) return null;
  return (
    <ul class="hints">
      {hints.map(each => (
        <li key={each}>{each}</li>
      ))}
    </ul>
  );
}

function NoWorkloads(): JSX.Element {
  return (
    <Empty title="There are no workloads yet">
      <p>
        Deploy something: <code>kubectl apply -f FILE</code> on a cluster, Kubernetes YAML in the folder of a
        sandbox. Pods of namespaces with the label <code>weft.dev/inject=enabled</code> get a proxy.
      </p>
    </Empty>
  );
}

function without(model: GraphModel, hider: Finder | string | undefined): GraphModel {
  if (typeof hider !== 'object') return model;
  const nodes = model.nodes.filter(each => !hider.node(each));
  const left = new Set(nodes.map(each => each.id));
  const links = model.links.filter(each => left.has(each.from) && left.has(each.to) && !hider.link(each));
  return { nodes, links };
}

function foundIn(model: GraphModel, finder: Finder): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of model.nodes) if (finder.node(node)) found.add(node.id);
  for (const link of model.links) {
    if (finder.link(link)) found.add(link.id).add(link.from).add(link.to);
    else if (found.has(link.from) && found.has(link.to)) found.add(link.id);
  }
  return found;
}
