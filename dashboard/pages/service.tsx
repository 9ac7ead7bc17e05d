import type { JSX } from 'preact';
import type { PageEdge, PageRoute, PageTarget } from '../../src/dashboard/contract.ts';
import { EdgeTable } from '../parts/edge-table.tsx';
import { Badge, Empty, Figure, ObjectName, Problems, WorkloadLink } from '../parts/words.tsx';
import { figures, mesh } from '../state/connection.ts';
import { formatShare } from '../state/format.ts';
import { href, place } from '../state/route.ts';
import { seenShares } from '../state/weights.ts';

/** One Service: who stands behind it, its routes, and how requests were really shared out. */
export function ServicePage(): JSX.Element {
  const key = place.value.parts.join('/');
  const service = mesh.value!.services.find(each => each.key === key);
  if (service === undefined) {
    return (
      <Empty title={`The service ${key} is not there`}>
        <p>
          <a href={href('services')}>All services</a>
        </p>
      </Empty>
    );
  }
  const { ready, all } = service.endpoints;
  const edges = figures.value.edges.filter(each => each.service === key);
  return (
    <>
      <h1>
        {service.name} <span class="muted">Service in {service.namespace}</span>
      </h1>
      <dl class="figures">
        <Figure name="Host">{service.host}</Figure>
        <Figure name="Ports">
          {service.ports.map(each => `${each.number} ${each.name} ${each.protocol}`).join(', ') || 'none'}
        </Figure>
        <Figure name="Endpoints">
          {service.external ? (
            'outside of the cluster'
          ) : (
            <Badge standing={ready === 0 ? 'error' : ready < all ? 'warning' : 'ok'}>
              {ready} of {all} ready
            </Badge>
          )}
        </Figure>
        <Figure name="Workloads">
          {service.workloads.length === 0
            ? 'none'
            : service.workloads.map(each => (
                <span key={each}>
                  <WorkloadLink of={each} />{' '}
                </span>
              ))}
        </Figure>
      </dl>
      {all === 0 && !service.external ? (
        <p class="hints">
          Its selector chooses no pod: compare it with the labels of the pods that you mean.
        </p>
      ) : null}
      {service.problems.length === 0 ? null : (
        <>
          <h2>What is wrong</h2>
          <Problems all={service.problems} />
        </>
      )}
      <h2>Routes</h2>
      {service.routes.length === 0 ? (
        <p class="muted">No rule is about it: requests go to its own endpoints.</p>
      ) : (
        <ol class="routes">
          {service.routes.map(each => (
            <Rule key={`${each.from.name} ${each.path}`} rule={each} edges={edges} />
          ))}
        </ol>
      )}
      <h2>Who calls it</h2>
      <EdgeTable
        caption="callers of the service"
        edges={edges}
        ends="both"
        empty="Nobody has called it lately."
      />
    </>
  );
}

function Rule({ rule, edges }: { rule: PageRoute; edges: readonly PageEdge[] }): JSX.Element {
  const seen = seenShares(rule.targets, edges);
  return (
    <li>
      <p>
        <ObjectName of={rule.from} /> <code>{rule.path}</code> {rule.name}
      </p>
      <p>{rule.matches.length === 0 ? 'every request' : rule.matches.join(', or ')}</p>
      {rule.settings.length > 0 ? <p class="muted">{rule.settings.join(' · ')}</p> : null}
      {rule.answer === undefined ? null : <p>{rule.answer}</p>}
      {rule.targets.length === 0 ? null : (
        <table class="shares">
          <thead>
            <tr>
              <th scope="col">To</th>
              <th scope="col" class="number">
                Asked
              </th>
              <th scope="col" class="number">
                Seen
              </th>
              <th scope="col" class="wide">
                <span class="unseen">as a bar</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rule.targets.map((each, at) => (
              <tr key={nameOf(each)}>
                <td>{nameOf(each)}</td>
                <td class="number">{formatShare(each.share)}</td>
                <td class="number">{seen === undefined ? '–' : formatShare(seen[at])}</td>
                <td class="wide">
                  <Share asked={each.share} seen={seen?.[at] ?? 0} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </li>
  );
}

const nameOf = ({ host, subset }: PageTarget): string =>
  subset === undefined ? host : `${host} subset ${subset}`;

/** The share that was seen as a bar, the one that was asked for as a mark. */
function Share({ asked, seen }: { asked: number; seen: number }): JSX.Element {
  return (
    <svg class="share" width="160" height="14" aria-hidden="true">
      <rect class="ground" x="0" y="4" width="160" height="6" rx="3" />
      <rect class="seen" x="0" y="4" width={160 * seen} height="6" rx="3" />
      <rect class="asked" x={Math.min(158, 160 * asked - 1)} y="0" width="2" height="14" />
    </svg>
  );
}
