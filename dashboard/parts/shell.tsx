// What stands around every page: places to go, the search, the state of the connection, light and dark.
import { type Signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { ControlPlanePage } from '../pages/control-plane.tsx';
import { ExplainPage } from '../pages/explain.tsx';
import { GraphPage } from '../pages/graph.tsx';
import { IntentionPage } from '../pages/intention.tsx';
import { PodPage } from '../pages/pod.tsx';
import { PoliciesPage } from '../pages/policies.tsx';
import { ServicePage } from '../pages/service.tsx';
import { ServicesPage } from '../pages/services.tsx';
import { TapPage } from '../pages/tap.tsx';
import { WorkloadPage } from '../pages/workload.tsx';
import { WorkloadsPage } from '../pages/workloads.tsx';
import { connection, mesh } from '../state/connection.ts';
import { href, place } from '../state/route.ts';
import { type Theme, theme } from '../state/theme.ts';
import { Gate, Lost } from './gate.tsx';
import { Help } from './help.tsx';
import { Search } from './search.tsx';
import { Empty } from './words.tsx';

const places: readonly (readonly [page: string, title: string, also: readonly string[]])[] = [
  ['graph', 'Graph', []],
  ['workloads', 'Workloads', ['workload', 'pod']],
  ['services', 'Services', ['service']],
  ['policies', 'Policies', ['intention']],
  ['tap', 'Tap', []],
  ['explain', 'Explain', []],
  ['control-plane', 'Control plane', []],
];

const pages: Readonly<Record<string, () => JSX.Element>> = {
  graph: GraphPage,
  workloads: WorkloadsPage,
  workload: WorkloadPage,
  pod: PodPage,
  services: ServicesPage,
  service: ServicePage,
  policies: PoliciesPage,
  intention: IntentionPage,
  tap: TapPage,
  explain: ExplainPage,
  'control-plane': ControlPlanePage,
};

const themes: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

/** Everything. */
export function Shell(): JSX.Element {
  const searching = useSignal(false);
  const helping = useSignal(false);
  const main = useRef<HTMLElement>(null);
  const { page, parts } = place.value;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = (event.target as Element).closest('input, textarea, select, dialog');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === '/') searching.value = true;
      else if (event.key === '?') helping.value = true;
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [searching, helping]);
  const title = places.find(([name, , also]) => name === page || also.includes(page))?.[1] ?? 'Not found';
  const name = mesh.value?.place.name;
  useEffect(() => {
    document.title = `${[parts.join('/'), title].filter(Boolean).join(' · ')} · Weft${name ? ` ${name}` : ''}`;
  }, [title, name, parts.join('/')]);
  const Page = Object.hasOwn(pages, page) ? pages[page] : undefined;
  const { state } = connection.value;
  const barred = state === 'unknown' || state === 'forbidden';
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: what is behind the # is the place in the page */}
      <a
        class="skip"
        href="#main"
        onClick={event => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header>
        <a class="brand" href="#/">
          <img src="icon.svg" alt="" width="20" height="20" /> Weft
        </a>
        <nav aria-label="pages">
          {places.map(([to, words, also]) => (
            <a
              key={to}
              href={href(to)}
              aria-current={to === page || also.includes(page) ? 'page' : undefined}
            >
              {words}
            </a>
          ))}
        </nav>
        <div class="tools">
          <Live />
          <button type="button" onClick={show(searching)}>
            Search <kbd>/</kbd>
          </button>
          <button
            type="button"
            aria-label={`colours: ${theme.value}`}
            onClick={() => {
              theme.value = themes[theme.value];
            }}
          >
            {theme.value === 'system' ? '◐' : theme.value === 'light' ? '☀' : '☾'}{' '}
            <span class="wide">{theme.value}</span>
          </button>
          <button type="button" aria-label="help" onClick={show(helping)}>
            ?
          </button>
        </div>
      </header>
      <Lost />
      <main id="main" ref={main} tabIndex={-1} class={`page-${page}`}>
        {barred ? <Gate /> : mesh.value === undefined ? <Starting /> : Page ? <Page /> : <Nowhere />}
      </main>
      <Search open={searching} />
      <Help open={helping} />
    </>
  );
}

const show = (dialog: Signal<boolean>) => () => {
  dialog.value = true;
};

function Live(): JSX.Element {
  const { state } = connection.value;
  const where = mesh.value?.place;
  const words =
    state === 'live'
      ? 'live'
      : state === 'connecting'
        ? 'connecting'
        : state === 'lost'
          ? 'lost'
          : 'no access';
  return (
    <span class={`live ${state}`} title={where && `${where.kind} ${where.name}, Weft ${where.weft}`}>
      <span aria-hidden="true">{state === 'live' ? '●' : '○'}</span> <span class="wide">{where?.name} </span>
      {words}
    </span>
  );
}

function Starting(): JSX.Element {
  return (
    <p class="starting" role="status">
      Weft is asking for the mesh…
    </p>
  );
}

function Nowhere(): JSX.Element {
  return (
    <Empty title="There is no such page">
      <p>
        Go to <a href="#/">the graph</a>, or press <kbd>/</kbd> to search.
      </p>
    </Empty>
  );
}
