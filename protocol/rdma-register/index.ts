/** The RDMA register: the smallest system that publishes more than a word by one-sided WRITEs. */
export { rdmaRegister } from './system.js'
export { valueIn, wordOf, checksumOf, TORN } from '../payload.js'
export { registerLayouts } from './layout.js'
