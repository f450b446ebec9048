export { causeOf } from './cause.js'
export { explain } from './explain.js'
export { type Drawing, drawLanes } from './lanes.js'
export { type Line, type TableOptions, spaceTimeTable, wrap as wrapWords } from './table.js'
