/** What a server notes down for traces and coverage; the value is a ballot, of `adopted` and `decided` a value.
 * `rewritten`: a flush had failed, and what it should have stored is appended anew. `retired`: the disk has lost what
 * may have been promised; the value is the length of the log. */
import { enumeration } from '../layout/index.js'

export const noteKind = enumeration([
  'prepared',
  'promised',
  'adopted',
  'accepted',
  'nacked',
  'decided',
  'recovered',
  'rewritten',
  'retired',
])
