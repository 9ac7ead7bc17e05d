import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { connection, mesh, reconnect } from '../state/connection.ts';
import { setToken } from '../state/token.ts';
import { Empty } from './words.tsx';

/** Who asks is not known, or lacks a right: says which, and takes a token. */
export function Gate(): JSX.Element {
  const [text, setText] = useState('');
  const now = connection.value;
  const why = now.state === 'unknown' || now.state === 'forbidden' ? now.why : '';
  return (
    <Empty title={now.state === 'forbidden' ? 'A right is missing' : 'Who is asking?'}>
      <p role="alert">{why}</p>
      <form
        class="token"
        onSubmit={event => {
          event.preventDefault();
          setToken(text);
          reconnect();
        }}
      >
        <label>
          Token{' '}
          <input
            type="password"
            autocomplete="off"
            value={text}
            onInput={event => setText(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Use it</button>
      </form>
      <p class="muted">
        <code>weft dashboard</code> opens this page with a token of yours. By hand:{' '}
        <code>kubectl create token NAME -n NAMESPACE</code>. It is kept for this tab alone.
      </p>
    </Empty>
  );
}

/** The connection was lost: what is shown is old. */
export function Lost(): JSX.Element | null {
  const now = connection.value;
  if (now.state !== 'lost') return null;
  return (
    <div class="lost" role="alert">
      <p>
        <strong>The connection to the control plane is lost</strong> ({now.why}).{' '}
        {mesh.value ? 'What you see is from before.' : ''} It is tried again by itself; is the sandbox up, or
        the port-forward?
      </p>
      <button type="button" onClick={reconnect}>
        Try now
      </button>
    </div>
  );
}
