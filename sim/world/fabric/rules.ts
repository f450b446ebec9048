/**
 * The rules of the fabric as booleans, looked up once: true where the world follows the rule book. A class, so that V8
 * keeps the fields at fixed places.
 */
import type { Knobs, Rule } from '../../../protocol/index.js'

export class Rules {
  readonly inOrderRequests: boolean
  readonly unorderedPairs: boolean
  readonly overtakenReads: boolean
  readonly fence: boolean
  readonly relaxedRegions: boolean
  readonly tornWrites: boolean
  readonly tornReads: boolean
  readonly laggingVisibility: boolean
  readonly lateFetch: boolean
  readonly fetchedAgain: boolean
  readonly immediateAfterData: boolean
  readonly nicAtomics: boolean
  readonly atomicsReplayed: boolean
  readonly readsRepeated: boolean
  readonly writesAcknowledgedAgain: boolean
  readonly silentSuccess: boolean
  readonly errorsComplete: boolean
  readonly completionOverrun: boolean
  readonly checkedTransitions: boolean
  readonly readyToReceiveServes: boolean
  readonly silenceWhenNotReady: boolean
  readonly resetSwallows: boolean
  readonly errorFlushes: boolean
  readonly sequenceNumbers: boolean
  readonly latePackets: boolean
  readonly packetChecks: boolean
  readonly refusalByPair: boolean
  readonly refusalByRegion: boolean
  readonly bothEndsFail: boolean
  readonly acceptedStays: boolean
  readonly keysEnd: boolean
  readonly receiverNotReady: boolean
  readonly zombieServes: boolean

  constructor(knobs: Knobs) {
    const holds = (rule: Rule): boolean => !knobs.broken.includes(rule)
    this.inOrderRequests = holds('in-order-requests')
    this.unorderedPairs = holds('unordered-pairs')
    this.overtakenReads = holds('overtaken-reads')
    this.fence = holds('fence')
    this.relaxedRegions = holds('relaxed-regions')
    this.tornWrites = holds('torn-writes')
    this.tornReads = holds('torn-reads')
    this.laggingVisibility = holds('lagging-visibility') && knobs.visibility === 'lagging'
    this.lateFetch = holds('late-fetch')
    this.fetchedAgain = holds('fetched-again')
    this.immediateAfterData = holds('immediate-after-data')
    this.nicAtomics = holds('nic-atomics')
    this.atomicsReplayed = holds('atomics-replayed')
    this.readsRepeated = holds('reads-repeated')
    this.writesAcknowledgedAgain = holds('writes-acknowledged-again')
    this.silentSuccess = holds('silent-success')
    this.errorsComplete = holds('errors-complete')
    this.completionOverrun = holds('completion-overrun')
    this.checkedTransitions = holds('checked-transitions')
    this.readyToReceiveServes = holds('ready-to-receive-serves')
    this.silenceWhenNotReady = holds('silence-when-not-ready')
    this.resetSwallows = holds('reset-swallows')
    this.errorFlushes = holds('error-flushes')
    this.sequenceNumbers = holds('sequence-numbers')
    this.latePackets = holds('late-packets')
    this.packetChecks = holds('packet-checks')
    this.refusalByPair = holds('refusal-by-pair')
    this.refusalByRegion = holds('refusal-by-region')
    this.bothEndsFail = holds('both-ends-fail')
    this.acceptedStays = holds('accepted-stays')
    this.keysEnd = holds('keys-end')
    this.receiverNotReady = holds('receiver-not-ready')
    this.zombieServes = holds('zombie-serves')
  }
}
