// Small parts that several pages speak with.
import type { ComponentChildren, JSX } from 'preact';
import type { PageObject, PageProblem, Signals, Standing } from '../../src/dashboard/contract.ts';
import { formatShare } from '../state/format.ts';
import { href } from '../state/route.ts';
import { errorShare, standingOf } from '../state/signals.ts';

const signs: Readonly<Record<Standing, string>> = { ok: '✓', warning: '!', error: '✕' };

/** A sign and a word: never colour alone. */
export function Badge({
  standing,
  children,
}: {
  standing: Standing;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <span class={`badge ${standing}`}>
      <span aria-hidden="true">{signs[standing]}</span> {children}
    </span>
  );
}

/** The share of failures, with a sign where it is grave. */
export function Failures({ of }: { of: Pick<Signals, 'rps' | 'errors'> }): JSX.Element {
  const standing = standingOf(of);
  return (
    <span class={`failures ${standing}`}>
      {standing === 'ok' ? '' : <span aria-hidden="true">{signs[standing]} </span>}
      {formatShare(errorShare(of))}
    </span>
  );
}

/** How much of it is mutual TLS. */
export function Lock({ share }: { share: number }): JSX.Element {
  if (share === 1) return <span class="mtls">mTLS</span>;
  return <span class="mtls open">{share === 0 ? '! plaintext' : `! mTLS ${formatShare(share)}`}</span>;
}

/** A workload's name, as a link where there is a page of it. */
export function WorkloadLink({ of }: { of: string }): JSX.Element {
  if (!of.includes('/') || of.endsWith('/*'))
    return <span>{of.endsWith('/*') ? `namespace ${of.slice(0, -2)}` : of}</span>;
  return <a href={href('workload', of)}>{of}</a>;
}

/** `VirtualService shop/reviews`, and where it was read. */
export function ObjectName({ of: { kind, namespace, name, origin } }: { of: PageObject }): JSX.Element {
  return (
    <span class="object">
      <span class="muted">{kind}</span> {namespace === '' ? name : `${namespace}/${name}`}
      {origin === undefined ? null : <code class="origin">{origin}</code>}
    </span>
  );
}

/** Problems, each with its code, its place and its remedy. */
export function Problems({ all }: { all: readonly PageProblem[] }): JSX.Element {
  return (
    <ul class="problems">
      {all.map(({ severity, code, message, path, object }) => (
        <li key={`${code} ${path} ${message}`}>
          <Badge standing={severity === 'info' ? 'ok' : severity}>{code}</Badge>{' '}
          {object === undefined ? null : <ObjectName of={object} />}
          {path === undefined ? null : <code>{path}</code>}
          <p>{message}</p>
        </li>
      ))}
    </ul>
  );
}

/** What to do where there is nothing to see. */
export function Empty({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

/** One figure with its name. */
export function Figure({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
