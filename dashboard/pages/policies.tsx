import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { TextField } from '../parts/text-field.tsx';
import { Badge, ObjectName, Problems } from '../parts/words.tsx';
import { mesh } from '../state/connection.ts';
import { count } from '../state/format.ts';
import { href } from '../state/route.ts';

const words = { ok: 'in effect', warning: 'in effect, with a warning', error: 'not in effect' } as const;
const rank = { error: 0, warning: 1, ok: 2 } as const;
const most = 300;

/** Every policy, and what became of it. */
export function PoliciesPage(): JSX.Element {
  const [text, setText] = useState('');
  const [wrongOnly, setWrongOnly] = useState(false);
  const all = mesh.value!.policies;
  const wanted = text.trim().toLowerCase();
  const shown = all
    .filter(each => !wrongOnly || each.standing !== 'ok')
    .filter(each => `${each.kind} ${each.namespace}/${each.name}`.toLowerCase().includes(wanted))
    .sort((a, b) => rank[a.standing] - rank[b.standing]);
  return (
    <>
      <h1>Policies</h1>
      <form class="bar" onSubmit={event => event.preventDefault()}>
        <TextField label="Name or kind" value={text} placeholder="VirtualService" onText={setText} />
        <label>
          <input
            type="checkbox"
            checked={wrongOnly}
            onChange={event => setWrongOnly(event.currentTarget.checked)}
          />{' '}
          only what is wrong
        </label>
        <span class="muted">{count(all.length, 'policy', 'policies')}</span>
        <a class="button" href={href('intention')}>
          New intention
        </a>
      </form>
      {all.length === 0 ? (
        <div class="empty">
          <p>
            Nobody has written a policy yet. Weft reads those of Istio, Linkerd, Consul, SMI and the Gateway
            API; apply one, and it is here with what became of it.
          </p>
        </div>
      ) : null}
      {all.length > 0 && shown.length === 0 ? (
        <div class="empty">
          <p>
            {wrongOnly && wanted === '' ? 'Nothing is wrong with any of them.' : 'No policy is like that.'}
          </p>
        </div>
      ) : null}
      <ul class="policies">
        {shown.slice(0, most).map(each => (
          <li key={`${each.group} ${each.kind} ${each.namespace}/${each.name}`}>
            <p>
              <Badge standing={each.standing}>{words[each.standing]}</Badge> <ObjectName of={each} />{' '}
              <span class="muted">{each.group}</span>
            </p>
            {each.problems.length > 0 ? <Problems all={each.problems} /> : null}
          </li>
        ))}
      </ul>
      {shown.length > most ? (
        <p class="muted">{shown.length - most} more; narrow them down by name.</p>
      ) : null}
    </>
  );
}
