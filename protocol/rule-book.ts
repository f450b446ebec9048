/**
 * The rule book: what RDMA queue pairs, the memory behind them, disks and clocks do, each rule with its source and with
 * what a naive simulator would do instead. A rule that is named in `Knobs.broken` is replaced by that
 * naive behaviour; litmus programs and wrong assumptions of protocols are told apart that way. `docs/fabric.md` explains
 * each rule and names the litmus programs that depend on it.
 *
 * Sources: IBTA = InfiniBand Architecture Specification, volume 1; verbs = manual pages of rdma-core; rxe = the Linux
 * soft-RoCE driver as an executable reference; TSO = RDMA^TSO (OOPSLA 2024, doi 10.1145/3689781); RMW = RDMA^TSO_RMW
 * (arXiv 2601.14642); measured = seen on soft-RoCE machines.
 */

export const ruleGroups = [
  'Order',
  'Placement',
  'Atomics',
  'Completions',
  'States and connections',
  'Refusals',
  'Failures',
  'Disks',
  'Clocks',
] as const

export interface RuleText {
  readonly group: (typeof ruleGroups)[number]
  readonly rule: string
  /** What the world does with the rule broken. */
  readonly instead: string
  readonly source: string
}

export const ruleBook = {
  'in-order-requests': {
    group: 'Order',
    rule: 'Requests of one queue pair take effect in the order in which they were posted.',
    instead: 'They take effect in any order.',
    source: 'IBTA 9.5 and 10.8.3; TSO',
  },
  'unordered-pairs': {
    group: 'Order',
    rule: 'Requests of different queue pairs have no order, not even between the same two nodes.',
    instead: 'Queue pairs between two nodes are served one after the other, the lowest first.',
    source: 'IBTA 9.5; TSO',
  },
  'overtaken-reads': {
    group: 'Order',
    rule: 'A WRITE or SEND may take effect before an earlier READ or atomic of its queue pair, unless it is fenced.',
    instead: 'READs and atomics keep their place.',
    source: 'IBTA table of ordering rules, 10.8.3.3; ibv_post_send(3); TSO',
  },
  fence: {
    group: 'Order',
    rule: 'A fenced request waits until all earlier READs and atomics of its queue pair are done.',
    instead: 'The fence is ignored.',
    source: 'IBTA 10.8.3.3; ibv_post_send(3)',
  },
  'relaxed-regions': {
    group: 'Order',
    rule: 'WRITEs into a region with relaxed ordering are placed in any order until a receive completion or a READ.',
    instead: 'Relaxed ordering changes nothing.',
    source: 'verbs, ibv_reg_mr(3)',
  },
  'torn-writes': {
    group: 'Placement',
    rule: 'Of a WRITE only aligned 8-byte words become visible at once.',
    instead: 'A WRITE becomes visible whole.',
    source: 'ibv_query_qp_data_in_order(3); contract of the CPU',
  },
  'torn-reads': {
    group: 'Placement',
    rule: 'A READ is taken from memory word by word, while others write.',
    instead: 'A READ is taken at one instant.',
    source: 'SIGMOD 2023, doi 10.1145/3589276',
  },
  'lagging-visibility': {
    group: 'Placement',
    rule: 'A WRITE may be acknowledged, and completed, before the CPU of its target sees all of it. A later READ or atomic of the queue pair, or a receive completion, implies that it does.',
    instead: 'A WRITE is acknowledged when all of it is visible.',
    source: 'arXiv 1909.02092; TSO',
  },
  'late-fetch': {
    group: 'Placement',
    rule: 'A payload that is not inline is read from memory some time between the post and the completion.',
    instead: 'It is captured at the post, as an inline payload is.',
    source: 'ibv_post_send(3); TSO',
  },
  'fetched-again': {
    group: 'Placement',
    rule: 'A packet that is sent again is fetched again.',
    instead: 'It is sent again as it was first.',
    source: 'rxe; verbs',
  },
  'immediate-after-data': {
    group: 'Placement',
    rule: 'The receiver learns of a WRITE with immediate when all its bytes, and those of earlier requests of its queue pair, are visible.',
    instead: 'It learns of it when the last packet arrives.',
    source: 'IBTA 9.7.5; ibv_reg_mr(3) for relaxed regions',
  },
  'nic-atomics': {
    group: 'Atomics',
    rule: 'An atomic reads and then writes; only other requests through the same NIC are kept out between the two.',
    instead: 'Atomics are atomic against CPU stores too.',
    source: 'ibv_wr_post(3), IBV_ATOMIC_HCA; RMW',
  },
  'atomics-replayed': {
    group: 'Atomics',
    rule: 'An atomic that is sent again is answered from the memory of the responder, not executed again.',
    instead: 'It is executed again.',
    source: 'IBTA 9.4.5; rxe',
  },
  'reads-repeated': {
    group: 'Atomics',
    rule: 'A READ that is sent again is executed again, on memory as it is then.',
    instead: 'Its first answer is repeated.',
    source: 'IBTA 9.7.5.1; rxe',
  },
  'writes-acknowledged-again': {
    group: 'Atomics',
    rule: 'A WRITE or SEND that is sent again is acknowledged again, not executed again.',
    instead: 'It is executed again.',
    source: 'IBTA 9.7.5.1; rxe',
  },
  'silent-success': {
    group: 'Completions',
    rule: 'The success of an unsignalled request makes no completion.',
    instead: 'Every request completes.',
    source: 'ibv_post_send(3)',
  },
  'errors-complete': {
    group: 'Completions',
    rule: 'An error completes even when the request is unsignalled.',
    instead: 'Unsignalled requests fail silently.',
    source: 'IBTA 10.7.3.1; rxe',
  },
  'completion-overrun': {
    group: 'Completions',
    rule: 'One completion more than the completion queue holds breaks it for good, and its queue pairs go to ERR.',
    instead: 'A completion queue never overruns.',
    source: 'ibv_create_cq(3), IBV_EVENT_CQ_ERR',
  },
  'checked-transitions': {
    group: 'States and connections',
    rule: 'A control call that the state machine does not allow fails and changes nothing.',
    instead: 'Any state may follow any other.',
    source: 'ibv_modify_qp(3); kernel table of transitions',
  },
  'ready-to-receive-serves': {
    group: 'States and connections',
    rule: 'A queue pair in RTR or SQD serves incoming requests; only RTS initiates.',
    instead: 'Only RTS serves incoming requests.',
    source: 'IBTA 10.3.1; ibv_modify_qp(3)',
  },
  'silence-when-not-ready': {
    group: 'States and connections',
    rule: 'An end in RESET, INIT or ERR drops incoming packets without an answer; the requester runs out of retries.',
    instead: 'It refuses them at once, and the requester knows that nothing was applied.',
    source: 'IBTA 10.3.1; measured',
  },
  'reset-swallows': {
    group: 'States and connections',
    rule: 'RESET forgets queued requests and completions not yet polled.',
    instead: 'They complete as flushed.',
    source: 'IBTA 10.3.1; mlx5 user library',
  },
  'error-flushes': {
    group: 'States and connections',
    rule: 'In ERR everything queued completes as flushed, in order.',
    instead: 'It vanishes without completions.',
    source: 'IBTA 10.3.1; ibv_modify_qp(3)',
  },
  'sequence-numbers': {
    group: 'States and connections',
    rule: 'Packets are numbered per connection. After a reset of one end only, the other takes its packets for repetitions (acknowledged, not executed) or for gaps (refused until the retries are used up).',
    instead: 'Ends of different connections understand each other.',
    source: 'IBTA 9.7.1; Mu artifact; DARE',
  },
  'late-packets': {
    group: 'States and connections',
    rule: 'A packet may stay in the network while its queue pair fails, is reset or connected anew, and land afterwards if it is then what the responder expects.',
    instead: 'What failed or was reset never lands.',
    source: 'IBTA CM TIMEWAIT; measured: writes reported failed landed seconds later',
  },
  'packet-checks': {
    group: 'Refusals',
    rule: 'Rights are checked for each packet: a prefix of a WRITE may land before the rest is refused.',
    instead: 'They are checked once for a request.',
    source: 'rxe',
  },
  'refusal-by-pair': {
    group: 'Refusals',
    rule: 'A right that the queue pair lacks, a misaligned atomic or a bad length: NAK invalid request.',
    instead: 'The request is dropped, and the requester told that it was done.',
    source: 'rxe; IBTA table 57',
  },
  'refusal-by-region': {
    group: 'Refusals',
    rule: 'A wrong key, a range outside the region or a right that region or memory window lacks: NAK remote access.',
    instead: 'The request is dropped, and the requester told that it was done.',
    source: 'rxe; IBTA table 57',
  },
  'both-ends-fail': {
    group: 'Refusals',
    rule: 'A refusal moves both ends of the queue pair to ERR.',
    instead: 'The responder goes on serving.',
    source: 'IBTA 9.9.3; rxe; measured',
  },
  'accepted-stays': {
    group: 'Refusals',
    rule: 'What the responder has accepted is placed even if the right is revoked, the queue pair reset or the region registered anew meanwhile.',
    instead: 'Revocation also stops what was accepted before.',
    source: 'PCIe posted writes; DeepEP pull request 310',
  },
  'keys-end': {
    group: 'Refusals',
    rule: 'Registering a region anew, or binding a memory window, ends the old key.',
    instead: 'Old keys stay good.',
    source: 'ibv_rereg_mr(3), ibv_bind_mw(3)',
  },
  'receiver-not-ready': {
    group: 'Refusals',
    rule: 'A SEND or WRITE with immediate that finds no receive buffer waits, or fails when its retries are used up.',
    instead: 'It is dropped, and the requester told that it was done.',
    source: 'IBTA 9.7.5.2.8; ibv_modify_qp(3), rnr_retry',
  },
  'zombie-serves': {
    group: 'Failures',
    rule: 'The NIC of a stopped or halted process goes on serving its memory.',
    instead: 'A stopped process is silent.',
    source: 'DARE 3; measured: SIGSTOP of a process',
  },
  'delayed-teardown': {
    group: 'Failures',
    rule: 'The memory of a killed process is served until the kernel has torn it down.',
    instead: 'It is silent at once.',
    source: 'RAMCloud; measured',
  },
  'unflushed-torn': {
    group: 'Disks',
    rule: 'Of what was appended and not flushed a crash keeps any part: nothing, all, a torn record, a later record without an earlier one.',
    instead: 'A crash keeps all of it or nothing.',
    source: 'Alice (OSDI 2014); NVMe and SCSI volatile write caches',
  },
  'failed-flush-voids': {
    group: 'Disks',
    rule: 'After a flush has failed nothing appended since the last good flush is promised, not even if a later flush succeeds.',
    instead: 'A later flush makes up for it.',
    source: 'fsync error semantics of Linux ("fsyncgate", 2018); USENIX ATC 2020, Rebello and others',
  },
  'clocks-drift': {
    group: 'Clocks',
    rule: 'Clocks of two nodes differ, up to the bound that the system declares, and go on while their process is stopped.',
    instead: 'All nodes read one clock.',
    source: 'Gray and Cheriton, Leases (SOSP 1989); measured: guests differ by up to 0.7 s',
  },
} as const satisfies Readonly<Record<string, RuleText>>

export type Rule = keyof typeof ruleBook
export const ruleNames = Object.keys(ruleBook) as readonly Rule[]
