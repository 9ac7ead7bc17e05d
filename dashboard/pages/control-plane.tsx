import type { JSX } from 'preact';
import type { PageProxy } from '../../src/dashboard/contract.ts';
import { type Column, Table } from '../parts/table.tsx';
import { Badge, Figure, Problems } from '../parts/words.tsx';
import { figures, mesh } from '../state/connection.ts';
import { formatSpan } from '../state/format.ts';
import { href } from '../state/route.ts';

const dayMs = 86_400_000;

/** The control plane: its proxies, certificates, objects and what is wrong. */
export function ControlPlanePage(): JSX.Element {
  const { controlPlane, place } = mesh.value!;
  const { proxies, proxyCount, certificates, problems, objects } = controlPlane;
  const { asked, answered } = figures.value;
  return (
    <>
      <h1>Control plane</h1>
      <dl class="figures">
        <Figure name="Version">{place.weft}</Figure>
        <Figure name="Of">
          {place.kind} {place.name}
        </Figure>
        <Figure name="Proxies">{proxyCount}</Figure>
        <Figure name="Answered">
          <Badge standing={answered < asked ? 'warning' : 'ok'}>
            {answered} of {asked}
          </Badge>
        </Figure>
        {certificates.map(({ name, notAfterMs }, at) => {
          const left = notAfterMs - Date.now();
          return (
            <Figure key={`${name} ${at}`} name={`Certificate: ${name}`}>
              <Badge standing={left < 0 ? 'error' : left < 14 * dayMs ? 'warning' : 'ok'}>
                {left < 0 ? `expired ${formatSpan(left)} ago` : `${formatSpan(left)} left`}
              </Badge>
            </Figure>
          );
        })}
      </dl>
      <h2>Problems</h2>
      {problems.length === 0 ? (
        <p class="muted">Nothing is wrong with what it reads.</p>
      ) : (
        <Problems all={problems} />
      )}
      <h2>Proxies</h2>
      <Table
        caption="proxies"
        columns={proxies.some(each => each.replica !== undefined) ? [...columns, replica] : columns}
        rows={proxies}
        keyOf={each => `${each.pod} ${each.connectedAtMs}`}
        sorted="Pod"
        empty={
          <p>
            No proxy is connected. Pods get one in namespaces with the label{' '}
            <code>weft.dev/inject=enabled</code>, when they are made anew.
          </p>
        }
      />
      <h2>Objects</h2>
      <dl class="figures">
        {Object.entries(objects).map(([kind, many]) => (
          <Figure key={kind} name={kind}>
            {many}
          </Figure>
        ))}
      </dl>
    </>
  );
}

const replica: Column<PageProxy> = {
  title: 'Replica',
  cell: each => each.replica ?? '',
  by: each => each.replica ?? '',
};

const columns: readonly Column<PageProxy>[] = [
  { title: 'Pod', cell: each => <a href={href('pod', each.pod)}>{each.pod}</a>, by: each => each.pod },
  { title: 'Version', cell: each => each.version, by: each => each.version },
  { title: 'Identity', cell: each => each.principal, by: each => each.principal },
  {
    title: 'Connected',
    cell: each => formatSpan(Date.now() - each.connectedAtMs),
    by: each => -each.connectedAtMs,
    numeric: true,
  },
  { title: 'Destinations', cell: each => each.destinations, by: each => each.destinations, numeric: true },
  { title: 'Unanswered', cell: each => each.outstanding, by: each => each.outstanding, numeric: true },
  {
    title: 'Configuration',
    cell: each => (
      <Badge standing={each.refused.length > 0 ? 'error' : 'ok'}>
        {each.refused.length > 0 ? `refuses ${each.refused.join('; ')}` : 'taken'}
      </Badge>
    ),
    by: each => each.refused.length,
  },
];
