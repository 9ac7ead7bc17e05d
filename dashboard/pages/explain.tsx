import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import {
  clusterTools,
  type ExplainedHop,
  type Explanation,
  explain,
  type FailureGroup,
  groupFailures,
  sandboxTools,
  type Tools,
} from '../../src/explain/index.ts';
import { type Column, Table } from '../parts/table.tsx';
import { Badge, ObjectName } from '../parts/words.tsx';
import { mesh } from '../state/connection.ts';
import { count, formatMs, formatSpan } from '../state/format.ts';
import { type AskedRecords, askRecords } from '../state/records.ts';
import { go, href, place } from '../state/route.ts';

type Answer = AskedRecords | string | undefined;

/** Why a request failed: by its id, or the failures of late by their cause. */
export function ExplainPage(): JSX.Element {
  const [id = ''] = place.value.parts;
  const [text, setText] = useState(id);
  const [answer, setAnswer] = useState<Answer>(undefined);
  const [turn, setTurn] = useState(0);
  // Asked again when somebody wants it.
  useEffect(() => {
    const stop = new AbortController();
    setAnswer(undefined);
    setText(id);
    askRecords(id === '' ? 'kept=failed' : `id=${encodeURIComponent(id)}`, stop.signal)
      .then(setAnswer)
      .catch((thrown: unknown) => {
        if (!stop.signal.aborted) setAnswer(thrown instanceof Error ? thrown.message : String(thrown));
      });
    return () => stop.abort();
  }, [id, turn]);
  return (
    <>
      <h1>Explain</h1>
      <form
        class="bar"
        onSubmit={event => {
          event.preventDefault();
          const wanted = text.trim();
          if (wanted === id) setTurn(turn + 1);
          else go(wanted === '' ? href('explain') : href('explain', wanted));
        }}
      >
        <label>
          Request id{' '}
          <input
            type="search"
            class="id"
            value={text}
            placeholder="x-request-id of an answer or a log line"
            onInput={event => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit">{text.trim() === '' ? 'Recent failures' : 'Explain'}</button>
        {id === '' ? null : <a href={href('explain')}>Recent failures</a>}
      </form>
      <Answered id={id} answer={answer} />
    </>
  );
}

function toolsOf(): Tools {
  const { kind, name } = mesh.value!.place;
  return kind === 'sandbox' ? sandboxTools(name) : clusterTools;
}

function Answered({ id, answer }: { id: string; answer: Answer }): JSX.Element {
  if (answer === undefined) return <p role="status">Asking the proxies…</p>;
  if (typeof answer === 'string') return <p role="alert">It cannot be asked: {answer}</p>;
  const silent = answer.failed.length > 0 && (
    <p class="hints">
      {count(answer.failed.length, 'proxy', 'proxies')} did not answer: {answer.failed[0]!.who},{' '}
      {answer.failed[0]!.why}
    </p>
  );
  if (id === '') {
    return (
      <>
        {silent}
        <Recent groups={groupFailures(answer.answers, toolsOf())} />
      </>
    );
  }
  const explanation = explain(id, answer.answers, toolsOf());
  return (
    <>
      {silent}
      {explanation === undefined ? (
        <div class="empty">
          <p>
            None of {count(answer.answers.length, 'proxy', 'proxies')} has a record of it. Of what was sound
            and quick only a sample is kept, and for a while: send the request again, or look at the{' '}
            <a href={href('explain')}>recent failures</a>.
          </p>
        </div>
      ) : (
        <Explained of={explanation} />
      )}
    </>
  );
}

function Recent({ groups }: { groups: readonly FailureGroup[] }): JSX.Element {
  return (
    <>
      <h2>Failures of late, by cause</h2>
      <Table
        caption="failures by cause"
        columns={columns}
        rows={groups}
        keyOf={({ cause, ids }) => `${cause.code} ${cause.object?.name} ${ids[0]}`}
        sorted="Count"
        empty={<p>No proxy remembers a failure. When a request fails, it is here with its cause.</p>}
      />
    </>
  );
}

const columns: readonly Column<FailureGroup>[] = [
  { title: 'Count', cell: each => each.count, by: each => each.count, numeric: true },
  {
    title: 'Last',
    cell: each => `${formatSpan(Date.now() - each.lastMs)} ago`,
    by: each => each.lastMs,
    numeric: true,
  },
  {
    title: 'Cause',
    cell: each => <Badge standing="error">{each.cause.code}</Badge>,
    by: each => each.cause.code,
  },
  { title: 'In words', cell: each => each.cause.words },
  { title: 'Decided by', cell: each => (each.cause.object ? <ObjectName of={each.cause.object} /> : '–') },
  {
    title: 'Example',
    cell: ({ ids: [id] }) => (id === undefined ? '–' : <a href={href('explain', id)}>{id.slice(0, 8)}…</a>),
  },
];

function Explained({ of: { hops, cause, decidedAt, notes } }: { of: Explanation }): JSX.Element {
  return (
    <>
      <section class={`cause ${cause ? 'error' : 'ok'}`} aria-label="cause">
        {cause ? (
          <>
            <p>
              <Badge standing="error">{cause.code}</Badge> {cause.words}
            </p>
            {cause.object ? (
              <p>
                Decided by <ObjectName of={cause.object} />
              </p>
            ) : null}
            <p>
              <strong>Remedy:</strong> {cause.remedy}
            </p>
            {cause.commands.map(each => (
              <p key={each}>
                <code>{each}</code>
              </p>
            ))}
          </>
        ) : (
          <Badge standing="ok">nothing failed</Badge>
        )}
      </section>
      {notes.length > 0 ? (
        <ul class="hints">
          {notes.map(each => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      ) : null}
      <h2>Its way</h2>
      <ol class="hops">
        {hops.map((hop, at) => (
          <Hop
            key={`${hop.proxy.pod} ${hop.record.direction} ${hop.record.at}`}
            hop={hop}
            decided={at === decidedAt}
          />
        ))}
      </ol>
    </>
  );
}

function Hop({
  hop: { depth, proxy, record },
  decided,
}: {
  hop: ExplainedHop;
  decided: boolean;
}): JSX.Element {
  return (
    <li class={decided ? 'decided' : ''} style={{ marginLeft: `${Math.min(depth, 6) * 18}px` }}>
      <p>
        {decided ? <Badge standing="error">here</Badge> : null}{' '}
        <a href={href('pod', `${proxy.namespace}/${proxy.pod}`)}>
          {proxy.namespace}/{proxy.pod}
        </a>{' '}
        {record.direction} <strong>{record.status === 0 ? 'no answer' : record.status}</strong> {record.flag}{' '}
        <span class="muted">
          {record.code} {formatMs(record.durationMs)}
        </span>
      </p>
      {record.kind === 'request' ? (
        <>
          <p class="muted">
            {record.method} {record.authority}
            {record.path}
            {record.route ? `, route ${record.route.name}` : ''}
            {record.cluster ? `, to ${record.cluster.name}` : ''}
          </p>
          {record.tries.map(each => (
            <p key={`${each.endpoint} ${each.afterMs}`} class="muted">
              try after {formatMs(each.afterMs)}: {each.pod || each.endpoint} {each.end} {each.status || ''}{' '}
              {each.detail}
            </p>
          ))}
        </>
      ) : null}
      {record.detail === '' ? null : <p>{record.detail}</p>}
    </li>
  );
}
