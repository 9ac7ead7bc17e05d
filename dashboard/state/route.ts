import { signal } from '@preact/signals';
import { takeToken } from './token.ts';

/** Where in the page somebody is: the part of the address behind `#/`, so that any path may stand before it. */
export interface Place {
  /** `graph`, `workload`, … */
  readonly page: string;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

function read(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [page = '', ...parts] = path.split('/').map(decodeURIComponent);
  return { page: page || 'graph', parts, query: new URLSearchParams(query) };
}

// Before the address is read: a token is no place.
takeToken();

/** The place of now. */
export const place = signal<Place>(read());
window.addEventListener('hashchange', () => {
  place.value = read();
});

/** The address of a place. */
export function href(page: string, ...parts: readonly string[]): string {
  return `#/${[page, ...parts.flatMap(each => each.split('/'))].map(encodeURIComponent).join('/')}`;
}

/** Goes there. */
export function go(address: string): void {
  location.hash = address.replace(/^#/, '');
}
