// kubernetes: Services, Endpoints, EndpointSlices, Pods, Nodes and Namespaces as parts of the mesh, the `weft.dev/…` annotations
// of a Service for people who use no other dialect, the settings of the mesh as a whole, and what gateways
// need of Secrets, ConfigMaps and Namespaces. Pure.
import type { KindTranslator } from '../dialect.ts';
import { configMapTranslator, namespaceLabelsTranslator, secretTranslator } from './credentials.ts';
import { endpointSliceTranslator, endpointsTranslator } from './endpoints.ts';
import { meshConfigTranslator } from './mesh-config.ts';
import { namespaceTranslator } from './namespace.ts';
import { nodeTranslator } from './node.ts';
import { podTranslator } from './pod.ts';
import { serviceTranslator } from './service.ts';
import { serviceAnnotationsTranslator } from './service-annotations.ts';

/** The kinds of core Kubernetes that make up a mesh. */
export const kubernetes: readonly KindTranslator[] = [
  serviceTranslator,
  serviceAnnotationsTranslator,
  endpointsTranslator,
  endpointSliceTranslator,
  podTranslator,
  nodeTranslator,
  namespaceTranslator,
  meshConfigTranslator,
  namespaceLabelsTranslator,
  secretTranslator,
  configMapTranslator,
];
