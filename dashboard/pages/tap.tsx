import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TapItem } from '../../src/live/tap/item.ts';
import { TextField } from '../parts/text-field.tsx';
import { Badge } from '../parts/words.tsx';
import { mesh } from '../state/connection.ts';
import { formatMs } from '../state/format.ts';
import { askLive } from '../state/live-lines.ts';
import { href } from '../state/route.ts';

/** Lines that are kept; the oldest go. */
const most = 200;
/** What came is shown so often at the most: nobody reads faster. */
const showEveryMs = 250;

interface Filters {
  readonly target: string;
  readonly path: string;
  readonly method: string;
  readonly status: string;
}

/** Live requests, as the proxies see them; never a body, never a secret header. */
export function TapPage(): JSX.Element {
  const [filters, setFilters] = useState<Filters>({ target: '', path: '', method: '', status: '' });
  const [running, setRunning] = useState<Filters | undefined>(undefined);
  const [items, setItems] = useState<readonly TapItem[]>([]);
  const [note, setNote] = useState('');
  const left = useRef(0);
  useEffect(() => {
    if (running === undefined) return;
    const stop = new AbortController();
    let waiting: TapItem[] = [];
    left.current = 0;
    setItems([]);
    const show = setInterval(() => {
      if (waiting.length === 0) return;
      const came = waiting.reverse();
      waiting = [];
      setItems(before => [...came, ...before].slice(0, most));
    }, showEveryMs);
    setNote('Waiting for requests…');
    askLive(
      `tap?${queryOf(running)}`,
      said => {
        if (said.type === 'begin') setNote(`${said.proxies} proxies are asked.`);
        if (said.type === 'failed') setNote(`${said.pod ?? said.replica}: ${said.why}`);
        if (said.type === 'left') left.current += said.count;
        if (said.type !== 'said') return;
        left.current += said.left ?? 0;
        waiting = [...waiting, ...(said.items as readonly TapItem[])].slice(-most);
      },
      stop.signal,
    )
      .then(() => setNote('The control plane ended it; begin again.'))
      .catch((thrown: unknown) => {
        if (stop.signal.aborted) return;
        setNote(`It cannot be tapped: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
        setRunning(undefined);
      });
    return () => {
      clearInterval(show);
      stop.abort();
    };
  }, [running]);
  const field = (name: keyof Filters, words: string, placeholder: string): JSX.Element => (
    <TextField
      label={words}
      value={filters[name]}
      placeholder={placeholder}
      onText={text => setFilters({ ...filters, [name]: text })}
    />
  );
  return (
    <>
      <h1>Tap</h1>
      <form
        class="bar"
        onSubmit={event => {
          event.preventDefault();
          setRunning(running === undefined ? filters : undefined);
          if (running !== undefined) setNote('Stopped.');
        }}
      >
        <label>
          Workload{' '}
          <input
            type="search"
            list="workloads"
            value={filters.target}
            placeholder="all"
            onInput={event => setFilters({ ...filters, target: event.currentTarget.value })}
          />
        </label>
        <datalist id="workloads">
          {mesh.value!.workloads.slice(0, 1_000).map(({ key }) => (
            <option key={key} value={key} />
          ))}
        </datalist>
        {field('method', 'Method', 'any')}
        {field('path', 'Path', '/cart*')}
        {field('status', 'Status', '5xx or failed')}
        <button type="submit" aria-pressed={running !== undefined}>
          {running === undefined ? 'Begin' : 'Stop'}
        </button>
        <span role="status" class="muted">
          {note} {left.current > 0 ? `${left.current} were left out.` : ''}
        </span>
      </form>
      {items.length === 0 ? (
        <div class="empty">
          <p>
            {running === undefined
              ? 'Begin, and the requests of this moment are here, the newest first: who, whom, what, and how it ended.'
              : 'Nothing yet. Send a request, or ask for less.'}
          </p>
        </div>
      ) : (
        <TapTable items={items} />
      )}
    </>
  );
}

function TapTable({ items }: { items: readonly TapItem[] }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section class="scrolls" tabIndex={0} aria-label="requests">
      <table>
        <caption class="unseen">requests, the newest first</caption>
        <thead>
          <tr>
            {['Seen by', 'From', 'To', 'Request', 'Status', 'Took', 'Why'].map(each => (
              <th key={each} scope="col">
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map(item => (
            <TapRow key={`${item.id} ${item.direction} ${item.atMs} ${item.source.address}`} item={item} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function TapRow({ item }: { item: TapItem }): JSX.Element {
  const {
    id,
    direction,
    source,
    destination,
    method,
    path,
    status = 0,
    flag,
    detail,
    durationMs,
    protocol,
    what,
    reason,
  } = item;
  const words =
    what === 'refusal'
      ? `refused: ${reason}`
      : what === 'mirror'
        ? 'copy for a mirror'
        : protocol === 'tcp'
          ? 'TCP'
          : `${method} ${path}`;
  const failed = what !== undefined || flag !== '' || status >= 500 || (protocol !== 'tcp' && status === 0);
  return (
    <tr>
      <td>{direction === 'inbound' ? 'callee' : 'caller'}</td>
      <td>{source.workload ?? source.address ?? 'unknown'}</td>
      <td>{destination.workload ?? destination.host ?? destination.address ?? 'unknown'}</td>
      <td>
        {words} {id === '' ? null : <a href={href('explain', id)}>explain</a>}
      </td>
      <td class="number">
        <Badge standing={failed ? 'error' : 'ok'}>
          {protocol === 'tcp' ? 'closed' : status || 'none'} {flag}
        </Badge>
      </td>
      <td class="number">{formatMs(durationMs)}</td>
      <td>{detail}</td>
    </tr>
  );
}

function queryOf({ target, path, method, status }: Filters): string {
  const query = new URLSearchParams();
  const slash = target.indexOf('/');
  if (slash > 0) query.set('namespace', target.slice(0, slash));
  if (target !== '') query.set('target', target.slice(slash + 1));
  if (path !== '') query.set('path', path);
  if (method !== '') query.set('method', method);
  if (status !== '') query.set('status', status);
  return query.toString();
}
