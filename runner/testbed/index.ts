/** The virtual testbed: machines with soft-RoCE, emulated on this one. */
export * from './testbed.js'
export type { MachineProcess } from './connection.js'
export type { ProgramEnd, SpawnOrder } from './frames.js'
export type { KeeperRequest, MachineState, MachineStatus, TestbedStatus } from './keeper-protocol.js'
export { type TestbedPlace, testbedPlace } from './place.js'
export { addressOf } from './machine.js'
export { demandPerftest } from './packages.js'
export { consoleLog, keeperLog, removeStale, upNames } from './state.js'
