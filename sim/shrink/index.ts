export { type EndJudge } from './rehearsal.js'
export { type Schedule, type Sizes, type WordedAction, namesOf, sizesOf } from './schedule.js'
export { type Shrunk, type ShrinkLimits, shrink } from './shrink.js'
