/** Recordings of cores that ran for real. */
export * from './file.js'
export * from './folder.js'
export * from './format.js'
export * from './merge.js'
export * from './replay.js'
export * from './schedule.js'
export * from './service-judge.js'
export * from './words.js'
