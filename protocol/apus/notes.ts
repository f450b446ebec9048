/** What a replica notes down for traces and coverage. */
import { enumeration } from '../layout/index.js'

export const noteKind = enumeration([
  'appended', // an entry was given the index
  'accepted', // an entry of the leader was accepted at the index
  'torn', // an entry was not whole when it was looked at
  'replaced', // an uncommitted entry at the index was replaced by the leader's
  'committed', // up to the index
  'applied', // the entry at the index
  'duplicate', // a request that had been applied before came through the log again: the client
  'replied', // to a client
  'redirected', // a client asked a replica that does not lead
  'turned-away', // a client: a majority of memories is lost
  'full', // the log has no room: the request waits
  'recycled', // log entries up to the index were dropped
  'resent', // the entries after the index go to a peer that stands still once more
  'suspected', // the leader of the view
  'probed', // for the view
  'granted', // a probe for the view
  'refused', // a candidate of the view: its log is not recent enough
  'fenced', // for the view: old access is revoked
  'joined', // the view
  'elected', // in the view
  'stepped-down', // in the view: no majority answers
  'link-up', // to the peer
  'link-down', // to the peer
  'amnesia', // memory is lost; the life begins
  'recovered', // in the view
  'memory-lost', // a majority is recovering: service is refused
  'frozen', // a snapshot as of the index
  'restored', // from a snapshot as of the index
  'read-confirmed', // a majority has confirmed the leadership: reads answered
  'read-denied', // a word that does not confirm: the peer
  'stored', // on disk up to the index
  'disk-failed', // a flush failed
])
