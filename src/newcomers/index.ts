// newcomers: what strangers may cost a listener of the control plane before anybody knows who they are. In: accepted connections,
// bytes that are held. Out: which connections stay, and word of those that were closed for the others' sake.

export { ByteBudget } from './byte-budget.ts';
export { HandshakeGate, type HandshakeGateOptions } from './handshake-gate.ts';
export { type Crowding, type NewcomerLimits, Newcomers, type NewcomersOptions } from './newcomers.ts';
