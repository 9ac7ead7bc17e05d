// consul: Consul's HTTP API as those need it who follow what is in its catalog: questions that wait at the server until there is
// something new. In: an agent or server, and a question. Out: each new answer, and why there is none; what was answered before
// holds on for whoever asked.

export { askConsul, type ConsulServer, consulUrl, followConsul, type Question } from './follow.ts';
export { type Instance, instancesOf } from './instance.ts';
