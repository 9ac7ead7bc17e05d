import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { errorMessage, WeftError } from '../errors/index.ts';

/** Where to find out which API server to use, and as whom. */
export interface KubeconfigChoice {
  /** A file; otherwise KUBECONFIG, then the pod's own account, then ~/.kube/config. */
  readonly kubeconfig?: string;
  /** A context of that file; its current one unless told. */
  readonly context?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const accountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Whether this process runs in a pod that has an account for the API. */
export function isInCluster(env: Environment = process.env): boolean {
  return Boolean(env.KUBERNETES_SERVICE_HOST) && existsSync(accountToken);
}

/**
 * Reads the choice anew each time it is called, so that renewed credentials are found. Throws a WeftError `kubeconfig`
 * that names the file and the remedy.
 */
export function loadKubeConfig(choice: KubeconfigChoice, env: Environment = process.env): KubeConfig {
  const config = new KubeConfig();
  const from = placeOf(choice, env);
  try {
    if (from.kind === 'pod') config.loadFromCluster();
    else if (from.kind === 'file') config.loadFromFile(from.path);
    else config.loadFromDefault();
  } catch (thrown) {
    throw refuse(
      `${from.words} cannot be read (${errorMessage(thrown)}); give a kubeconfig with --kubeconfig`,
    );
  }
  if (choice.context !== undefined && choice.context !== '') config.setCurrentContext(choice.context);
  const context = config.getCurrentContext();
  if (!config.getContextObject(context)) {
    const names = config.getContexts().map(each => each.name);
    throw refuse(
      `${from.words} has no context '${context ?? ''}'; choose one with --context: ${names.join(', ') || 'there is none'}`,
    );
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined || !URL.canParse(server)) {
    throw refuse(`${from.words} names no cluster with a server in its context '${context}'; complete it`);
  }
  return config;
}

type Place =
  | { readonly kind: 'file'; readonly path: string; readonly words: string }
  /** KUBECONFIG with several files, which the library merges. */
  | { readonly kind: 'several'; readonly words: string }
  | { readonly kind: 'pod'; readonly words: string };

function placeOf(choice: KubeconfigChoice, env: Environment): Place {
  const file = choice.kubeconfig || env.KUBECONFIG;
  if (file) {
    if (!choice.kubeconfig && file.includes(':')) return { kind: 'several', words: `KUBECONFIG (${file})` };
    return { kind: 'file', path: file, words: `the kubeconfig ${file}` };
  }
  if (isInCluster(env)) return { kind: 'pod', words: "the pod's account" };
  const home = join(env.HOME || homedir(), '.kube', 'config');
  if (existsSync(home)) return { kind: 'file', path: home, words: `the kubeconfig ${home}` };
  throw refuse(
    'there is no Kubernetes API to talk to: no --kubeconfig, no KUBECONFIG, no account of a pod, no ~/.kube/config; give one of them',
  );
}

function refuse(message: string): WeftError {
  return new WeftError('kubeconfig', message, { source: 'config' });
}
