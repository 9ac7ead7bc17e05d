// What the chart's value `revision` changes: names, labels, an argument, and whether what all revisions share is the release's.
import { DEFAULT_REVISION, revisionNames } from '../../config/index.ts';
import { mapContainer, marker } from './helm-marker.ts';

/** Stands for the value while objects are made; a name that nobody gives. */
export const REVISION = 'x-revision-x';

// Values of an older chart (`helm upgrade --reuse-values`) have none. Inside of a range `.` is the entry.
const given = `default "${DEFAULT_REVISION}" $.Values.revision`;
/** What names end with; nothing for the default. */
const suffix = `regexReplaceAll "^-(${DEFAULT_REVISION})?$" (printf "-%s" (${given})) ""`;

/** A condition. */
export const isDefault = `eq (${given}) "${DEFAULT_REVISION}"`;

/** Whether an object is called as the control plane is. */
export function isInjector(name: string): boolean {
  return name === revisionNames(REVISION).injector;
}

/** A template with the places of REVISION filled. */
export function withRevision(text: string): string {
  return (
    text
      .replaceAll(`-${REVISION}`, `{{ ${suffix} }}`)
      // A revision may look like a number.
      .replaceAll(new RegExp(`(?<=[:-] )${REVISION}$`, 'gm'), `"{{ ${given} }}"`)
      .replaceAll(REVISION, `{{ ${given} }}`)
  );
}

/** A template of what all revisions share: with the release of the default, as Helm lets no two releases have one object. */
export function ofDefault(text: string): string {
  return `{{- if ${isDefault} }}\n${text}{{- end }}\n`;
}

/** What no object may be called after is refused before anything is installed. */
export function refuseBadRevision(text: string): string {
  return [
    `{{- if not (regexMatch "^[a-z0-9]([a-z0-9-]{0,47}[a-z0-9])?$" (${given})) }}`,
    '{{- fail "revision is no DNS label of up to 49 characters, such as canary or 1-2-0; docs/upgrades.md" }}',
    '{{- end }}',
    text,
  ].join('\n');
}

/** The Deployment with its argument in a condition. */
export function revisionArgument(deployment: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return mapContainer(deployment, container => ({
    ...container,
    args: (container.args as readonly string[]).flatMap(each =>
      each.startsWith('--revision=') ? [marker(`if not (${isDefault})`), each, marker('end')] : [each],
    ),
  }));
}
