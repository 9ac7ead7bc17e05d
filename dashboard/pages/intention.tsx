import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Applied, applies, apply, askWhetherApplies } from '../state/apply.ts';
import { mesh } from '../state/connection.ts';
import {
  EMPTY_INTENTION,
  faultOf,
  type Intention,
  type IntentionPermission,
  noteOf,
  yamlOf,
} from '../state/intention.ts';

const most = 500;
const actions = { allow: 'Allow', deny: 'Deny', aware: 'Application aware' } as const;

/** New intention: who may call whom, written as an object that is shown before it is applied. */
export function IntentionPage(): JSX.Element {
  const [intention, setIntention] = useState<Intention>(EMPTY_INTENTION);
  const [copied, setCopied] = useState(false);
  const [applied, setApplied] = useState<Applied | 'under way' | undefined>(undefined);
  useEffect(() => void askWhetherApplies(), []);
  const change = (part: Partial<Intention>): void => {
    setIntention({ ...intention, ...part });
    setCopied(false);
    setApplied(undefined);
  };
  const { workloads, services, place } = mesh.value!;
  const accounts = [
    '*',
    ...new Set(workloads.map(({ namespace }) => `${namespace}/*`)),
    ...new Set(workloads.map(({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`)),
  ];
  const fault = faultOf(intention);
  const note = fault === undefined ? noteOf(intention) : undefined;
  const begun = intention.source !== '' || intention.destination !== '';
  return (
    <>
      <h1>New intention</h1>
      <form class="intention" onSubmit={event => event.preventDefault()}>
        <Choice
          label="Source"
          value={intention.source}
          options={accounts}
          placeholder="shop/web, shop/* or *"
          onText={source => change({ source })}
        />
        <Choice
          label="Destination"
          value={intention.destination}
          options={services.filter(({ external }) => !external).map(({ key }) => key)}
          placeholder="shop/cart"
          onText={destination => change({ destination })}
        />
        <fieldset>
          <legend>What is it allowed to do?</legend>
          {(Object.keys(actions) as (keyof typeof actions)[]).map(each => (
            <label key={each}>
              <input
                type="radio"
                name="action"
                checked={intention.action === each}
                onChange={() => change({ action: each })}
              />{' '}
              {actions[each]}
            </label>
          ))}
        </fieldset>
        {intention.action === 'aware' ? (
          <Permissions all={intention.permissions} onChange={permissions => change({ permissions })} />
        ) : null}
        <label>
          Description{' '}
          <input
            type="text"
            value={intention.description}
            maxLength={200}
            onInput={event => change({ description: event.currentTarget.value })}
          />
        </label>
        <label>
          Written as{' '}
          <select
            value={intention.dialect}
            onChange={event => change({ dialect: event.currentTarget.value as Intention['dialect'] })}
          >
            <option value="istio">AuthorizationPolicy</option>
            <option value="consul">ServiceIntentions</option>
          </select>
        </label>
      </form>
      {fault === undefined ? (
        <section aria-label="what to apply">
          {note === undefined ? null : <p class="muted">{note}</p>}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
          <pre tabIndex={0}>{yamlOf(intention)}</pre>
          <p>
            <button
              type="button"
              onClick={() => {
                void navigator.clipboard.writeText(yamlOf(intention)).then(() => setCopied(true));
              }}
            >
              {copied ? 'Copied' : 'Copy'}
            </button>{' '}
            {applies.value ? (
              <button
                type="button"
                disabled={applied !== undefined}
                onClick={() => {
                  setApplied('under way');
                  void apply(yamlOf(intention)).then(setApplied);
                }}
              >
                Apply
              </button>
            ) : null}{' '}
            {place.kind === 'cluster' ? (
              <span>
                {applies.value ? 'or ' : 'then '}
                <code>kubectl apply -f -</code>, and paste
              </span>
            ) : (
              <span>then put it into a file of the sandbox's folder</span>
            )}
          </p>
          <Outcome applied={applied} />
        </section>
      ) : (
        <p role={begun ? 'alert' : undefined} class="muted">
          {fault}
        </p>
      )}
    </>
  );
}

/** What came of applying it. */
function Outcome({ applied }: { readonly applied: Applied | 'under way' | undefined }): JSX.Element | null {
  if (applied === undefined) return null;
  if (applied === 'under way') return <p role="status">Applying…</p>;
  const { created, error } = applied;
  return (
    <>
      {created.length > 0 ? <p role="status">Created {created.join(', ')}</p> : null}
      {error === undefined ? null : <p role="alert">{error}</p>}
    </>
  );
}

interface ChoiceProperties {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly placeholder: string;
  readonly onText: (text: string) => void;
}

/** A field that knows what is there, and takes what is not yet. */
function Choice({ label, value, options, placeholder, onText }: ChoiceProperties): JSX.Element {
  const id = `options-${label.toLowerCase()}`;
  return (
    <>
      <label>
        {label}{' '}
        <input
          type="text"
          list={id}
          value={value}
          placeholder={placeholder}
          onInput={event => onText(event.currentTarget.value.trim())}
        />
      </label>
      <datalist id={id}>
        {options.slice(0, most).map(each => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </>
  );
}

interface PermissionsProperties {
  readonly all: readonly IntentionPermission[];
  readonly onChange: (all: readonly IntentionPermission[]) => void;
}

/** Rows in their order: the first that holds decides. */
function Permissions({ all, onChange }: PermissionsProperties): JSX.Element {
  const set = (at: number, part: Partial<IntentionPermission>): void =>
    onChange(all.map((each, index) => (index === at ? { ...each, ...part } : each)));
  return (
    <fieldset>
      <legend>Permissions, the first that holds decides</legend>
      {all.map((each, at) => (
        <p key={at} class="permission">
          <select
            aria-label={`permission ${at + 1}`}
            value={each.action}
            onChange={event => set(at, { action: event.currentTarget.value as 'allow' | 'deny' })}
          >
            <option value="allow">Allow</option>
            <option value="deny">Deny</option>
          </select>{' '}
          <label>
            paths that begin with{' '}
            <input
              type="text"
              value={each.path}
              onInput={event => set(at, { path: event.currentTarget.value })}
            />
          </label>{' '}
          <label>
            methods{' '}
            <input
              type="text"
              value={each.methods}
              placeholder="all"
              onInput={event => set(at, { methods: event.currentTarget.value })}
            />
          </label>{' '}
          <button
            type="button"
            aria-label={`remove permission ${at + 1}`}
            onClick={() => onChange(all.filter((_, index) => index !== at))}
          >
            ✕
          </button>
        </p>
      ))}
      <button type="button" onClick={() => onChange([...all, { action: 'allow', path: '/', methods: '' }])}>
        Add a permission
      </button>
    </fieldset>
  );
}
