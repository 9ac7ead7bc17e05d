// YAML that lies beside manifests and that kubectl cannot apply as it stands: templates, charts, kustomizations, and
// configurations of tools. Each is named for what it is, with the command that makes manifests of it.

import { basename, dirname } from 'node:path/posix';
import { isRecord } from '../../plain/index.ts';

const action = /\{\{-?\s*[^{}\s]/;
/** Actions that only Helm has; others' (`{{ $labels.pod }}`, `{{inputs.parameters.x}}`) are text to Kubernetes. */
const helmAction = /\{\{-?[^{}]*(?:\.(?:Values|Release|Chart|Capabilities|Files)\b|\binclude\s+["(])/;

/**
 * Says that the text looks like a template, where something is wrong with it as YAML or as an object; undefined where it does
 * not.
 */
export function templateWords(text: string, file: string): string | undefined {
  if (!action.test(text)) return undefined;
  const chart = /^(.*?)\/?templates\//.exec(file)?.[1];
  const dir = chart === '' ? '.' : (chart ?? 'CHART');
  return `looks like a template ({{ … }}), which is no YAML yet; render it and give weft the result: helm template ${dir} | weft …`;
}

/** The same where it is readable as an object all the same, because its actions stand in quotes. */
export function quotedTemplateWords(object: object, file: string): string | undefined {
  const { data: _, stringData: __, ...rest } = object as Readonly<Record<string, unknown>>;
  // What config maps carry is their readers' own: they may hold templates for others.
  const text = JSON.stringify(rest, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return helmAction.test(text) ? templateWords(text, file) : undefined;
}

/** What a file is that is no manifest. */
export interface ToolFile {
  /** `file-unrendered` where manifests can be made of it, `file-of-tool` where it is nothing for Kubernetes. */
  readonly code: 'file-unrendered' | 'file-of-tool';
  readonly words: string;
}

/**
 * What data is, where it is the file of a tool and no object of a cluster; undefined for all others. `file` is a path, for
 * words that can be pasted.
 */
export function toolFile(fields: unknown, file: string): ToolFile | undefined {
  if (!isRecord(fields)) return undefined;
  const apiVersion = typeof fields.apiVersion === 'string' ? fields.apiVersion : '';
  if (isKustomization(fields, apiVersion, file)) {
    const what = 'a kustomization, which changes other files before they are applied';
    return unrendered(what, `kubectl kustomize ${dirname(file)}`);
  }
  if (basename(file) === 'Chart.yaml' && fields.kind === undefined)
    return unrendered('a Helm chart, whose templates are no YAML yet', `helm template ${dirname(file)}`);
  if (fields.kind === undefined && apiVersion === '') return nothingForKubernetes(fields, file);
  if ('metadata' in fields || !isToolGroup(apiVersion)) return undefined;
  const what = `a configuration (${apiVersion} ${String(fields.kind)})`;
  return {
    code: 'file-of-tool',
    words: `${what} that a program reads from its own file, and no object of a cluster`,
  };
}

function unrendered(what: string, command: string): ToolFile {
  return {
    code: 'file-unrendered',
    words: `${what}; render it and give weft the result: ${command} | weft …`,
  };
}

function nothingForKubernetes(fields: Readonly<Record<string, unknown>>, file: string): ToolFile | undefined {
  const name = basename(file);
  if (/^values\b.*\.ya?ml$/.test(name)) {
    const command = `helm template ${dirname(file)} -f ${file} | weft …`;
    return {
      code: 'file-of-tool',
      words: `values of a Helm chart; render the chart and give weft the result: ${command}`,
    };
  }
  if (!/^(docker-)?compose\b/.test(name) || typeof fields.services !== 'object') return undefined;
  const words = `a Compose file, which Kubernetes does not read; kompose convert -f ${file} writes manifests`;
  return { code: 'file-of-tool', words };
}

function isKustomization({ kind }: { readonly kind?: unknown }, apiVersion: string, file: string): boolean {
  if (apiVersion.startsWith('kustomize.config.k8s.io/')) return true;
  // Flux has Kustomizations that are objects; kustomize's own may leave apiVersion and kind out.
  return apiVersion === '' && kind === undefined && /^kustomization\.ya?ml$/.test(basename(file));
}

/** Groups of files that programs of Kubernetes and for it read: kubeadm, kubelet, kind, skaffold, k3d, ctlptl. */
function isToolGroup(apiVersion: string): boolean {
  const group = apiVersion.split('/')[0]!;
  return /(^|\.)config\.k8s\.io$|^(kubeadm\.k8s\.io|audit\.k8s\.io|kind\.x-k8s\.io|skaffold|k3d\.io|ctlptl\.dev)$/.test(
    group,
  );
}

/**
 * The files without those that a chart renders: its templates, sub-charts and values. The chart itself stays, to be named once.
 * Names are relative, with `/`.
 */
export function withoutChartParts(names: readonly string[]): readonly string[] {
  const charts = names.filter(each => basename(each) === 'Chart.yaml').map(each => dirname(each));
  if (charts.length === 0) return names;
  return names.filter(name => !charts.some(chart => isPartOf(name, chart)));
}

function isPartOf(name: string, chart: string): boolean {
  const inside = chart === '.' ? name : name.startsWith(`${chart}/`) ? name.slice(chart.length + 1) : '';
  return /^(templates|charts)\/|^(values\b.*|Chart\.lock)\.(ya?ml|json)$/.test(inside);
}
