/** What a server notes down for traces and coverage; the value is a ballot, of `adopted` and `decided` a value. */
import { enumeration } from '../layout/index.js'

export const noteKind = enumeration([
  'prepared',
  'promised',
  'adopted',
  'accepted',
  'nacked',
  'decided',
  'recovered',
])
