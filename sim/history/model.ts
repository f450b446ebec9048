/** Sequential models are declared by protocols; the checkers of this folder use them. */
export {
  refused,
  type Allowed as Outcome,
  type Key,
  type SequentialModel,
  type Shape,
} from '../../protocol/index.js'
