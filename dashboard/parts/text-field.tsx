import type { JSX } from 'preact';

interface Properties {
  readonly label: string;
  readonly value: string;
  readonly placeholder: string;
  readonly onText: (text: string) => void;
}

/** A labelled field for a few words that narrow down what is shown. */
export function TextField({ label, value, placeholder, onText }: Properties): JSX.Element {
  return (
    <label>
      {label}{' '}
      <input
        type="search"
        value={value}
        placeholder={placeholder}
        onInput={event => onText(event.currentTarget.value)}
      />
    </label>
  );
}
