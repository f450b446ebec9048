export { causeOf } from './cause.js'
export { explain } from './explain.js'
export { type Line, type TableOptions, spaceTimeTable } from './table.js'
